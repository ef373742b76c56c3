"""A role trusts the service that is to work with it, in a way the service can meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import table
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.policy import Statement, statements
from stacks.rules.kit.template import Resource

_TRUST: dict[str, dict[str, str]] = table("role_users")["trust"]
# Of the resources that these create, AWS sends the ARN of something else in aws:SourceArn.
_SENT_ARN = {"AWS::Scheduler::Schedule": "the schedule group"}
_ALSO = {"airflow-env.amazonaws.com": "airflow.amazonaws.com", "lexv2.amazonaws.com": "lex.amazonaws.com"}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for path, principal in _TRUST[resource.type].items():
        for where, value in view.listed(resource, path):
            role = view.roles.of(value)
            if role is not None:
                yield from _trust(resource, where, value, role, principal, view)


def _trust(resource: Resource, path: str, value: Any, role: Resource, principal: str, view: View) -> Iterator[Fault]:
    if view.waits(role.properties.get("AssumeRolePolicyDocument")):
        return
    found = [one for one in statements(role, "AssumeRolePolicyDocument") if one.allows and one.covers("sts:AssumeRole")]
    trusting = [one for one in found if view.policies.names_service(one, principal)]
    if principal == "logs.amazonaws.com":
        trusting += [one for one in found if view.policies.names_service(one, f"logs.{view.region}.amazonaws.com")]
    if principal in _ALSO and not any(view.policies.names_service(one, _ALSO[principal]) for one in found):
        trusting = trusting if principal != "airflow-env.amazonaws.com" else []
    if not trusting:
        names = sorted({name for one in found for name in one.principals.get("Service", ())})
        yield Fault(
            f"{path}: {role.logical_id}.AssumeRolePolicyDocument",
            ", ".join(names) or None,
            f"{role.logical_id} does not trust {principal}",
            error=_said(resource.type, principal),
            fix=f"Name {principal} in the trust policy of {role.logical_id}.",
        )
    elif not any(_fits(one, resource, view) for one in trusting):
        sent = _SENT_ARN.get(resource.type, f"{resource.logical_id} or another resource of the account")
        yield Fault(
            f"{path}: {role.logical_id}.AssumeRolePolicyDocument",
            ", ".join(one for statement in trusting for _, given in statement.conditions_on(*_KEYS) for one in given),
            f"the condition on aws:SourceArn or aws:SourceAccount is never met: {principal} sends the ARN of {sent}",
            error=_said(resource.type, principal),
            fix=f"Let the condition name {sent}, or the account in aws:SourceAccount.",
        )


_KEYS = ("aws:SourceArn", "aws:SourceAccount")


def _fits(statement: Statement, resource: Resource, view: View) -> bool:
    if resource.type in _SENT_ARN:
        arns = [one for _, given in statement.conditions_on("aws:SourceArn") for one in given]
        return not arns or any(":schedule/" not in one and f"${{{resource.logical_id}" not in one for one in arns)
    # A trust policy names the resource by a pattern: naming the resource itself would be a circle.
    return all(
        any(_service_of(one, resource) for one in given)
        for operator, given in statement.conditions_on("aws:SourceArn")
        if "not" not in operator.lower()
    )


_ARN_SERVICES = {
    "kinesisfirehose": ("firehose",),
    "kinesisanalyticsv2": ("kinesisanalytics",),
    "stepfunctions": ("states",),
    "mwaa": ("airflow", "airflow-env"),
    "bedrockagentcore": ("bedrock-agentcore", "bedrock"),
    "ecs": ("ecs", "ecs-tasks"),
    "ec2": ("ec2", "logs"),
    "emr": ("elasticmapreduce",),
}


def _service_of(arn: str, resource: Resource) -> bool:
    parts = arn.split(":")
    if arn == "*" or len(parts) < 3 or not arn.startswith("arn") or "$" in parts[2] or "*" in parts[2]:
        return True
    service = resource.type.split("::")[1].lower()
    return parts[2] in _ARN_SERVICES.get(service, (service,)) or service in ("iam", "cloudtrail", "apigateway")


def _said(type_: str, principal: str) -> str:
    if type_ == "AWS::Scheduler::Schedule":
        return "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    if type_ == "AWS::Lambda::Function":
        return "The role defined for the function cannot be assumed by Lambda."
    if type_ == "AWS::StepFunctions::StateMachine":
        return "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role."
    return f"{principal} is not authorized to perform: sts:AssumeRole on the provided role"


CHECK = Check(
    id="deploy-role-trusts-service",
    title="A role trusts the service that works with it",
    phase="create",
    why="A role that trusts another service, or a condition that the service cannot meet, lets nobody in.",
    fix="Name the service's principal in the role's trust policy.",
    error="The service is not authorized to assume the role",
    sources=(
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html",
        "https://github.com/aws/aws-sdk-js-v3/issues/6494",
        "https://github.com/KensioSoftware/yulin/issues/1085",
    ),
    covers=("DF-033",),
    types=tuple(_TRUST),
    look=look,
)
