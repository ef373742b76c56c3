"""A table's rows as questions to the policies of one lab."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from labkit.review.lab import Lab
from labkit.review.provers.permission.asking import Request, request
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.symbols import shown
from labkit.review.provers.permission.table import Row

_PATH = re.compile(r"\$\{([A-Za-z0-9/]+/[A-Za-z0-9/]+)(\.[A-Za-z.]+)?\}")
_EACH = re.compile(r"each (\w+::\w+::\w+)(/.*)?")
_IMAGE = re.compile(r"(\d{12})\.dkr\.ecr\.[a-z0-9-]+\.[a-z.${}:A-Z]+/([a-z0-9._/-]+)")
# Settings of a lab that put something of the user's in the place of a resource.
_REPLACED = {"key_arn": "Key"}
_REMOVED = {"own_vpc": "Network"}


@dataclass(frozen=True)
class Question:
    """One request of one row.

    Args:
        row: where it comes from.
        asked: the request.
        resource: the resource that the answer is shown at, as logical id.
        through: logical id of the VPC endpoint that alone is asked.
    """

    row: Row
    asked: Request
    resource: str
    through: str = ""

    def __str__(self) -> str:
        when = ", ".join(f"{key} = {value}" for key, value in self.row.when.items())
        through = f" through {self.through}" if self.through else ""
        who = self.asked.who.logical_id or shown(self.asked.who.arn)
        return f"{who}: {shown(self.asked.action)} on {shown(self.asked.resource)}{through}{f' when {when}' if when else ''}"


@dataclass(frozen=True)
class Nameless:
    """A row that names something which the template does not have."""

    row: Row
    name: str
    expected: bool


class Questions:
    """Turns rows into questions.

    Args:
        lab: the lab.
        stack: its policies.
    """

    def __init__(self, lab: Lab, stack: Stack) -> None:
        self._stack = stack
        self._known: dict[int, tuple[Row, tuple[Question | Nameless, ...]]] = {}
        self._by_path: Mapping[str, str] = {path: logical_id for logical_id, path in lab.assembly.paths.items()}
        settings = lab.assembly.settings
        self._replaced = {name: str(settings[key]) for key, name in _REPLACED.items() if settings.get(key)}
        self._removed = tuple(f"{name}/" for key, name in _REMOVED.items() if settings.get(key))
        self._assets = [(asset.bucket, asset.key) for asset in lab.assembly.assets] if _has_assets(lab) else []

    def of(self, row: Row) -> tuple[Question | Nameless, ...]:
        """Every request of a row: each of its principals, actions and resources."""
        if id(row) not in self._known:
            self._known[id(row)] = (row, tuple(self._of(row)))
        return self._known[id(row)][1]

    def _of(self, row: Row) -> Iterator[Question | Nameless]:
        through = self._logical_id(row.through) if row.through else ""
        if row.through and through is None:
            yield Nameless(row, row.through, row.common or row.through.startswith(self._removed or ("\0",)))
            return
        for who in row.who:
            for on in row.on:
                found = False
                for resource in self._resources(on):
                    found = True
                    yield from self._asked(row, who, resource, through or "")
                if not found:
                    yield Nameless(row, on, row.common or on.startswith(self._removed or ("\0",)))

    def _asked(self, row: Row, who: str, resource: str, through: str) -> Iterator[Question | Nameless]:
        principal = self._logical_id(who) or self._text(who)
        outside = resource in self._replaced.values()
        when = {key: self._value(value) for key, value in row.when.items()}
        for action in row.do:
            asked = request(self._stack, principal=principal, action=action, resource=resource, context=when)
            if isinstance(asked, str):
                removed = (
                    who.startswith(self._removed) or row.on[0].startswith(self._removed) if self._removed else False
                )
                yield Nameless(row, who, row.common or removed)
                return
            if outside and not asked.who.logical_id:
                yield Nameless(row, f"the policy of {resource}", True)
                return
            place = asked.who.logical_id or self._stack.resource(asked.resource) or ""
            yield Question(row, asked, through or place, through)

    def _resources(self, on: str) -> Iterator[str]:
        if found := _EACH.fullmatch(on):
            yield from (f"{name}{found[2] or ''}" for name in self._stack.of(found[1]))
        elif on.startswith("asset:"):
            for bucket, key in self._assets:
                if fnmatchcase(key, on.removeprefix("asset:")):
                    yield f"arn:${{AWS::Partition}}:s3:::{bucket}/{key}"
        elif on.startswith("image:"):
            yield from self._images_of(on.removeprefix("image:"))
        elif on == "*" or on.startswith(("arn:", "${")):
            text = self._text(on)
            if text:
                yield text
        else:
            yield from self._named(on)

    def _value(self, value: Any) -> Any:
        """A condition's value; ``asset:*.gz`` stands for the keys of the lab's files."""
        if not isinstance(value, str) or not value.startswith("asset:"):
            return value
        return [key for _, key in self._assets if fnmatchcase(key, value.removeprefix("asset:"))]

    def _images_of(self, name: str) -> Iterator[str]:
        """The repositories of the images that the template runs, those of a name."""
        for account, repository in self._images:
            if fnmatchcase(repository, name):
                yield f"arn:${{AWS::Partition}}:ecr:${{AWS::Region}}:{account}:repository/{repository}"

    @cached_property
    def _images(self) -> list[tuple[str, str]]:
        """Account and repository of each image that the template runs."""
        return list(dict.fromkeys(_IMAGE.findall(json.dumps(self._stack.names.resources, default=str))))

    def _named(self, on: str) -> Iterator[str]:
        """The longest beginning of a text that names a resource, with the rest behind it."""
        parts = on.split("/")
        for length in range(len(parts), 0, -1):
            name, rest = "/".join(parts[:length]), "".join(f"/{part}" for part in parts[length:])
            if name in self._replaced:
                yield self._replaced[name] + rest
                return
            if logical_id := self._logical_id(name):
                yield logical_id + rest
                return

    def _logical_id(self, name: str) -> str | None:
        if name in self._stack.names.resources:
            return name
        return self._by_path.get(name) or self._by_path.get(f"{name}/Default")

    def _text(self, text: str) -> str:
        """A text in which construct paths stand as logical ids and regions as they are; empty: one is not there."""
        text = text.replace("${AWS::Region}", self._stack.names.region)
        for path, _ in _PATH.findall(text):
            logical_id = self._logical_id(path)
            if logical_id is None:
                return ""
            text = text.replace("${" + path, "${" + logical_id)
        if self._stack.names.partition == "aws-cn" and text.startswith("logs.") and text.endswith(".com"):
            text += ".cn"  # https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-Beijing.html
        return text


def _has_assets(lab: Lab) -> bool:
    return (lab.assembly.folder / f"{lab.assembly.stack}.assets.json").is_file()
