"""Makes encryption in transit weaker."""

from __future__ import annotations

import json
from typing import Any

from labkit.review.mutation.kit.operator import Operator, drops, sets
from labkit.review.mutation.kit.texts import replaces

_STATEMENTS = "* Properties.PolicyDocument.Statement.*"
_TRAFFIC = "EnableInterContainerTrafficEncryption"


def _denies_plain(statement: Any) -> bool:
    return statement.get("Effect") == "Deny" and "aws:SecureTransport" in json.dumps(statement.get("Condition", {}))


def _denies_old(statement: Any) -> bool:
    return statement.get("Effect") == "Deny" and "s3:TlsVersion" in json.dumps(statement.get("Condition", {}))


def _never(statement: Any) -> Any:
    return {**statement, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}


OPERATORS: tuple[Operator, ...] = (
    drops("drop-tls-statement", "A policy that lets plain HTTP in", "security", _STATEMENTS, where=_denies_plain),
    sets(
        "tls-statement-inverted",
        "A policy that denies TLS in place of plain HTTP",
        "security",
        _STATEMENTS,
        to=_never,
        where=_denies_plain,
    ),
    drops(
        "drop-tls-version-statement",
        "A bucket that takes old versions of TLS",
        "security",
        _STATEMENTS,
        where=_denies_old,
    ),
    sets(
        "tls-version-old",
        "A bucket that takes TLS 1.0",
        "security",
        f"{_STATEMENTS}.Condition.NumericLessThan.s3:TlsVersion",
        to=1.0,
    ),
    sets(
        "tls-for-one",
        "A policy that asks one principal alone for TLS",
        "security",
        _STATEMENTS,
        to=lambda statement: {
            **statement,
            "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
        },
        where=_denies_plain,
    ),
    sets(
        "drop-traffic-encryption",
        "A job whose containers talk in plain text",
        "security",
        f"AWS::SageMaker::* Properties.**.{_TRAFFIC}",
        to=False,
    ),
    replaces(
        "drop-traffic-encryption-in-text",
        "A job in a definition whose containers talk in plain text",
        "security",
        (rf'("{_TRAFFIC}":\s*)true', r"\1false"),
    ),
)
