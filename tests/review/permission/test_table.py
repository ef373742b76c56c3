"""A lab's table: what it may say, that every row is checked, and that what no row explains is noticed."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import UserError
from labkit.review.evidence import Evidence
from labkit.review.lab import Lab
from labkit.review.provers.permission import parse, proved
from labkit.review.provers.permission.draft import draft
from labkit.review.provers.permission.table import rows_of
from tests.review.permission.build import BUCKET, SOURCE, allow, bucket_policy, deny, document, resource, role, sub

NUMBERS = count()
TRUST = """
[[may]]
who = "lambda.amazonaws.com"
do = "sts:AssumeRole"
on = "Parts/Role"
when = { "aws:SourceAccount" = "${AWS::AccountId}" }
because = "functions of this account run with the role"
"""
READS = """
[[may]]
who = "Parts/Role"
do = "s3:GetObject"
on = "Raw/in/*"
because = "the job reads what was put in for it"
"""


def said(make: Any, table: str, **resources: Any) -> list[Evidence]:
    lab = Lab(make(resources, lab=f"d9_number_{next(NUMBERS)}"))
    return [row for row in proved(lab, parse(table, name="permissions.toml")) if row.rule.startswith("permission-")]


def wrong(make: Any, table: str, **resources: Any) -> list[tuple[str, str, str]]:
    rows = said(make, table, **resources)
    return [(row.rule, row.logical_id, row.evidence) for row in rows if row.status in ("open", "unknown")]


READER = role(allow("s3:GetObject", sub("${Raw.Arn}/in/*")))


def test_a_table_that_says_what_the_policies_say_holds(make: Any) -> None:
    rows = said(make, TRUST + READS, Raw=BUCKET, Role=READER)
    assert {row.status for row in rows} == {"pass"}
    (read,) = [row for row in rows if row.evidence.startswith("may: Role: s3:GetObject")]
    assert (read.rule, read.logical_id, read.reason) == (
        "permission-table",
        "Role",
        "the job reads what was put in for it",
    )


def test_a_permission_that_is_missing_is_named(make: Any) -> None:
    ((rule, logical_id, evidence),) = wrong(make, TRUST + READS, Raw=BUCKET, Role=role())
    assert (rule, logical_id) == ("permission-table", "Role")
    assert "s3:GetObject on arn:aws:s3:::${Raw}/in/* must be allowed" in evidence
    assert "permissions.toml: may 2" in evidence


def test_a_permission_that_must_not_be_there_is_named(make: Any) -> None:
    forbids = (
        '[[may_not]]\nwho = "Parts/Role"\ndo = "s3:GetObject"\non = "Raw/*"\nbecause = "nobody reads the raw data"\n'
    )
    ((rule, _, evidence),) = wrong(make, TRUST + READS + forbids, Raw=BUCKET, Role=READER)
    assert rule == "permission-table"
    assert "must be denied" in evidence
    assert wrong(make, TRUST + forbids, Raw=BUCKET, Role=role()) == []


@pytest.mark.parametrize(
    "wider",
    [
        role(allow("s3:*", sub("${Raw.Arn}/in/*"))),
        role(allow("s3:Get*", sub("${Raw.Arn}/in/*"))),
        role(allow("s3:GetObject", sub("${Raw.Arn}/*"))),
        role(allow("s3:GetObject", "*")),
        role(allow(["s3:GetObject", "s3:PutObject"], sub("${Raw.Arn}/in/*"))),
        role(allow("s3:GetObject", sub("${Raw.Arn}/in/*")), {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
        role(allow("s3:GetObject", sub("${Raw.Arn}/in/*")), "not a statement"),
    ],
    ids=["service", "verb", "bucket", "everything", "second", "not-action", "unreadable"],
)
def test_a_permission_that_grew_is_unexplained(make: Any, wider: dict[str, Any]) -> None:
    found = wrong(make, TRUST + READS, Raw=BUCKET, Role=wider)
    assert ("permission-unexplained", "Role") in [(rule, name) for rule, name, _ in found]


def test_a_condition_that_was_dropped_or_loosened_is_unexplained(make: Any) -> None:
    table = TRUST + READS.replace("because", 'when = { "s3:ExistingObjectTag/open" = "yes" }\nbecause')

    def reader(condition: Any) -> dict[str, Any]:
        return role(allow("s3:GetObject", sub("${Raw.Arn}/in/*"), **condition))

    kept = {"Condition": {"StringEquals": {"s3:ExistingObjectTag/open": "yes"}}}
    assert wrong(make, table, Raw=BUCKET, Role=reader(kept)) == []
    for loose in ({}, {"Condition": {"StringLike": {"s3:ExistingObjectTag/open": "*"}}}):
        ((rule, _, evidence),) = wrong(make, table, Raw=BUCKET, Role=reader(loose))
        assert rule == "permission-unexplained"
        assert "also without s3:ExistingObjectTag/open = yes" in evidence


def test_a_statement_on_a_resource_for_somebody_new_is_unexplained(make: Any) -> None:
    policy = bucket_policy("Raw", allow("s3:GetObject", sub("${Raw.Arn}/*"), Principal={"Service": "x.amazonaws.com"}))
    ((rule, logical_id, evidence),) = wrong(make, TRUST + READS, Raw=BUCKET, Role=READER, Policy=policy)
    assert (rule, logical_id) == ("permission-unexplained", "Raw")
    assert "x.amazonaws.com may s3:GetObject" in evidence


def test_what_passes_an_endpoint_is_asked_of_its_policy_alone(make: Any) -> None:
    passes = """
