"""What works with a role of the stack, what starts it, and which roles it hands on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.policy import Statement
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references, strings

_ROLES = {
    "AWS::CodeBuild::Project": "ServiceRole",
    "AWS::EC2::Instance": "IamInstanceProfile",
    "AWS::Glue::Job": "Role",
    "AWS::Lambda::Function": "Role",
    "AWS::SageMaker::NotebookInstance": "RoleArn",
    "AWS::SageMaker::Pipeline": "RoleArn",
    "AWS::Scheduler::Schedule": "Target.RoleArn",
    "AWS::StepFunctions::StateMachine": "RoleArn",
}
# What starts others of its own accord, without a person, and the properties that say what.
_STARTERS = {
    "AWS::CloudWatch::Alarm": ("AlarmActions", "InsufficientDataActions", "OKActions"),
    "AWS::CodePipeline::Pipeline": ("Stages",),
    "AWS::Events::Rule": ("Targets",),
    "AWS::IoT::TopicRule": ("TopicRulePayload",),
    "AWS::Lambda::EventSourceMapping": ("FunctionName",),
    "AWS::Logs::SubscriptionFilter": ("DestinationArn",),
    "AWS::S3::Bucket": ("NotificationConfiguration",),
    "AWS::SNS::Subscription": ("Endpoint",),
    "AWS::Scheduler::Schedule": ("Target",),
    "AWS::StepFunctions::StateMachine": ("Definition", "DefinitionString", "DefinitionSubstitutions"),
}
_LEAST_STACK = 20  # characters of it that are certain to stand there


@dataclass(frozen=True)
class Worker:
    """Something that works with a role.

    Args:
        resource: the function, project, pipeline, endpoint ...
        role: that it works with.
    """

    resource: Resource
    role: Resource


def workers(view: View) -> list[Worker]:
    """Everything of a template that works with a role of the template."""
    found: list[Worker] = view.once("workers", lambda: list(_workers(view)))
    return found


def _workers(view: View) -> Iterator[Worker]:
    for type_, path in _ROLES.items():
        for resource in view.of(type_):
            role = view.roles.of(resource.one(path))
            if role is not None:
                yield Worker(resource, role)
    for endpoint in view.of("AWS::SageMaker::Endpoint"):
        configuration = view.target(endpoint.properties.get("EndpointConfigName"), "AWS::SageMaker::EndpointConfig")
        for _, value in configuration.each("ProductionVariants.*.ModelName") if configuration is not None else ():
            model = view.target(value, "AWS::SageMaker::Model")
            role = view.roles.of(model.properties.get("ExecutionRoleArn")) if model is not None else None
            if role is not None:
                yield Worker(endpoint, role)


def starters(view: View, resource: Resource) -> list[Resource]:
    """What starts a resource of its own accord, found by a reference or by the resource's literal name."""
    literal = view.literal_name(resource)
    found = []
    for type_, paths in _STARTERS.items():
        for one in view.of(type_):
            said = [one.properties.get(path) for path in paths]
            named = resource.logical_id in references(said)
            by_name = literal is not None and any(text.name_of(given) == literal for _, given in strings(said))
            if one is not resource and (named or by_name):
                found.append(one)
    return found


def passed(view: View, role: Resource, service: str) -> list[Resource]:
    """The roles that a role may hand to a service that they trust."""
    trusting = [
        one for one in view.of("AWS::IAM::Role") if service in str(one.properties.get("AssumeRolePolicyDocument"))
    ]
    may = allowing(view, role, "iam:PassRole")
    return [one for one in trusting if one is not role and any(view.roles.names(statement, one) for statement in may)]


def allowing(view: View, role: Resource, action: str) -> list[Statement]:
    """The statements by which a role may do something."""
    return [
        statement
        for held in view.roles.held(role)
        for statement in held.statements
        if statement.allows and statement.covers(action)
    ]


def meant(view: View, statement: Statement, container: Resource) -> bool:
    """Tell whether a statement's resources include what is in a bucket, a group or a repository."""
    return bool(statement.other_resources) or any(_meant(view, one, container) for one in statement.resources)


def _meant(view: View, pattern: str, container: Resource) -> bool:
    named = {token.partition(".")[0] for token in text.tokens(pattern)} & set(view.template.resources)
    if named:
        name = view.name_property(container)
        parts = references(container.properties.get(name)) if name else set()
        return container.logical_id in named or bool(parts & named)
    literal = view.literal_name(container)
    if literal is not None:
        known = text.known(pattern, region=view.region, partition=view.partition)
        return text.overlap(_name_in(text.as_glob(known)), literal)
    # A name that CloudFormation makes up begins with that of the stack.
    made = f"{view.stack[:_LEAST_STACK].lower()}*" if view.stack else "*"
    part = _name_in(text.written(pattern))
    return "*" in part and text.overlap(part, made)


def _name_in(pattern: str) -> str:
    """The name in an ARN: ``b`` of ``arn:aws:s3:::b/key`` and of ``arn:aws:sagemaker:r:a:model-package/b/1``."""
    parts = pattern.split(":", 5)
    if len(parts) < 6:
        return pattern
    if parts[2] == "ecr":  # names of repositories may have slashes
        return parts[5].partition("/")[2]
    steps = parts[5].split("/")
    return steps[0] if parts[2] == "s3" or len(steps) == 1 else steps[1]
