"""Texts of which a part is known only after deployment, compared as patterns."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from stacks.rules.kit.values import texts

_TOKEN = re.compile(r"\$\{([^}]*)\}")
_SUFFIX = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}


def known(text: str, *, region: str, partition: str) -> str:
    """Replace the pseudo parameters that an assembly knows."""
    given = {
        "AWS::Region": region,
        "AWS::Partition": partition,
        "AWS::URLSuffix": _SUFFIX.get(partition, "amazonaws.com"),
    }
    return _TOKEN.sub(lambda match: given.get(match[1], match[0]), text) if "${" in text else text


def tokens(text: str) -> list[str]:
    """The references in a text: ``Bucket.Arn`` of ``${Bucket.Arn}/x``."""
    return _TOKEN.findall(text) if "${" in text else []


def is_plain(text: str) -> bool:
    """Tell whether nothing in a text waits for deployment."""
    return "${" not in text


def as_glob(text: str) -> str:
    """A pattern in which ``*`` stands for what is not known."""
    return _TOKEN.sub("*", text) if "${" in text else text


def written(text: str) -> str:
    """A text with a sign in place of each part that only deployment knows."""
    return _TOKEN.sub("0", text) if "${" in text else text


def name_of(arn: str) -> str:
    """The last part of an ARN or of a name."""
    return re.split(r"[:/]", arn)[-1]


@lru_cache(4096)
def overlap(one: str, other: str) -> bool:
    """Tell whether some text fits two patterns of ``*`` and ``?``; very long ones always do."""
    if len(one) > 400 or len(other) > 400:
        return True
    row = [True] + [False] * len(other)
    for place, sign in enumerate(other):
        row[place + 1] = row[place] and sign == "*"
    for mine in one:
        following = [row[0] and mine == "*"]
        for place, sign in enumerate(other):
            if mine == "*" or sign == "*":
                # A star takes in the other's character, or ends here.
                fits = following[place] or row[place + 1] or (mine == "*" and sign == "*" and row[place])
            else:
                fits = row[place] and (mine == sign or "?" in (mine, sign))
            following.append(fits)
        row = following
    return row[-1]


def overlap_arn(one: str, other: str) -> bool:
    """Tell whether some ARN fits two patterns; a star stays within its part, but for the last."""
    if not (one.startswith("arn:") and other.startswith("arn:")):
        return overlap(one, other)
    pairs = zip(one.split(":", 5), other.split(":", 5), strict=False)
    return all(overlap(mine, theirs) for mine, theirs in pairs)


def first_text(value: Any) -> str | None:
    """The first text that a value may become, if it is a text at all."""
    return next(iter(texts(value)), None)


def number(value: Any) -> int | None:
    """A number, also one spelt as text; ``None`` for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 19 else None
