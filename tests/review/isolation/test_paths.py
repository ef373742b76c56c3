"""Each call of a workload gets to its API, and whatever is in its way is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.review.conftest import Make
from tests.review.isolation.parts import (
    Resources,
    allowing,
    att,
    changed,
    endpoint,
    function,
    may,
    one,
    pack,
    proved,
    ref,
    role,
    sub,
    whole,
    wrong,
)

RULE = "isolated-api-paths"
ANYBODY = {"AWS": "*"}


def test_a_workload_whose_calls_all_have_a_way_passes_and_tells_them(make: Make) -> None:
    (row,) = [row for row in proved(make(whole())) if row.rule == RULE]
    assert row.status == "pass"
    assert row.evidence == "Asks reaches s3 by S3; sagemaker.runtime by Runtime"


BROKEN: dict[str, tuple[str, Any, str]] = {
    "no interface endpoint": ("Runtime", None, "Vpc has no endpoint for sagemaker.runtime"),
    "no gateway endpoint": ("S3", None, "Vpc has no endpoint for s3"),
    "private DNS off": ("Runtime.Properties.PrivateDnsEnabled", False, "Runtime has private DNS off"),
    "private DNS not stated": ("Runtime.Properties.PrivateDnsEnabled", None, "Runtime has private DNS off"),
    "no DNS in the VPC": ("Vpc.Properties.EnableDnsSupport", False, "Vpc has EnableDnsSupport off"),
    "no host names in the VPC": ("Vpc.Properties.EnableDnsHostnames", None, "Vpc has EnableDnsHostnames off"),
    "no rule into the endpoint": ("In", None, "no rule of Gate (of Runtime) lets Work in on port 443"),
    "another port": ("In.Properties.FromPort", 444, "no rule of Gate (of Runtime) lets Work in on port 443"),
    "another group": ("In.Properties.SourceSecurityGroupId", att("Gate", "GroupId"), "lets Work in on port 443"),
    "the default group only": ("Runtime.Properties.SecurityGroupIds", [], "Runtime has no group but the VPC's default"),
    "nothing out": (
        "Work.Properties.SecurityGroupEgress",
        [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"}],
        "no rule of Work lets out to Runtime on port 443",
    ),
    "out to the endpoints only": (
        "Work.Properties.SecurityGroupEgress",
        [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "DestinationSecurityGroupId": att("Gate", "GroupId")}],
        "no rule of Work lets out to the addresses of s3",
    ),
    "gateway in no route table": ("S3.Properties.RouteTableIds", [], "S3 for s3 is not in the route table of Subnet"),
    "subnet in no route table": ("Joined", None, "S3 for s3 is not in the route table of Subnet"),
    "another action": (
        "Runtime.Properties.PolicyDocument",
        allowing("sagemaker:InvokeEndpointAsync", Principal=ANYBODY),
        "the policy of Runtime does not allow sagemaker:InvokeEndpoint",
    ),
    "another bucket": (
        "S3.Properties.PolicyDocument",
        allowing("s3:GetObject", "arn:aws:s3:::elsewhere/*", Principal=ANYBODY),
        "the policy of S3 does not allow s3:GetObject on arn:aws:s3:::${Data}/*",
    ),
    "denied": (
        "Runtime.Properties.PolicyDocument.Statement",
        [
            {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "sagemaker:*", "Resource": "*"},
        ],
        "the policy of Runtime denies sagemaker:InvokeEndpoint",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_in_the_way_is_named(name: str, make: Make) -> None:
    path, value, text = BROKEN[name]
    found = wrong(make(changed(whole(), path, value)), RULE)
    assert any(place == "Asks" and text in said for _, place, said in found), found


FINE: dict[str, tuple[str, Any]] = {
    "everything may pass": ("Runtime.Properties.PolicyDocument", None),
    "in by address": (
        "In.Properties",
        {"GroupId": att("Gate", "GroupId"), "IpProtocol": "-1", "CidrIp": "10.0.0.0/16"},
    ),
    "out by default": ("Work.Properties.SecurityGroupEgress", None),
    "out by prefix list": (
        "Work.Properties.SecurityGroupEgress",
        [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "DestinationPrefixListId": "pl-63a5400a"},
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "DestinationSecurityGroupId": att("Gate", "GroupId")},
        ],
    ),
    "wildcard": ("S3.Properties.PolicyDocument.Statement.0.Action", ["s3:Get*"]),
}


@pytest.mark.parametrize("name", FINE)
def test_another_form_of_the_same_permission_passes(name: str, make: Make) -> None:
    path, value = FINE[name]
    assert wrong(make(changed(whole(), path, value)), RULE) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Runtime.Properties.SecurityGroupIds", [ref("Given")]),
        ("Runtime.Properties.ServiceName", ref("Given")),
        ("Runtime.Properties.PrivateDnsEnabled", ref("Given")),
        ("Asks.Properties.VpcConfig.SecurityGroupIds", [ref("Given")]),
        ("Subnet.Properties.VpcId", "vpc-1"),
    ],
)
def test_what_only_deployment_tells_is_unknown(path: str, value: Any, make: Make) -> None:
    rows = [row for row in proved(make(changed(whole(), path, value))) if row.rule == RULE and row.status != "pass"]
    assert {row.status for row in rows} == {"unknown"}, rows


def acl(egress: str, ingress: str) -> Resources:
    def entry(out: bool, action: str) -> dict[str, Any]:
        return one("AWS::EC2::NetworkAclEntry", NetworkAclId=ref("Acl"), Egress=out, Protocol=-1, RuleAction=action)

    return {
        "Acl": one("AWS::EC2::NetworkAcl", VpcId=ref("Vpc")),
        "AclJoined": one("AWS::EC2::SubnetNetworkAclAssociation", NetworkAclId=ref("Acl"), SubnetId=ref("Subnet")),
        "Out": entry(True, egress),
        "Back": entry(False, ingress),
    }


@pytest.mark.parametrize(("egress", "ingress"), [("deny", "allow"), ("allow", "deny")])
def test_a_network_acl_that_stops_calls_or_answers_is_named(egress: str, ingress: str, make: Make) -> None:
    found = wrong(make(whole() | acl(egress, ingress)), RULE)
    assert found
    assert all("the network ACL Acl of Subnet lets no HTTPS through" in text for _, _, text in found)


def test_a_network_acl_that_lets_both_through_passes(make: Make) -> None:
    assert wrong(make(whole() | acl("allow", "allow")), RULE) == []


def test_a_route_to_the_internet_serves_instead_of_an_endpoint(make: Make) -> None:
    resources = {name: body for name, body in whole().items() if name != "Runtime"}
    route = one(
        "AWS::EC2::Route", RouteTableId=ref("Routes"), DestinationCidrBlock="0.0.0.0/0", NatGatewayId=ref("Nat")
    )
    more = {"Nat": one("AWS::EC2::NatGateway", VpcId=ref("Vpc")), "Route": route}
    assert wrong(make(resources | more), RULE) == []


def test_a_service_without_endpoints_is_named(make: Make) -> None:
    code = 'import boto3\nboto3.client("iam").list_roles()\n'
    (found,) = wrong(make(whole(code)), RULE)
    assert "there are no VPC endpoints for iam" in found[2]


def test_a_client_of_another_region_has_no_way(make: Make) -> None:
    code = 'import boto3\nboto3.client("s3", region_name="eu-west-1").get_object(Bucket="b", Key="k")\n'
    (found,) = wrong(make(whole(code)), RULE)
    assert "serve us-east-1, the client names eu-west-1" in found[2]


def test_a_service_whose_name_only_running_tells_is_unknown(make: Make) -> None:
    code = 'import os\nimport boto3\nboto3.client(os.environ["SERVICE"])\n'
    (row,) = [row for row in proved(make(whole(code))) if row.rule == RULE]
    assert row.status == "unknown"
    assert "index.py:3" in row.evidence


def test_a_policy_that_lacks_the_action_is_named_whatever_the_role_says(make: Make) -> None:
    document = allowing("sagemaker:InvokeEndpointAsync", Principal=ANYBODY)
    resources = changed(whole() | {"Role": role()}, "Runtime.Properties.PolicyDocument", document)
    (found,) = wrong(make(resources), RULE)
    assert found[2].endswith("the policy of Runtime does not allow sagemaker:InvokeEndpoint")


def test_an_action_that_knows_no_resource_must_be_allowed_on_all(make: Make) -> None:
    code = 'import boto3\nboto3.client("cloudwatch").put_metric_data(Namespace="n", MetricData=[])\n'
    for resource, missing in (("*", 0), ("arn:aws:cloudwatch:us-east-1:123456789012:x", 1)):
        metrics = endpoint("monitoring", "cloudwatch:PutMetricData", resource)
        resources = whole(code) | {"Role": role(may("cloudwatch:PutMetricData")), "Metrics": metrics}
        assert len(wrong(make(resources, lab=f"d9_{missing}"), RULE)) == missing


@pytest.mark.parametrize(
    ("action", "text"),
    [("sqs:SendMessage", "Asks may call sqs:SendMessage"), ("*", "may call anything that its role allows")],
)
def test_code_that_cannot_be_read_is_bound_by_its_role(action: str, text: str, make: Make) -> None:
    code = one("AWS::Lambda::Function", Runtime="nodejs22.x", Role=att("Role"), Code={"ZipFile": "exports.handler = 1"},
               VpcConfig=function()["Properties"]["VpcConfig"])  # fmt: skip
    harmless = make(whole() | {"Asks": code})
    assert wrong(harmless, RULE) == []
    resources = whole() | {"Asks": code, "Role": role(may(action))}
    rows = [row for row in proved(make(resources, lab="d9_more")) if row.rule == RULE]
    assert [row.status for row in rows] == ["unknown"]
    assert "its code is not Python" in rows[0].evidence
    assert text in rows[0].evidence


def test_packed_code_is_read_from_where_it_starts(make: Make) -> None:
    packed = function() | {}
    packed["Properties"]["Code"] = {"S3Bucket": "assets", "S3Key": "abc.zip"}
    packed["Properties"]["Handler"] = "start.handler"
    assembly = make(whole() | {"Asks": packed})
    pack(assembly, "abc.zip", {
        "start.py": "from inner import ask\n",
        "inner/__init__.py": "",
        "inner/ask.py": 'import boto3\nboto3.client("sqs").send_message(QueueUrl="q", MessageBody="m")\n',
        "unused.py": 'import boto3\nboto3.client("iam").list_roles()\n',
    })  # fmt: skip
    assert [text for _, _, text in wrong(assembly, RULE)] == [
        "Asks calls sqs:SendMessage at inner/ask.py:2, and Vpc has no endpoint for sqs, and Subnet has no route to the "
        "internet"
    ]


def test_an_endpoint_that_nothing_needs_is_a_warning_with_its_cost(make: Make) -> None:
    resources = whole() | {"Spare": endpoint("sqs", "sqs:SendMessage")}
    rows = {row.logical_id: row for row in proved(make(resources)) if row.rule == "isolated-endpoints-needed"}
    assert {name: row.status for name, row in rows.items()} == {"S3": "pass", "Runtime": "pass", "Spare": "open"}
    assert rows["Spare"].level == "warning"
    assert "7.30 USD per month in 1 zones" in rows["Spare"].evidence


def test_a_bucket_of_the_role_that_the_endpoint_leaves_out_is_named(make: Make) -> None:
    both = role(may("s3:GetObject", [sub("${Data.Arn}/*"), sub("${More.Arn}/*")]), may("sagemaker:InvokeEndpoint"))
    found = wrong(make(whole() | {"Role": both, "More": one("AWS::S3::Bucket")}), RULE)
    assert ["arn:aws:s3:::${More}/*" in text for _, _, text in found] == [True]


def test_a_network_without_workloads_has_endpoints_for_other_stacks(make: Make) -> None:
    resources = {name: body for name, body in whole().items() if name != "Asks"}
    rows = [row for row in proved(make(resources)) if row.rule == "isolated-endpoints-needed"]
    assert {row.status for row in rows} == {"not applicable"}


@pytest.mark.parametrize("exported", ["Vpc", "Subnet"])
def test_whether_other_stacks_need_an_endpoint_of_an_exported_network_is_unknown(exported: str, make: Make) -> None:
    resources = whole() | {"Spare": endpoint("sqs", "sqs:SendMessage")}
    outputs = {"Shared": {"Value": ref(exported), "Export": {"Name": "shared"}}}
    assembly = make(text=json.dumps({"Resources": resources, "Outputs": outputs}))
    (row,) = [row for row in proved(assembly) if row.logical_id == "Spare"]
    assert (row.status, row.level) == ("unknown", "warning")
