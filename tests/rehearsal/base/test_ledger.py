"""The ledger tells what was emulated and how; nothing is dropped or invented in silence."""

from __future__ import annotations

import pytest

from labkit.rehearsal.ledger import Ledger
from labkit.rehearsal.types.shapes import lost
from tests.rehearsal.base.conftest import Cloud
from tests.rehearsal.base.every_type import att, ref, resource


def test_a_property_that_is_not_emulated_is_listed_as_dropped(cloud: Cloud) -> None:
    """GIVEN a property that no call takes WHEN created THEN the ledger names it."""
    stack = cloud.create({"Bucket": resource("AWS::S3::Bucket", {"InventoryConfigurations": []})})
    assert stack.ledger()["Bucket"]["dropped"] == ["InventoryConfigurations"]
    stack.delete()


def test_a_property_that_the_api_does_not_read_back_is_listed_as_dropped() -> None:
    """GIVEN a request and what the API stores WHEN compared THEN each lost or changed place is named by its path."""
    sent = {"A": 1, "B": {"C": [1, 2], "D": "x"}, "E": [{"F": True}], "G": {"H": "lost"}}
    read = {"a": "1", "b": {"c": [2, 1], "d": "y"}, "e": [{"f": "true", "more": 1}], "g": {}}
    assert lost(sent, read) == ["B.D", "G.H"]


def test_a_document_is_compared_by_content() -> None:
    """GIVEN a policy sent as a structure and read back as text WHEN compared THEN only content counts."""
    assert lost({"P": {"b": 1, "a": [2]}}, {"P": '{"a": [2], "b": 1}'}) == []
    assert lost({"P": {"b": 1}}, {"P": '{"b": 2}'}) == ["P.b"]


def test_a_type_without_emulation_is_a_labelled_record(cloud: Cloud) -> None:
    """GIVEN a type that the rehearsal does not emulate WHEN created THEN its shape works and its label says so."""
    stack = cloud.create(
        {
            "Trail": resource("AWS::CloudTrail::Trail", {"IsLogging": True, "S3BucketName": "somewhere"}),
            "Name": resource("AWS::SSM::Parameter", {"Type": "String", "Value": ref("Trail")}),
            "Arn": resource("AWS::SSM::Parameter", {"Type": "String", "Value": att("Trail", "Arn")}),
        }
    )
    assert (stack.status, stack.reasons("CREATE_FAILED")) == ("CREATE_COMPLETE", {})
    entry = stack.ledger()["Trail"]
    assert (entry["label"], entry["unknown"]) == ("not rehearsed", True)
    parameter = cloud.client("ssm").get_parameter(Name=stack.physical("Arn"))["Parameter"]
    assert parameter["Value"].startswith("arn:aws:cloudtrail:us-east-1:123456789012:")
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_record_must_have_what_its_schema_requires(cloud: Cloud) -> None:
    """GIVEN a type without emulation WHEN a required property is missing THEN creation fails."""
    stack = cloud.create({"Trail": resource("AWS::CloudTrail::Trail", {"IsLogging": True})})
    assert "required key [S3BucketName] not found" in stack.reasons("CREATE_FAILED")["Trail"]


def test_a_type_that_aws_does_not_have_fails(cloud: Cloud) -> None:
    """GIVEN a type that stands in no published schema WHEN created THEN creation fails."""
    stack = cloud.create({"Thing": resource("AWS::Nothing::Thing", {})})
    assert "Unrecognized resource types" in stack.reasons("CREATE_FAILED")["Thing"]


def test_an_entry_without_a_label_is_impossible() -> None:
    """GIVEN the ledger WHEN somebody enters a resource with another label THEN it is refused."""
    with pytest.raises(ValueError, match="executed, recorded, not rehearsed"):
        Ledger().resource(stack="s", logical_id="a", type="t", physical_id="p", label="fine")  # type: ignore[arg-type]


def test_a_runtime_module_raises_the_label_of_its_type() -> None:
    """GIVEN a claim that a type behaves WHEN resources of it come before and after THEN all are executed, with how."""
    ledger = Ledger()
    before = ledger.resource(stack="s", logical_id="a", type="T", physical_id="1", label="recorded")
    ledger.executes("T", "because it runs")
    after = ledger.resource(stack="s", logical_id="b", type="T", physical_id="2", label="recorded")
    assert [(one.label, one.notes) for one in (before, after)] == [("executed", ["because it runs"])] * 2


def test_an_unknown_operation_is_refused_once_and_counted(cloud: Cloud) -> None:
    """GIVEN an operation that nobody emulates WHEN called THEN the client gets a clear error and the ledger counts it."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError, match="does not emulate sagemaker UpdateDomain"):
        cloud.client("sagemaker").update_domain(DomainId="d-1")
    calls = {(call["service"], call["operation"]): call for call in cloud.emulator.get("ledger")["calls"]}
    call = calls["sagemaker", "UpdateDomain"]
    assert (call["label"], call["count"], call["refused"]) == ("not rehearsed", 1, 1)


def test_a_denial_of_callers_without_tls_is_stored_and_not_enforced(cloud: Cloud) -> None:
    """GIVEN a bucket policy that denies callers without TLS WHEN an object is written THEN it is stored, with a note."""
    deny = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    stack = cloud.create(
        {
            "Bucket": resource("AWS::S3::Bucket", {}),
            "Policy": resource(
                "AWS::S3::BucketPolicy",
                {"Bucket": ref("Bucket"), "PolicyDocument": {"Version": "2012-10-17", "Statement": [deny]}},
            ),
        }
    )
    s3, bucket = cloud.client("s3"), stack.physical("Bucket")

    s3.put_object(Bucket=bucket, Key="a", Body=b"b")

    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert any("not enforced" in note for note in stack.ledger()["Policy"]["notes"])
    s3.delete_object(Bucket=bucket, Key="a")
    stack.delete()


def test_a_denial_without_a_condition_is_enforced(cloud: Cloud) -> None:
    """GIVEN a bucket policy that denies writing to all WHEN an object is written THEN it is refused."""
    from botocore.exceptions import ClientError

    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"}}
    policy = {"Bucket": ref("Bucket"), "PolicyDocument": {"Version": "2012-10-17", "Statement": [deny]}}
    bucket = resource("AWS::S3::Bucket", {})
    stack = cloud.create({"Bucket": bucket, "Policy": resource("AWS::S3::BucketPolicy", policy)})
    with pytest.raises(ClientError, match="403"):
        cloud.client("s3").put_object(Bucket=stack.physical("Bucket"), Key="a", Body=b"b")
    stack.delete()
