"""A model runs in subnets and security groups that the template names."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for list_name, what in (("Subnets", "subnet"), ("SecurityGroupIds", "security group")):
        for path, value in resource.each(f"VpcConfig.{list_name}"):
            if not value:
                yield Problem(path, value, f"the model has no {what} of the lab's VPC")
            elif is_function(value) and "Fn::GetAtt" not in value and "Fn::Split" not in value and "Ref" not in value:
                yield Problem(path, value, "the list is known to CloudFormation only", undecided=True)


RULE = Rule(
    id="model-in-vpc",
    title="A model is attached to the lab's VPC",
    why="Model artefacts travel through the VPC, where endpoint policies, security groups and flow logs act.",
    fix="Set VpcConfig with at least one subnet and one security group.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
    controls=("NIST SC-7", "NIST AC-4(21)"),
    types=("AWS::SageMaker::Model",),
    check=check,
)
