"""The prover on the labs: whichever endpoint is taken away is named, and nothing in a template makes it fail."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.catalogue import Lab
from labkit.review.lab import Lab as Reviewed
from labkit.review.provers import every_prover, isolation
from tests.review.conftest import Make, acceptance
from tests.review.isolation.parts import changed, function, network, one, proved, ref, role, whole, wrong


def with_template(assembly: Assembly, template: Any) -> Assembly:
    other = Assembly(assembly.folder, assembly.record)
    other.__dict__["template"] = template
    return other


def with_resources(assembly: Assembly, **changes: Any) -> Assembly:
    """The lab with some resources replaced or added; ``None`` takes one out."""
    resources = {name: body for name, body in (assembly.template["Resources"] | changes).items() if body is not None}
    return with_template(assembly, assembly.template | {"Resources": resources})


def without(assembly: Assembly, name: str) -> Assembly:
    return with_resources(assembly, **{name: None})


def of_type(assembly: Assembly, *types: str) -> list[str]:
    return [name for name, body in assembly.template["Resources"].items() if body["Type"] in types]


def test_each_endpoint_of_a_lab_is_missed_or_was_not_needed(assembly: Assembly) -> None:
    before = proved(assembly)
    known = set(wrong(assembly))
    spare = {row.logical_id for row in before if row.rule == "isolated-endpoints-needed" and row.status == "open"}
    for name in of_type(assembly, "AWS::EC2::VPCEndpoint"):
        service = assembly.template["Resources"][name]["Properties"]["ServiceName"].split(".", 3)[3]
        missed = set(wrong(without(assembly, name))) - known
        named = [text for rule, _, text in missed if rule == "isolated-api-paths" and service in text]
        assert bool(named) is (name not in spare), name


def test_each_rule_into_the_endpoints_and_each_association_is_missed(assembly: Assembly) -> None:
    known = set(wrong(assembly))
    for name in of_type(assembly, "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SubnetRouteTableAssociation"):
        assert set(wrong(without(assembly, name))) - known, name


def test_a_gateway_in_a_route_table_of_a_lab_is_a_way_out(assembly: Assembly) -> None:
    for table in of_type(assembly, "AWS::EC2::RouteTable"):
        way = one("AWS::EC2::Route", RouteTableId=ref(table), DestinationCidrBlock="0.0.0.0/0", GatewayId="igw-1")
        found = wrong(with_resources(assembly, Way=way), "isolated-no-internet")
        assert any(f"{table} → Way → igw-1 (internet gateway) → internet" in text for _, _, text in found)


def test_a_workload_of_a_lab_that_leaves_the_network_is_named(assembly: Assembly) -> None:
    for name in of_type(assembly, "AWS::Lambda::Function", "AWS::SageMaker::Model", "AWS::CodeBuild::Project"):
        if "VpcConfig" in assembly.template["Resources"][name]["Properties"]:
            body = copy.deepcopy(assembly.template["Resources"][name])
            del body["Properties"]["VpcConfig"]
            found = wrong(with_resources(assembly, **{name: body}), "isolated-workload-placed")
            assert name in {place for _, place, _ in found}


def test_no_network_of_a_lab_leads_to_the_internet(assembly: Assembly) -> None:
    assert wrong(assembly, "isolated-no-internet") == []


def test_no_call_of_a_lab_is_certain_to_fail(assembly: Assembly) -> None:
    rows = [row for row in proved(assembly) if row.rule == "isolated-api-paths"]
    assert [(row.logical_id, row.evidence) for row in rows if row.status == "open"] == []


def test_the_users_own_network_is_unknown_and_never_a_fault(lab: Lab, synthesize: Callable[..., Assembly]) -> None:
    own = {
        "vpc_id": "vpc-0123456789abcdef0",
        "subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        "endpoint_security_group_id": "sg-0123456789abcdef0",
    }
    rows = proved(synthesize(lab, place="own-vpc", own_vpc=own))
    doubtful = {row.status for row in rows if row.rule in ("isolated-no-internet", "isolated-api-paths")}
    assert "open" not in doubtful


def test_an_unplaced_function_is_accepted_like_any_finding(make: Make, today: Any) -> None:
    from labkit.review import engines

    resources = network() | {"Role": role(), "Beside": changed(function("import json"), "Properties.VpcConfig", None)}
    because = "it only answers CloudFormation, and would keep the network from being deleted"
    accepted = [acceptance("isolated-workload-placed", "Beside", engine="own", because=because)]
    rows = engines.quick(Reviewed(make(resources, accepted=accepted)), today=today)
    (row,) = [row for row in rows if row.rule == "isolated-workload-placed" and row.logical_id == "Beside"]
    assert (row.status, row.reason) == ("accepted", because)


HOSTILE: dict[str, Any] = {
    "functions that are none": {"VpcId": {"Fn::Sub": 3}, "SubnetIds": {"Fn::If": ["a"]}, "RouteTableIds": {"Ref": 1}},
    "numbers": {"VpcId": 1, "SubnetIds": 2, "SecurityGroupIds": 3, "RouteTableIds": 4, "ServiceName": 5, "VpcConfig": 6},
    "lists of lists": {"SubnetIds": [[["x"]]], "VpcConfig": [{"SubnetIds": [None]}], "Code": [], "PolicyDocument": [[]]},
    "policies": {"PolicyDocument": {"Statement": [{"Effect": {}, "Action": 3, "Resource": None}]}},
    "definitions": {"DefinitionString": '{"a": {"AlgorithmSpecification": 1, "ResourceConfig": []}}', "Definition": [1]},
    "itself": {"VpcId": {"Ref": "Thing"}, "SubnetId": {"Ref": "Thing"}, "RouteTableId": {"Ref": "Thing"},
               "NatGatewayId": {"Ref": "Thing"}, "GroupId": {"Ref": "Thing"}, "SubnetIds": [{"Ref": "Thing"}]},
    "entries": {"Protocol": {}, "PortRange": {"From": "x", "To": []}, "Egress": [], "NetworkAclId": {"Ref": "Thing"}},
}  # fmt: skip
TYPES = ("AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::Route", "AWS::EC2::VPCEndpoint", "AWS::EC2::NatGateway",
         "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::NetworkAclEntry", "AWS::Lambda::Function",
         "AWS::SageMaker::Model", "AWS::SageMaker::Pipeline", "AWS::StepFunctions::StateMachine", "AWS::ECS::Service",
         "AWS::CodeBuild::Project", "AWS::SageMaker::EndpointConfig", "AWS::EC2::SubnetRouteTableAssociation")  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_stands_in_a_template_the_answer_is_rows(name: str, make: Make) -> None:
    for type_ in TYPES:
        resources = whole() | {"Thing": one(type_, **HOSTILE[name])}
        assembly = with_template(make(lab=f"d9_{type_.replace('::', '_').lower()}"), {"Resources": resources})
        assert [row.evidence for row in proved(assembly) if "could not look" in row.evidence] == [], type_


def test_a_failure_of_the_prover_is_a_row_that_nobody_can_accept(make: Make, monkeypatch: Any) -> None:
    monkeypatch.setattr(isolation.proving, "Routes", None)
    (row,) = proved(make(whole()))
    assert (row.status, row.finding) == ("unknown", "")


def test_a_deep_chain_of_gateways_ends(make: Make) -> None:
    resources = network()
    for number in range(60):
        resources[f"Nat{number}"] = one("AWS::EC2::NatGateway", SubnetId=ref("Subnet"))
        resources[f"Route{number}"] = one(
            "AWS::EC2::Route",
            RouteTableId=ref("Routes"),
            DestinationCidrBlock="0.0.0.0/0",
            NatGatewayId=ref(f"Nat{number}"),
        )
    assert wrong(make(resources), "isolated-no-internet") == []


def test_rules_are_whole_and_the_prover_is_found() -> None:
    assert isolation in every_prover()
    for rule in isolation.RULES:
        assert all((rule.title, rule.why, rule.fix, rule.controls)), rule.id
        assert rule.source.startswith("https://")


def test_every_rule_answers_for_every_lab(assembly: Assembly) -> None:
    rows = proved(assembly)
    assert {row.rule for row in rows} == {rule.id for rule in isolation.RULES}
    assert {row.engine for row in rows} == {isolation.ENGINE}
