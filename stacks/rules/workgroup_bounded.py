"""Queries of an Athena workgroup are encrypted, bounded, and cannot choose otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stacks.rules.kit.keys import expect_key
from stacks.rules.kit.rule import Problem, Rule, expect
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_on

_OUTCOME = "WorkGroupConfiguration.ResultConfiguration.EncryptionConfiguration"
_CUT_OFF = "WorkGroupConfiguration.BytesScannedCutoffPerQuery"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    enforced = "WorkGroupConfiguration.EnforceWorkGroupConfiguration"
    # The default is true; stated, it cannot change unseen.
    yield from expect(resource.each(enforced), is_on, "a client may set its own location and encryption")
    yield from expect(
        resource.each(f"{_OUTCOME}.EncryptionOption"), _with_key, "results are not encrypted with a KMS key"
    )
    yield from expect_key(resource.each(f"{_OUTCOME}.KmsKey"), template, "results have no customer-managed key")
    for path, value in resource.each(_CUT_OFF):
        if value is None:
            yield Problem(path, value, "one query may scan, and cost, without limit")


def _with_key(value: Any) -> bool:
    return isinstance(value, str) and value in ("SSE_KMS", "CSE_KMS")


RULE = Rule(
    id="workgroup-bounded",
    title="An Athena workgroup enforces its settings, encrypts results and limits the bytes a query scans",
    why="Results hold the data that was queried; a query over everything can cost hundreds of dollars.",
    fix="Set EnforceWorkGroupConfiguration, an EncryptionConfiguration with the lab's key and "
    "BytesScannedCutoffPerQuery.",
    source="https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html",
    controls=("NIST SC-28", "NIST SC-28(1)", "NIST SC-5(2)", "NIST CM-6"),
    types=("AWS::Athena::WorkGroup",),
    check=check,
)
