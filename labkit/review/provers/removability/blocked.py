"""What refuses to be deleted: protections that are on, and containers that nothing empties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.review.evidence import shown
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.removability import hooks
from labkit.review.provers.removability.costs import priced
from labkit.review.provers.removability.kept import stays
from labkit.review.provers.removability.left import table
from labkit.review.provers.removability.rules import UNBLOCKED
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on


def blocked(view: View) -> Iterator[Finding]:
    """Yield a row for each protection and each container."""
    for row in table()["protected"]:
        for resource in view.of(row["type"]):
            if not stays(resource):
                yield from _protected(resource, row, view)
    yield from _balancers(view)
    for row in table()["container"]:
        for resource in view.of(row["type"]):
            if not stays(resource):
                yield _container(resource, row, view)
    yield from _schedules(view)


def _protected(resource: Resource, row: dict[str, Any], view: View) -> Iterator[Finding]:
    for path, value in resource.each(row["property"]):
        if value is None:
            continue
        on = row.get("any") or is_on(value) or (view.plain(value) == row.get("on", "\0"))
        if on:
            said = f"{path} = {shown(value)}: the service refuses to delete {resource.logical_id}, and the stack stays"
            yield Finding(UNBLOCKED, resource.logical_id, "open", f"{said} in DELETE_FAILED. Turn it off")
        elif view.waits(value):
            said = f"{path}: whether deletion is refused is known only at deployment"
            yield Finding(UNBLOCKED, resource.logical_id, "unknown", said)


def _balancers(view: View) -> Iterator[Finding]:
    for balancer in view.of("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        for path, entry in balancer.each("LoadBalancerAttributes.*"):
            if (
                isinstance(entry, dict)
                and entry.get("Key") == "deletion_protection.enabled"
                and is_on(entry.get("Value"))
            ):
                said = (
                    f"{path}: the service refuses to delete {balancer.logical_id}. Turn deletion_protection.enabled off"
                )
                yield Finding(UNBLOCKED, balancer.logical_id, "open", said)


def _container(resource: Resource, row: dict[str, Any], view: View) -> Finding:
    option = row.get("option")
    if option and is_on(resource.properties.get(option)):
        return Finding(UNBLOCKED, resource.logical_id, "pass", f"{option} is on: {row['filled']} go with it")
    if option and view.waits(resource.properties.get(option)):
        said = f"{option}: whether it is emptied is known only at deployment"
        return Finding(UNBLOCKED, resource.logical_id, "unknown", said)
    found = [one.logical_id for one in hooks.on(view, resource)]
    if found:
        return Finding(UNBLOCKED, resource.logical_id, "pass", f"{found[0]} removes the {row['filled']} before")
    said = f"nothing removes the {row['filled']} in {resource.logical_id}: with one in it, deletion fails and it stays"
    said += f" and {priced(row['price'])}" if "price" in row else ""
    change = f"Set {option} to true" if option else "Let a custom resource empty it"
    return Finding(UNBLOCKED, resource.logical_id, "open", f"{said}. {change}")


def _schedules(view: View) -> Iterator[Finding]:
    """A monitoring schedule is not deleted while one of its executions runs."""
    for schedule in view.of("AWS::SageMaker::MonitoringSchedule"):
        found = [one.logical_id for one in hooks.on(view, schedule)]
        if found:
            yield Finding(UNBLOCKED, schedule.logical_id, "pass", f"{found[0]} stops its executions before")
        else:
            said = (
                f"{schedule.logical_id} is not deleted while one of its executions runs, and nothing stops them: the "
                "stack may end in DELETE_FAILED once an hour or a day. Stop executions in a custom resource that "
                "depends on it"
            )
            yield Finding(UNBLOCKED, schedule.logical_id, "open", said, level="warning")
