"""What Python says of names is what CDK says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import aws_s3 as s3
from constructs import Construct

from labkit.catalogue import find
from stacks.lab_stack import LabStack
from stacks.secure import names


@pytest.mark.parametrize("lab", find(), ids=lambda lab: lab.name)
def test_every_logical_id_of_a_lab_is_computed_as_cdk_does(lab: Any, synthesize: Callable[..., Any]) -> None:
    assembly = synthesize(lab)
    own = {path: logical for logical, path in assembly.paths.items() if path not in ("BootstrapVersion",)}
    computed = {path: names._logical_id(f"{assembly.stack}/{path}") for path in own}
    odd = {path for path in own if computed[path] != own[path]}
    assert odd <= {"CheckBootstrapVersion"}
    assert len(own) > 30


def test_odd_paths_are_named_as_cdk_does(synthesize_stacks: Callable[..., Any]) -> None:
    made: list[tuple[Any, str]] = []

    def build(stack: LabStack) -> None:
        outer = Construct(stack, "Outer-1")
        places = [
            (outer, "Resource"),
            (Construct(stack, "Other"), "Default"),
            (Construct(outer, "1"), "Bucket_2"),
            (stack, "A.b-c"),
        ]
        for scope, id in places:
            bucket = s3.CfnBucket(scope, id)
            made.append((bucket, stack.get_logical_id(bucket)))

    synthesize_stacks(build)
    assert [names.logical_id(bucket) for bucket, _ in made] == [name for _, name in made]


def test_references_resolve_to_the_resource(synthesize_stacks: Callable[..., Any]) -> None:
    def build(stack: LabStack) -> None:
        bucket = s3.CfnBucket(stack, "Bucket")
        stack.give("BucketName", names.ref(bucket))
        stack.give("BucketArn", names.att(bucket, "Arn"))
        stack.give("KeyArn", names.sub_text("${Bucket.Arn}/key"))

    outputs = synthesize_stacks(build).template["Outputs"]
    assert outputs["BucketName"]["Value"] == {"Ref": "Bucket"}
    assert outputs["BucketArn"]["Value"] == {"Fn::GetAtt": ["Bucket", "Arn"]}
    assert outputs["KeyArn"]["Value"] == {"Fn::Sub": "${Bucket.Arn}/key"}


def test_a_wildcard_needs_its_reason(synthesize_stacks: Callable[..., Any]) -> None:
    from stacks.secure.role import Role

    def build(stack: LabStack) -> None:
        role = Role(stack, "Role", service="lambda")
        with pytest.raises(ValueError, match=r"say because=\.\.\. for the wildcard in \*"):
            role.allow("s3:GetObject", on="*")
        with pytest.raises(ValueError, match=r"actions are written out, got s3:Get\*"):
            role.allow("s3:Get*", on=names.sub("${Bucket.Arn}"))
        role.allow("s3:GetObject", on=names.sub("arn:${AWS::Partition}:s3:::bucket/key"))

    (policy,) = [p for p in synthesize_stacks(build).of_type("AWS::IAM::ManagedPolicy") if "s3:GetObject" in str(p)]
    assert policy["PolicyDocument"]["Statement"][0]["Action"] == ["s3:GetObject"]