[[may]]
who = "*"
through = "Parts/Gate"
do = "s3:GetObject"
on = "Raw/*"
when = { "aws:PrincipalAccount" = "${AWS::AccountId}" }
because = "the job reads through the endpoint"
"""
    condition = {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
    narrow = allow("s3:GetObject", sub("${Raw.Arn}/*"), Principal="*", Condition=condition)

    def gate(statement: Any) -> dict[str, Any]:
        return resource("AWS::EC2::VPCEndpoint", PolicyDocument=document(statement))

    assert wrong(make, passes, Raw=BUCKET, Gate=gate(narrow)) == []
    wide = gate(narrow | {"Resource": "*"})
    assert [rule for rule, _, _ in wrong(make, passes, Raw=BUCKET, Gate=wide)] == ["permission-unexplained"]
    shut = gate(narrow | {"Effect": "Deny"})
    assert [rule for rule, _, _ in wrong(make, passes, Raw=BUCKET, Gate=shut)] == ["permission-table"]


def test_a_way_through_what_is_no_endpoint_is_reported_and_breaks_nothing(make: Any) -> None:
    passes = '[[may]]\nwho = "*"\nthrough = "Parts/Gate"\ndo = "s3:GetObject"\non = "Raw/*"\nbecause = "the job reads through it"\n'
    ((rule, _, evidence),) = wrong(make, passes, Raw=BUCKET, Gate=resource("AWS::EC2::VPCEndpoints"))
    assert rule == "permission-table"
    assert "Gate is no VPC endpoint" in evidence


def test_a_row_about_all_of_a_type_asks_each_of_them(make: Any) -> None:
    each = '[[may_not]]\nwho = "Parts/Role"\ndo = "s3:PutObject"\non = "each AWS::S3::Bucket/*"\nbecause = "it only reads"\n'
    each = each.replace("it only reads", "the job only ever reads")
    writer = role(allow("s3:GetObject", sub("${Raw.Arn}/in/*")), allow("s3:PutObject", sub("${Two.Arn}/*")))
    found = wrong(make, TRUST + READS + each, Raw=BUCKET, Two=BUCKET, Role=writer)
    assert sorted(rule for rule, _, _ in found) == ["permission-table", "permission-unexplained"]


def test_a_row_about_nothing_is_reported_and_an_optional_one_is_not(make: Any) -> None:
    odd = READS.replace("Raw/in/*", "Gone/*")
    found = wrong(make, TRUST + READS + odd, Raw=BUCKET, Role=READER)
    assert [(rule, "Gone/* is nothing of the template" in text) for rule, _, text in found] == [
        ("permission-table", True)
    ]
    assert wrong(make, TRUST + READS + odd + 'optional = "sometimes"\n', Raw=BUCKET, Role=READER) == []


def test_what_may_not_be_done_may_not_be_done_in_a_roundabout_way(make: Any) -> None:
    table = (
        TRUST.replace("Parts/Role", "Parts/Strong")
        + """
