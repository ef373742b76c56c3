"""What a value of a template stands for: a text in which only what CloudFormation decides is unknown."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labkit.review.provers.permission.symbols import shown, token

_VARIABLE = re.compile(r"\$\{(!?)([^${}]*)\}")
_DEEPEST = 24
_MOST_CASES = 16


@dataclass(frozen=True)
class Text:
    """One possible value. ``sure`` is false when a condition of the template decides whether it is this one."""

    value: str
    sure: bool = True

    def __str__(self) -> str:
        return shown(self.value)


@dataclass(frozen=True)
class Form:
    """How a type's names and ARNs are built."""

    arn: str
    name: str = ""
    ref: str = "name"
    atts: tuple[str, ...] = ()
    arns: tuple[str, ...] = ()


@cache
def forms() -> Mapping[str, Form]:
    """The table of types whose ARN is known."""
    content: dict[str, dict[str, Any]] = tomllib.loads((Path(__file__).parent / "arns.toml").read_text())
    return {
        type_: Form(
            row["arn"],
            row.get("name", ""),
            row.get("ref", "name"),
            tuple(row.get("atts", ())),
            tuple(row.get("arns", ())),
        )
        for type_, row in content.items()
    }


class Names:
    """Reads the values of one template. Nothing in a template makes it raise.

    Args:
        template: the template as JSON gave it.
        region: where it would be deployed; empty: not known.
        partition: ``aws``, ``aws-cn`` ...; empty: not known.
        account: the account's number; empty: not known, which is the normal case.
    """

    def __init__(self, template: Any, *, region: str = "", partition: str = "", account: str = "") -> None:
        content = template if isinstance(template, dict) else {}
        self.resources = _dictionary(content.get("Resources"))
        self._parameters = _dictionary(content.get("Parameters"))
        self._mappings = _dictionary(content.get("Mappings"))
        self.region = region or token("word", "AWS::Region")
        self.partition = partition or token("word", "AWS::Partition")
        self.account = account or token("account", "AWS::AccountId")
        suffix = {"": token("open", "AWS::URLSuffix"), "aws-cn": "amazonaws.com.cn"}.get(partition, "amazonaws.com")
        stack = token("generated", "AWS::StackName")
        self._pseudo = {
            "AWS::Region": self.region,
            "AWS::Partition": self.partition,
            "AWS::AccountId": self.account,
            "AWS::URLSuffix": suffix,
            "AWS::StackName": stack,
            "AWS::StackId": f"arn:{self.partition}:cloudformation:{self.region}:{self.account}:stack/{stack}/"
            + token("generated", "AWS::StackId"),
        }
        self._names: dict[str, str] = {}

    def type_of(self, logical_id: str) -> str:
        """The type of a resource; empty if there is none of that name."""
        body = self.resources.get(logical_id)
        return str(body.get("Type", "")) if isinstance(body, dict) else ""

    def properties(self, logical_id: str) -> dict[str, Any]:
        """The properties of a resource."""
        return _dictionary(_dictionary(self.resources.get(logical_id)).get("Properties"))

    def arn(self, logical_id: str) -> str:
        """The ARN that policies use for a resource."""
        form = forms().get(self.type_of(logical_id))
        if form is None:
            return token("opaque", f"{logical_id}.Arn")
        name = self._name(logical_id, 0)
        if name.startswith("arn:"):
            return name
        path = self._one(self.properties(logical_id).get("Path"), 1) if form.arn.startswith("arn:{P}:iam") else ""
        parts = {"P": self.partition, "R": self.region, "A": self.account, "name": f"{path.strip('/')}/{name}"}
        if not path.strip("/"):
            parts["name"] = name
        if self.type_of(logical_id) == "AWS::SSM::Parameter":
            parts["name"] = name.lstrip("/")
        return form.arn.format_map(parts)

    def texts(self, value: Any, depth: int = 0) -> list[Text]:
        """Every text that a value may stand for; a list gives the texts of its items."""
        return list(itertools.islice(self._texts(value, depth), 4096))

    def _texts(self, value: Any, depth: int) -> Iterator[Text]:
        if depth > _DEEPEST:
            yield Text(token("open", "nested too deeply"), sure=False)
        elif isinstance(value, str):
            yield Text(value)
        elif isinstance(value, bool):
            yield Text(str(value).lower())
        elif isinstance(value, (int, float)):
            yield Text(f"{value:g}" if isinstance(value, float) else str(value))
        elif isinstance(value, list):
            for item in value:
                yield from self._texts(item, depth + 1)
        elif isinstance(value, dict):
            yield from self._function(value, depth)

    def _function(self, value: dict[Any, Any], depth: int) -> Iterator[Text]:
        name, argument = next(iter(value.items())) if len(value) == 1 else ("", None)
        if name == "Ref":
            yield from self._ref(argument, depth)
        elif name == "Fn::GetAtt":
            yield self._attribute(argument, depth)
        elif name == "Fn::Sub":
            yield from self._substituted(argument, depth)
        elif name == "Fn::If" and isinstance(argument, list) and len(argument) == 3:
            for branch in argument[1:]:
                for text in self._texts(branch, depth + 1):
                    yield Text(text.value, sure=False)
        elif name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
            yield from self._joined(str(argument[0]), argument[1], depth)
        elif name == "Fn::Split" and isinstance(argument, list) and len(argument) == 2:
            for text in self._texts(argument[1], depth + 1):
                yield from (Text(part, text.sure) for part in text.value.split(str(argument[0]) or "\0"))
        elif name == "Fn::Select" and isinstance(argument, list) and len(argument) == 2:
            items = self.texts(argument[1], depth + 1)
            number = str(argument[0])
            known = number.isdecimal() and int(number) < len(items) and all(item.sure for item in items)
            yield items[int(number)] if known else Text(token("open", "Fn::Select"))
        elif name == "Fn::FindInMap":
            yield from self._mapped(argument, depth)
        else:
            yield Text(token("open", f"{name} {argument}"[:60] if name else "not a text"))

    def _ref(self, argument: Any, depth: int) -> Iterator[Text]:
        name = str(argument)
        if name == "AWS::NoValue":
            return
        if name in self._pseudo:
            yield Text(self._pseudo[name])
        elif name in self.resources:
            form = forms().get(self.type_of(name))
            yield Text(self.arn(name) if form and form.ref == "arn" else self._name(name, depth))
        else:
            allowed = _dictionary(self._parameters.get(name)).get("AllowedValues")
            if isinstance(allowed, list) and 0 < len(allowed) <= _MOST_CASES:
                sure = len(allowed) == 1
                yield from (Text(text.value, sure) for one in allowed for text in self._texts(one, depth + 1))
            else:
                yield Text(token("open", name))

    def _attribute(self, argument: Any, depth: int) -> Text:
        path = argument.split(".") if isinstance(argument, str) else argument
        if not isinstance(path, list) or not all(isinstance(part, str) for part in path) or len(path) < 2:
            return Text(token("open", "Fn::GetAtt"))
        name, attribute = path[0], ".".join(path[1:])
        if name not in self.resources:
            return Text(token("open", ".".join(path)))
        form = forms().get(self.type_of(name))
        if form and (attribute == "Arn" or attribute in form.arns):
            return Text(self.arn(name))
        if form and attribute in form.atts:
            return Text(self._name(name, depth))
        kind = "opaque" if attribute.endswith("Arn") else "generated"
        custom = self.type_of(name).startswith(("Custom::", "AWS::CloudFormation::CustomResource"))
        return Text(token("open" if custom else kind, f"{name}.{attribute}"))  # type: ignore[arg-type]

    def _substituted(self, argument: Any, depth: int) -> Iterator[Text]:
        text, given = (
            (argument[0], argument[1]) if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        )
        if not isinstance(text, str) or not isinstance(given, dict):
            yield Text(token("open", "Fn::Sub"))
            return
        sure = True

        def known(found: re.Match[str]) -> str:
            nonlocal sure
            if found[1]:
                return "${" + found[2] + "}"
            inner: Any = given.get(found[2], {"Fn::GetAtt" if "." in found[2] else "Ref": found[2]})
            texts = self.texts(inner, depth + 1)
            if len(texts) != 1:
                return token("open", found[2])
            sure = sure and texts[0].sure
            return texts[0].value

        yield Text(_VARIABLE.sub(known, text), sure)

    def _joined(self, separator: str, items: Any, depth: int) -> Iterator[Text]:
        if not isinstance(items, list):
            yield Text(token("open", "Fn::Join"))
            return
        parts = [self.texts(item, depth + 1) for item in items]
        ways = 1
        for part in parts:
            ways *= max(len(part), 1)
        if ways > _MOST_CASES:
            yield Text(token("open", "Fn::Join of many cases"))
            return
        for chosen in itertools.product(*(part for part in parts if part)):
            yield Text(separator.join(text.value for text in chosen), all(text.sure for text in chosen))

    def _mapped(self, argument: Any, depth: int) -> Iterator[Text]:
        keys = argument if isinstance(argument, list) and len(argument) == 3 else []
        found: Any = self._mappings
        for key in keys:
            texts = self.texts(key, depth + 1)
            found = _dictionary(found).get(texts[0].value) if len(texts) == 1 else None
        if keys and isinstance(found, (str, list)):
            yield from self._texts(found, depth + 1)
        else:
            yield Text(token("open", "Fn::FindInMap"))

    def _name(self, logical_id: str, depth: int) -> str:
        if logical_id not in self._names:
            made_up = token("generated", logical_id)
            self._names[logical_id] = made_up  # a name that refers to itself ends here
            form = forms().get(self.type_of(logical_id))
            given = self.properties(logical_id).get(form.name) if form and form.name else None
            if given is not None:
                texts = self.texts(given, depth + 1)
                self._names[logical_id] = texts[0].value if len(texts) == 1 and texts[0].sure else made_up
        return self._names[logical_id]

    def _one(self, value: Any, depth: int) -> str:
        texts = self.texts(value, depth) if value is not None else []
        return texts[0].value if len(texts) == 1 else ""


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
