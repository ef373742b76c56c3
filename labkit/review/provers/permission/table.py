"""What a lab's ``permissions.toml`` says: who may do what, who may not, and why. A wrong table is a user's error.

A table has rows of two kinds, ``[[may]]`` and ``[[may_not]]``, each with

- ``who``: construct path or logical id of a role, a service such as ``lambda.amazonaws.com``, ``account`` for the
  account's administrators, or ``*`` for anybody;
- ``do``: an action or several;
- ``on``: a resource or several: a construct path or logical id, also with more behind a slash
  (``Raw/flights_*``), an ARN as ``Fn::Sub`` writes it, ``*``, ``each AWS::S3::Bucket/*`` for all of a type,
  ``asset:*.gz`` for the lab's files in the bootstrap bucket, or ``image:sagemaker-*`` for the repositories of the
  images that the template runs;
- ``when``: condition keys of the request, if any; ``asset:*.gz`` as a value stands for the keys of the lab's files;
- ``through``: the VPC endpoint that is asked, alone, whether it lets the request pass;
- ``because``: the reason;
- ``optional``: when the template may leave the permission out.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from labkit.errors import UserError

FILE = "permissions.toml"
_KEYS = {"who", "do", "on", "when", "through", "because", "optional"}
_SHORTEST_REASON = 15


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Args:
        kind: ``may`` or ``may_not``.
        place: where it stands, for messages.
        common: it stands in the table that all labs share; what a lab does not have is left out there.
    """

    kind: Literal["may", "may_not"]
    who: tuple[str, ...]
    do: tuple[str, ...]
    on: tuple[str, ...]
    because: str
    place: str
    when: Mapping[str, Any] = field(default_factory=dict)
    through: str = ""
    optional: str = ""
    common: bool = False


def rows_of(lab_folder: Path) -> tuple[Row, ...] | None:
    """A lab's table with the shared one; ``None``: the lab has none.

    Raises:
        UserError: a table cannot be read.
    """
    file = lab_folder / FILE
    if not file.is_file():
        return None
    common = Path(__file__).parent / "common.toml"
    return (
        *parse(file.read_text(), name=f"labs/{lab_folder.name}/{FILE}"),
        *parse(common.read_text(), name=common.name, common=True),
    )


@lru_cache(maxsize=64)
def parse(text: str, *, name: str, common: bool = False) -> tuple[Row, ...]:
    """Read a table.

    Raises:
        UserError: it is no TOML, or a row lacks something or has something that no row has.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{name}: not valid TOML: {error}") from None
    odd = content.keys() - {"may", "may_not"}
    if odd:
        raise UserError(f"{name}: {sorted(odd)[0]!r} is not allowed; a table has [[may]] and [[may_not]] rows only")
    found: list[Row] = []
    kinds: tuple[Literal["may", "may_not"], ...] = ("may", "may_not")
    for kind in kinds:
        entries = content.get(kind, [])
        if not isinstance(entries, list):
            raise UserError(f"{name}: write [[{kind}]], with two brackets")
        found += [_row(entry, kind, f"{name}: {kind} {n}", common) for n, entry in enumerate(entries, start=1)]
    return tuple(found)


def _row(entry: Any, kind: Literal["may", "may_not"], place: str, common: bool) -> Row:
    if not isinstance(entry, dict):
        raise UserError(f"{place}: a row has keys and values, got {str(entry)[:60]!r}")
    odd, missing = entry.keys() - _KEYS, {"who", "do", "on", "because"} - entry.keys()
    if odd or missing:
        wrong = f"has no {sorted(missing)[0]!r}" if missing else f"{sorted(odd)[0]!r} is not a key of a row"
        raise UserError(f"{place}: {wrong}; a row has {', '.join(sorted(_KEYS))}")
    because = entry["because"]
    if not isinstance(because, str) or len(because) < _SHORTEST_REASON:
        raise UserError(f"{place}: because must say why, in a sentence; got {str(because)[:60]!r}")
    when = entry.get("when", {})
    if not isinstance(when, dict):
        raise UserError(f"{place}: when names condition keys with values; got {str(when)[:60]!r}")
    return Row(
        kind,
        who=_texts(entry, "who", place),
        do=_texts(entry, "do", place),
        on=_texts(entry, "on", place),
        because=because,
        place=place,
        when=when,
        through=str(entry.get("through", "")),
        optional=str(entry.get("optional", "")),
        common=common,
    )


def _texts(entry: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    items = entry[key] if isinstance(entry[key], list) else [entry[key]]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise UserError(f"{place}: {key} is a text or a list of texts; got {str(entry[key])[:60]!r}")
    if key == "do":
        for item in items:
            if ":" not in item and item != "*":
                raise UserError(f"{place}: an action is written service:Name, got {item!r}")
    return tuple(items)
