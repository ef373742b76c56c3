"""Each engine's word becomes a row with one of five statuses."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.errors import UserError
from labkit.review import Counts, EngineFailed, Evidence, engines, lint, provers, quick_findings, review
from labkit.review.lab import Lab
from tests.review.conftest import Make, acceptance, finding

TODAY = date(2026, 11, 22)
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {}}
POLICY = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": []}}}


def rows(assembly: Assembly, today: date = TODAY, **wanted: Any) -> list[Evidence]:
    found = engines.quick(Lab(assembly), today=today)
    return [row for row in found if all(getattr(row, name) == value for name, value in wanted.items())]


def test_a_rule_of_cdk_nag_without_a_finding_passes_on_each_resource_it_looks_at(make: Make) -> None:
    # GIVEN two buckets and a finding on one
    assembly = make({"A": BUCKET, "B": BUCKET}, findings=[finding("AwsSolutions-S1", "A")])
    # THEN one is open, the other passes, with the construct's path
    found = {row.logical_id: (row.status, row.path) for row in rows(assembly, rule="AwsSolutions-S1")}
    assert found == {"A": ("open", "Lab-d9-tiny/A"), "B": ("pass", "Lab-d9-tiny/Parts/B")}


def test_a_rule_with_nothing_to_look_at_is_not_applicable_once(make: Make) -> None:
    (row,) = rows(make({"A": BUCKET, "B": BUCKET}), rule="AwsSolutions-SM1")
    assert (row.status, row.logical_id) == ("not applicable", "")
    assert "AWS::SageMaker::NotebookInstance" in row.evidence
    (row,) = rows(make({"A": BUCKET}, lab="d9_other"), rule="model-in-vpc")
    assert row.status == "not applicable"


def test_own_rules_give_open_rows_with_property_value_and_controls(make: Make) -> None:
    (row,) = rows(make({"A": BUCKET}), rule="bucket-versioned")
    assert row.status == "open"
    assert row.evidence == "VersioningConfiguration.Status = absent: versioning is not on"
    assert "NIST CP-9" in row.controls


def test_an_own_rule_that_cannot_decide_is_unknown(make: Make) -> None:
    variant = [{"VariantName": "v", "InitialInstanceCount": {"Ref": "Count"}}]
    config = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": variant}}
    (row,) = rows(make({"Config": config}), rule="endpoint-instances-redundant")
    assert row.status == "unknown"


def test_every_exact_finding_is_a_row_of_its_own(make: Make) -> None:
    exact = ["AwsSolutions-IAM5[Resource::*]", "AwsSolutions-IAM5[Action::s3:Get*]"]
    assembly = make({"P": POLICY}, findings=[finding("AwsSolutions-IAM5", "P", exact=one) for one in exact])
    assert sorted(row.finding for row in rows(assembly, rule="AwsSolutions-IAM5")) == sorted(exact)


def test_an_acceptance_covers_exactly_its_finding_on_its_resources(make: Make) -> None:
    # GIVEN the same rule broken in two ways on two resources, and one of the four accepted
    one, other = "AwsSolutions-IAM5[Resource::*]", "AwsSolutions-IAM5[Action::s3:Get*]"
    resources = {"P": POLICY, "Q": POLICY}
    found = [finding("AwsSolutions-IAM5", name, exact=exact) for name in resources for exact in (one, other)]
    assembly = make(resources, findings=found, accepted=[acceptance(one, "P")])
    # THEN that one is accepted, with its reason, and nothing else is
    statuses = {(row.logical_id, row.finding): row.status for row in rows(assembly, rule="AwsSolutions-IAM5")}
    assert statuses == {("P", one): "accepted", ("P", other): "open", ("Q", one): "open", ("Q", other): "open"}
    (row,) = rows(assembly, status="accepted")
    assert row.reason == acceptance(one)["because"]
    assert (row.kind, row.owner, row.review_by) == ("risk-accepted", "lab maintainers", "2027-05-31")


def test_an_acceptance_for_one_pack_does_not_cover_another(make: Make) -> None:
    nist = finding("NIST.800.53.R5-S3BucketReplicationEnabled", "A", engine="NIST.800.53.R5")
    pci = acceptance("PCI.DSS.321-S3BucketReplicationEnabled", "A", engine="PCI.DSS.321")
    assert rows(make({"A": BUCKET}, findings=[nist], accepted=[pci]), rule=nist["rule"])[0].status == "open"


def test_a_status_in_the_record_counts_for_nothing_without_an_acceptance(make: Make) -> None:
    assembly = make({"A": BUCKET}, findings=[finding("AwsSolutions-S1", "A", status="accepted")])
    assert rows(assembly, rule="AwsSolutions-S1")[0].status == "open"


def test_an_own_rule_is_accepted_by_its_id_and_resource(make: Make) -> None:
    assembly = make({"A": BUCKET, "B": BUCKET}, accepted=[acceptance("bucket-versioned", "A", engine="own")])
    found = {row.logical_id: row.status for row in rows(assembly, rule="bucket-versioned")}
    assert found == {"A": "accepted", "B": "open"}


@pytest.mark.parametrize(("today", "status"), [(date(2027, 5, 31), "accepted"), (date(2027, 6, 1), "open")])
def test_an_acceptance_holds_through_its_review_date_and_no_longer(make: Make, today: date, status: str) -> None:
    accepted = [acceptance("AwsSolutions-S1", "A")]
    assembly = make({"A": BUCKET}, findings=[finding("AwsSolutions-S1", "A")], accepted=accepted)
    (row,) = rows(assembly, today, rule="AwsSolutions-S1")
    assert row.status == status
    assert row.review_by == "2027-05-31"


def test_a_rule_that_threw_is_unknown_and_cannot_be_accepted(make: Make) -> None:
    threw = finding("AwsSolutions-EC23", "A", description="Rule threw an error during validation. This is generally")
    group = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "g"}}
    assembly = make({"A": group}, findings=[threw], accepted=[acceptance("AwsSolutions-EC23", "A")])
    (row,) = rows(assembly, rule="AwsSolutions-EC23")
    assert row.status == "unknown"
    assert "cannot be accepted" in row.reason
    assert not rows(assembly, rule="acceptance-stale")


def test_what_a_template_alone_cannot_tell_may_be_accepted(make: Make) -> None:
    # GIVEN an alarm on a topic whose key is given from outside
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "KeyArn"}}},
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmActions": [{"Ref": "Topic"}]}},
    }
    rule = "alarm-actions-deliverable"
    assert rows(make(resources, lab="d9_before"), rule=rule)[0].status == "unknown"
    accepted = [acceptance(rule, "Alarm", engine="own")]
    assert rows(make(resources, accepted=accepted), rule=rule)[0].status == "accepted"


def test_an_own_rule_that_breaks_is_unknown_and_cannot_be_accepted(make: Make) -> None:
    # GIVEN a list where a number belongs, so that the rule breaks
    variants = [{"VariantName": "v", "InitialInstanceCount": []}]
    config = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": variants}}
    rule = "endpoint-instances-redundant"
    assembly = make({"Config": config}, accepted=[acceptance(rule, "Config", engine="own")])
    (row,) = rows(assembly, rule=rule)
    assert row.status == "unknown"
    assert row.evidence.startswith("the rule could not look: TypeError")


def test_an_acceptance_that_meets_no_finding_is_an_open_finding_itself(make: Make) -> None:
    assembly = make({"A": BUCKET}, accepted=[acceptance("AwsSolutions-S1", "A"), acceptance("AwsSolutions-S2")])
    found = rows(assembly, rule="acceptance-stale")
    assert [(row.status, row.logical_id) for row in found] == [("open", "A"), ("open", "")]
    assert "AwsSolutions-S1" in found[0].evidence


def test_one_finding_below_its_construct_keeps_an_acceptance_fresh(make: Make) -> None:
    accepted = [acceptance("AwsSolutions-S1", "A", "B")]
    assembly = make({"A": BUCKET, "B": BUCKET}, findings=[finding("AwsSolutions-S1", "B")], accepted=accepted)
    assert not rows(assembly, rule="acceptance-stale")


def test_the_quick_count_is_the_count_of_the_rows(make: Make) -> None:
    assembly = make({"A": BUCKET}, findings=[finding("AwsSolutions-S1", "A")])
    found = [row for row in rows(assembly) if row.status in ("open", "unknown", "accepted")]
    asked = [row for row in found if row.engine not in provers.versions()]
    assert quick_findings(assembly, today=TODAY) == Counts.of(asked)
    assert quick_findings(assembly, today=TODAY).open >= 7


@pytest.mark.parametrize("versions", [{}, {"cdk-nag": "3.0.1"}])
def test_a_lab_that_the_known_cdk_nag_did_not_see_fails_the_engine(make: Make, versions: dict[str, str]) -> None:
    with pytest.raises(EngineFailed, match=r"cdk-nag .* known for 3.0.2. Run: labs synth d9_tiny"):
        quick_findings(make({"A": BUCKET}, versions=versions))


def test_an_engine_that_breaks_off_fails_the_review(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    # GIVEN a cfn-lint that breaks
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("schema store is gone")

    monkeypatch.setattr("cfnlint.api.lint_file", broken)
    # THEN the review says so and writes nothing
    with pytest.raises(EngineFailed, match="cfn-lint broke off with RuntimeError: schema store is gone"):
        review([make({"A": BUCKET})], today=TODAY, out=tmp_path / "review")
    assert not (tmp_path / "review").exists()


def test_cfn_lint_reports_what_is_wrong_and_where(make: Make) -> None:
    # GIVEN a property that does not exist, and resources that refer to each other in a circle
    resources = {
        "A": {"Type": "AWS::S3::Bucket", "Properties": {"Colour": "red"}},
        "B": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::GetAtt": ["C", "TopicName"]}}},
        "C": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::GetAtt": ["B", "TopicName"]}}},
    }
    found = list(lint.rows(Lab(make(resources))))
    assert ("E3002", "A", "AWS::S3::Bucket", "open") in {(r.rule, r.logical_id, r.type, r.status) for r in found}
    assert "E3004" in {row.rule for row in found}
    assert any(row.evidence.startswith("Colour: ") for row in found)
    # AND a template without fault passes as a whole
    fine = make({"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}, lab="d9_fine")
    assert [(row.rule, row.status) for row in lint.rows(Lab(fine))] == [("all", "pass")]


DEEP = '{"Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"X": ' + "[" * 200_000 + "]" * 200_000 + "}}}}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not json", "missing or damaged"),
        ("{}", "at least one entry under Resources"),
        ("[]", "a template is a JSON object"),
        ('{"Resources": {"A": "x"}}', "Resources.A needs a Type"),
        (DEEP, "nested too deeply"),
    ],
    ids=["not json", "empty", "list", "no type", "deep"],
)
def test_a_broken_template_is_a_user_error_that_names_the_file(make: Make, text: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as error:
        quick_findings(make(text=text))
    assert "Lab-d9-tiny.template.json" in str(error.value)
    assert "labs synth d9_tiny" in str(error.value)


def test_deep_nesting_that_can_be_read_leaves_no_trace(make: Make) -> None:
    # GIVEN a value that is nested as deep as it can be read
    deep = '{"Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"Tags": ' + '{"Fn::If": ["C", 1, ' * 300
    text = deep + "2" + "]}" * 300 + "}}}}"
    assert rows(make(text=text), rule="bucket-versioned")[0].status == "open"


def test_references_in_a_circle_and_unknown_types_are_reviewed(make: Make) -> None:
    resources = {
        "A": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"LoggingConfiguration": {"DestinationBucketName": {"Ref": "B"}}},
        },
        "B": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"LoggingConfiguration": {"DestinationBucketName": {"Ref": "A"}}},
        },
        "C": {"Type": "AWS::New::Thing", "Properties": {"Name": {"Ref": "C"}}},
    }
    assembly = make(resources)
    assert {row.rule for row in rows(assembly, logical_id="C", engine="own")} == {
        "partition-not-literal",
        "secrets-not-in-template",
    }
    assert {row.status for row in rows(assembly, rule="deploy-references-acyclic")} == {"open"}


@pytest.mark.parametrize(
    ("part", "entry"),
    [
        ("findings", {"engine": "AwsSolutions"}),
        ("findings", finding("AwsSolutions-NOPE", "A")),
        ("findings", finding("AwsSolutions-S1", "Elsewhere")),
        ("findings", "text"),
        ("accepted", acceptance("AwsSolutions-S1", "A", review_by="next spring")),
        ("accepted", {"rule": "AwsSolutions-S1"}),
    ],
)
def test_a_damaged_record_is_a_user_error_that_shows_the_entry(make: Make, part: str, entry: Any) -> None:
    with pytest.raises(UserError, match=f"lab.json: an entry of {part} is not understood"):
        quick_findings(make({"A": BUCKET}, **{part: [entry]}))