[[may]]
who = "Parts/Role"
do = "sts:AssumeRole"
on = "Parts/Strong"
because = "the job takes the role for its last step"

[[may]]
who = "account"
do = "sts:AssumeRole"
on = "Parts/Strong"
because = "roles of the account take it by their own policies"

[[may]]
who = "Parts/Strong"
do = "s3:DeleteObject"
on = "Raw/*"
because = "it cleans up behind the job"

[[may_not]]
who = "Parts/Role"
do = "s3:DeleteObject"
on = "Raw/*"
because = "the job must not destroy its data"
"""
        + TRUST
    )
    own = allow("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"}, Condition=SOURCE)
    root = allow("sts:AssumeRole", Principal={"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")})
    strong = role(allow("s3:DeleteObject", sub("${Raw.Arn}/*")), AssumeRolePolicyDocument=document(own, root))
    taker = role(allow("sts:AssumeRole", sub("${Strong.Arn}")))
    ((rule, _, evidence),) = wrong(make, table, Raw=BUCKET, Strong=strong, Role=taker)
    assert rule == "permission-table"
    assert "roundabout way: Role -> sts:AssumeRole" in evidence
    assert "-> Strong" in evidence


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[may]\n", "not valid TOML"),
        ("[[might]]\n", "'might' is not allowed"),
        ("[may]\nwho='a'\n", "two brackets"),
        ("[[may]]\nwho='a'\ndo='s3:X'\non='*'\n", "has no 'because'"),
        ("[[may]]\nwho='a'\ndo='s3:X'\non='*'\nbecause=''\n", "because must say why"),
        (
            "[[may]]\nwho='a'\ndo='s3:X'\non='*'\nwhy='x'\nbecause='a reason that is long'\n",
            "'why' is not a key of a row",
        ),
        ("[[may]]\nwho=[]\ndo='s3:X'\non='*'\nbecause='a reason that is long'\n", "who is a text or a list"),
        ("[[may]]\nwho='a'\ndo='GetObject'\non='*'\nbecause='a reason that is long'\n", "service:Name"),
        (
            "[[may]]\nwho='a'\ndo='s3:X'\non='*'\nwhen='x'\nbecause='a reason that is long'\n",
            "when names condition keys",
        ),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UserError, match=r"permissions\.toml") as error:
        parse(text, name="permissions.toml")
    assert message in str(error.value)


def test_a_lab_without_a_table_has_no_rows_about_one(make: Any, tmp_path: Path) -> None:
    assert rows_of(tmp_path) is None
    rows = list(proved(Lab(make({"Raw": BUCKET, "Role": READER})), None))
    tabled = {row.rule: row.status for row in rows if row.rule.startswith("permission-")}
    assert tabled == {"permission-table": "not applicable", "permission-unexplained": "not applicable"}


def test_a_draft_holds_once_its_reasons_are_written(make: Any) -> None:
    reader = role(allow("s3:GetObject", sub("${Raw.Arn}/in/*")), deny("s3:PutObject", "*"))
    lab = Lab(make({"Raw": BUCKET, "Role": reader}))
    text = draft(lab)
    with pytest.raises(UserError, match="because must say why"):
        parse(text, name="draft")
    table = parse(text.replace('because = ""', 'because = "somebody thought about it"'), name="draft")
    assert [row.evidence for row in proved(lab, table) if row.status in ("open", "unknown")] == []


def test_a_condition_may_be_asked_for_by_a_denial_elsewhere(make: Any) -> None:
    table = TRUST + READS.replace("because", 'when = { "s3:ExistingObjectTag/open" = "yes" }\nbecause')
    reads = allow("s3:GetObject", sub("${Raw.Arn}/in/*"))
    guard = deny("s3:GetObject", "*", Condition={"Null": {"s3:ExistingObjectTag/open": "true"}})
    assert wrong(make, table, Raw=BUCKET, Role=role(reads, guard)) == []
    ((rule, _, evidence),) = wrong(make, table, Raw=BUCKET, Role=role(reads))
    assert rule == "permission-unexplained"
    assert "also without s3:ExistingObjectTag/open" in evidence
