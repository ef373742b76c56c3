"""A rule of the project: what it states, why, and how it looks at one resource."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from stacks.rules.kit import values
from stacks.rules.kit.frameworks import frameworks
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import Found

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """What contradicts a rule in one resource.

    Args:
        path: property, such as ``ProductionVariants.0.InitialInstanceCount``.
        value: what stands there; ``None`` when nothing does.
        message: what is wrong with it.
        undecided: the template alone does not tell, so the rule is neither kept nor broken.
    """

    path: str
    value: Any
    message: str
    undecided: bool = False


Check = Callable[[Resource, Template], Iterable[Problem]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One statement about resources of some types.

    Args:
        id: the file's name with hyphens.
        title: the passing case.
        why: what it protects against.
        fix: what to change when it fails.
        source: the page it rests on.
        controls: ``AI-BP`` (Security Hub: AI Security Best Practices), ``FSBP`` (Security Hub: Foundational
            Security Best Practices), ``SecurityHub`` (in none of the two) and ``NIST`` (800-53 revision 5) ids, such
            as ``FSBP S3.5``. ``HIPAA`` and ``PCI-DSS`` (3.2.1) ids are added from ``same_as``.
        types: resource types it looks at; ``*`` is every one.
        check: yields the problems of one resource.
        level: ``error`` or ``warning``.
        of_labs: it states a convention of this project's labs, so that templates of others are not asked.
        same_as: rules of cdk-nag that state the same, such as ``S3BucketVersioningEnabled``.
    """

    id: str
    title: str
    why: str
    fix: str
    source: str
    controls: tuple[str, ...]
    types: tuple[str, ...]
    check: Check
    level: Level = "error"
    of_labs: bool = False
    same_as: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", self.id):
            raise ValueError(f"rule id {self.id!r}: lower-case words joined by hyphens")
        for control in self.controls:
            if not re.fullmatch(r"(AI-BP|FSBP|SecurityHub) [A-Za-z0-9]+\.\d+|NIST [A-Z]{2}-\d+(\(\d+\))?", control):
                raise ValueError(f"rule {self.id}: control {control!r} is not of the form 'FSBP S3.5' or 'NIST SC-28'")
        mapped = (control for name in self.same_as for control in frameworks(name))
        object.__setattr__(self, "controls", tuple(dict.fromkeys((*self.controls, *mapped))))


def expect(found: Iterable[Found], allowed: Callable[[Any], bool], message: str) -> Iterator[Problem]:
    """Yield a problem for each value that is not allowed; what only CloudFormation knows is undecided."""
    for path, value in found:
        if not allowed(value):
            yield Problem(path, value, message, undecided=values.is_function(value))
