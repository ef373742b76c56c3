"""What stays in the account after the stack is deleted, and what it goes on costing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labkit.cost.line import Line
from labkit.cost.prices import HOURS_A_MONTH, Price, price
from labkit.cost.template import Resource, Template, literal, references

_KEEPS = ("Retain", "RetainExceptOnCreate")
#: Types that CloudFormation snapshots unless the template says otherwise.
_SNAPSHOT_BY_DEFAULT = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")
_PENDING = (
    "AWS keeps it for {days} days, unusable. No charge meanwhile; cancelling the deletion bills it as if never "
    "scheduled (aws.amazon.com/kms/pricing)"
)
_SERVICE_LOGS = {
    "AWS::Lambda::Function": "/aws/lambda/",
    "AWS::SageMaker::Endpoint": "/aws/sagemaker/Endpoints/",
    "AWS::SageMaker::NotebookInstance": "/aws/sagemaker/NotebookInstances",
    "AWS::Glue::Crawler": "/aws-glue/crawlers",
    "AWS::Glue::Job": "/aws-glue/",
    "AWS::CodeBuild::Project": "/aws/codebuild/",
}


@dataclass(frozen=True)
class Leftover:
    """Something that outlives the stack.

    ``monthly`` is in USD; None when it depends on an amount that only the account knows, at ``price`` per unit, or
    when no price is known.
    """

    resource: str
    type: str
    what: str
    why: str
    monthly: float | None
    price: Price | None = None

    @property
    def costs(self) -> str:
        """What it costs in USD, in words."""
        if self.monthly is not None:
            return f"{self.monthly:.2f} per month"
        return f"{self.price.usd:g} per {self.price.unit}" if self.price else "no price known"

    def __str__(self) -> str:
        return f"{self.what} {self.resource} (USD: {self.costs}): {self.why}"


def leftovers(template: Template, lines: tuple[Line, ...]) -> Iterator[Leftover]:
    """Everything that stays by AWS's rules or by a deletion policy, and logs that a service keeps on its own."""
    for resource in template.resources.values():
        policy = resource.deletion_policy
        if (
            policy == "Delete"
            and resource.type in _SNAPSHOT_BY_DEFAULT
            and "DeletionPolicy" not in _raw(template, resource)
        ):
            policy = "Snapshot"
        if policy in _KEEPS:
            yield _kept(resource, lines)
        elif policy == "Snapshot":
            yield _snapshot(resource)
        elif resource.type == "AWS::KMS::Key":
            days = resource.properties.get("PendingWindowInDays", 30)
            yield Leftover(resource.logical_id, resource.type, "KMS key", _PENDING.format(days=days), 0.0)
        if resource.type in _SERVICE_LOGS and not _logs_to_the_stack(resource, template):
            yield _service_log(resource)


def _raw(template: Template, resource: Resource) -> dict[str, object]:
    raw: dict[str, object] = template.body["Resources"][resource.logical_id]
    return raw


def _kept(resource: Resource, lines: tuple[Line, ...]) -> Leftover:
    what = resource.type.split("::")[-1]
    why = f"DeletionPolicy {resource.deletion_policy}"
    mine = [line for line in lines if line.resource == resource.logical_id]
    monthly = sum(line.hourly for line in mine if line.kind == "fixed") * HOURS_A_MONTH
    stored = next((line.price for line in mine if line.price and line.price.unit == "GB-month"), None)
    uncertain = monthly == 0 and not (mine and all(line.kind == "free" for line in mine))
    return Leftover(resource.logical_id, resource.type, what, why, None if uncertain else monthly, stored)


def _snapshot(resource: Resource) -> Leftover:
    known = price("EBS", "Snapshot") if resource.type == "AWS::EC2::Volume" else None
    what = f"snapshot of {resource.type.split('::')[-1]}"
    return Leftover(resource.logical_id, resource.type, what, "DeletionPolicy Snapshot", None, known)


def _logs_to_the_stack(resource: Resource, template: Template) -> bool:
    """Whether the stack owns the log group that the service would else create on first use."""
    groups = {group.logical_id: group for group in template.of("AWS::Logs::LogGroup")}
    if groups.keys() & set(references(resource.properties)):
        return True
    prefix = _SERVICE_LOGS[resource.type]
    for group in groups.values():
        name = group.properties.get("LogGroupName")
        shared = set(references(name)) & {resource.logical_id, *references(resource.properties)}
        mine = shared or literal(name).removeprefix(prefix) in _names(resource)
        if literal(name).startswith(prefix) and mine:
            return True
    return False


def _names(resource: Resource) -> set[str]:
    return {str(value) for key, value in resource.properties.items() if key.endswith("Name") and isinstance(value, str)}


def _service_log(resource: Resource) -> Leftover:
    prefix = _SERVICE_LOGS[resource.type]
    why = f"the service writes to {prefix}..., a log group outside the stack that never expires by itself"
    stored = price("CloudWatch Logs", "Storage")
    return Leftover(resource.logical_id, resource.type, "log group of the service", why, None, stored)
