"""What may pass a VPC endpoint is written down."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.policy import statements
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, document in resource.each("PolicyDocument"):
        if document is None:
            yield Problem(path, None, "without a policy everything passes, for everybody and to any account")
        elif is_function(document):
            yield Problem(path, document, "the policy is known to CloudFormation only", undecided=True)
    for statement in statements(resource, "PolicyDocument"):
        anything = "*" in statement.actions and "*" in statement.resources
        if statement.allows and anything and statement.for_anyone and not statement.condition:
            yield Problem(statement.path, "Allow * on * by *", "the statement lets everything pass")


RULE = Rule(
    id="vpc-endpoint-policy-narrow",
    title="A VPC endpoint has a policy of its own that does not let everything pass",
    why="The default policy lets stolen data leave to any bucket or stream of any account through the private door.",
    fix="Give the endpoint a PolicyDocument with the actions that the lab's workloads use.",
    source="https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
    controls=("NIST AC-3", "NIST AC-4", "NIST AC-6", "NIST SC-7"),
    types=("AWS::EC2::VPCEndpoint",),
    check=check,
)
