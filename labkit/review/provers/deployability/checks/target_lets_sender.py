"""A queue, topic or function lets in the service that sends to it, from the moment the sender tries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.deliveries import Delivery, deliveries
from labkit.review.provers.deployability.kit.policies import Attached
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_ACTIONS = {
    "AWS::SNS::Topic": "sns:Publish",
    "AWS::SQS::Queue": "sqs:SendMessage",
    "AWS::Lambda::Function": "lambda:InvokeFunction",
}
# EventBridge starts these with a role only.
_WITH_ROLE = (
    "AWS::StepFunctions::StateMachine", "AWS::Kinesis::Stream", "AWS::KinesisFirehose::DeliveryStream",
    "AWS::CodeBuild::Project", "AWS::CodePipeline::Pipeline", "AWS::SageMaker::Pipeline", "AWS::Batch::JobQueue",
    "AWS::ECS::Cluster", "AWS::Redshift::Cluster",
)  # fmt: skip


def look(resource: Resource, view: View) -> Iterable[Fault]:
    seen = set()
    for sent in deliveries(resource, view):
        mark = (sent.target.logical_id, sent.principal)
        if mark not in seen:
            seen.add(mark)
            yield from _sent(resource, sent, view)
    if resource.type == "AWS::Events::Rule":
        yield from _roles(resource, view)


def _sent(resource: Resource, sent: Delivery, view: View) -> Iterator[Fault]:
    action = _ACTIONS[sent.target.type]
    found = view.policies.on(sent.target)
    if sent.row.get("open") and not found:
        return
    source = view.target(resource.one(sent.row["on_behalf"])) if "on_behalf" in sent.row else resource
    letting = [one for one in found if view.policies.lets(one.statement, sent.principal, action, source)]
    tested = sent.row.get("tested", "")
    if not letting:
        yield Fault(
            sent.path,
            sent.value,
            f"no policy on {sent.target.logical_id} lets {sent.principal} call {action} for {resource.logical_id}",
            error=tested,
            fix=f"Allow {action} to {sent.principal} in a policy on {sent.target.logical_id}"
            + (f", and let {resource.logical_id} depend on it." if tested else "."),
        )
    elif tested and not _in_time(resource, letting, view):
        yield Fault(
            sent.path,
            sent.value,
            f"AWS tries the delivery while it creates {resource.logical_id}, which does not wait for "
            f"{letting[0].carrier.logical_id}",
            error=tested,
            fix=f"Add DependsOn {letting[0].carrier.logical_id} to {resource.logical_id}.",
        )


def _in_time(resource: Resource, letting: list[Attached], view: View) -> bool:
    return any(view.graph.precedes(one.carrier, resource) for one in letting)


def _roles(rule: Resource, view: View) -> Iterator[Fault]:
    for path, target in rule.each("Targets.*"):
        if isinstance(target, dict) and target.get("RoleArn") is None:
            named = view.target(target.get("Arn"), *_WITH_ROLE)
            if named is not None:
                yield Fault(
                    f"{path}.RoleArn",
                    None,
                    f"EventBridge starts {named.logical_id} with a role only",
                    error=f"RoleArn is required for target {named.logical_id}",
                    fix="Give the target a role that may start it and that trusts events.amazonaws.com.",
                )


CHECK = Check(
    id="deploy-target-lets-sender",
    title="A queue, topic or function lets in each service that sends to it",
    phase="first-use",
    why="A service sends under its own name. Once a topic or queue has a policy, only what it names gets in.",
    fix="Allow the service to send in the policy on the target, limited to the account or the source.",
    error="(no error; the message never arrives and a metric of failed deliveries grows)",
    sources=(
        "https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html",
        "https://github.com/awslabs/landing-zone-accelerator-on-aws/issues/409",
        "https://github.com/runs-on/runs-on/issues/503",
    ),
    covers=("DF-011",),
    types=tuple(by_type("deliveries", "delivery")),
    look=look,
)
