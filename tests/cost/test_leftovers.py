"""What stays after destroy, and what it costs."""

from __future__ import annotations

import pytest

from labkit.cost import estimate


def _left(assembly):
    return {left.resource: left for left in estimate(assembly).after_destroy}


def test_a_deleted_key_waits_without_a_charge(lab):
    # GIVEN a key that is deleted after seven days
    key = {"Type": "AWS::KMS::Key", "Properties": {"PendingWindowInDays": 7}}
    # WHEN what stays is listed
    left = _left(lab({"Key": key}))["Key"]
    # THEN it says for how long, and that it is free meanwhile
    assert left.monthly == 0
    assert "7 days" in left.why


def test_a_retained_key_goes_on_costing(lab):
    # GIVEN a key that the stack leaves behind
    key = {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain", "Properties": {}}
    # WHEN it is estimated
    found = estimate(lab({"Key": key}))
    # THEN it costs a dollar a month after destroy
    assert found.after_destroy_monthly == pytest.approx(1.0)


def test_a_retained_bucket_costs_what_is_stored_in_it(lab):
    # GIVEN a bucket that stays, and one that goes
    resources = {
        "Stays": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
        "Goes": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"},
    }
    # WHEN what stays is listed
    left = _left(lab(resources))
    # THEN only the first is there, at the price of a gigabyte and with no invented amount
    assert left.keys() == {"Stays"}
    assert left["Stays"].monthly is None
    assert left["Stays"].price is not None
    assert left["Stays"].price.unit == "GB-month"


def test_a_retained_role_stays_without_cost(lab):
    # GIVEN a role that stays
    # WHEN what stays is listed
    left = _left(lab({"Role": {"Type": "AWS::IAM::Role", "DeletionPolicy": "Retain", "Properties": {}}}))
    # THEN it is listed at zero
    assert left["Role"].monthly == 0


@pytest.mark.parametrize(
    ("type_", "properties", "policy", "priced"),
    [
        ("AWS::EC2::Volume", {"Size": 8, "VolumeType": "gp3"}, {"DeletionPolicy": "Snapshot"}, True),
        ("AWS::RDS::DBInstance", {}, {}, False),
    ],
)
def test_a_snapshot_stays_where_the_template_or_the_default_asks_for_one(lab, type_, properties, policy, priced):
    # GIVEN a resource that CloudFormation snapshots, by policy or by default
    # WHEN what stays is listed
    left = _left(lab({"Disk": {"Type": type_, "Properties": properties, **policy}}))["Disk"]
    # THEN the snapshot is there, with its price where one is known
    assert left.what.startswith("snapshot")
    assert left.monthly is None
    assert (left.price is not None) is priced


def test_a_function_that_logs_outside_the_stack_leaves_its_log_group(lab):
    # GIVEN one function with a log group of the stack, by setting or by name, and one without
    function = {"Type": "AWS::Lambda::Function"}
    resources = {
        "Set": function | {"Properties": {"LoggingConfig": {"LogGroup": {"Ref": "Logs"}}}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
        "Named": function | {"Properties": {}},
        "NamedLogs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": {"Fn::Join": ["", ["/aws/lambda/", {"Ref": "Named"}]]}},
        },
        "Loose": function | {"Properties": {}},
    }
    # WHEN what stays is listed
    left = _left(lab(resources))
    # THEN only the last one's group is outside
    assert left.keys() == {"Loose"}
    assert "/aws/lambda/" in left["Loose"].why


def test_a_crawler_whose_log_group_is_named_after_its_role_leaves_nothing(lab):
    # GIVEN a crawler with a security configuration, and the log group that Glue derives from role and configuration
    name = {"Fn::Sub": "/aws-glue/crawlers-role/${Role}-${Security}"}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
        "Crawler": {"Type": "AWS::Glue::Crawler", "Properties": {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}},
        "Loose": {"Type": "AWS::Glue::Crawler", "Properties": {"Role": "arn:aws:iam::123456789012:role/other"}},
    }
    # WHEN what stays is listed
    left = _left(lab(resources))
    # THEN only a crawler without such a group leaves one
    assert left.keys() == {"Loose"}
