"""Jobs that code of the stack starts: something stops them before the network goes that they are in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.handed import handed
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.removability import hooks
from labkit.review.provers.removability.left import table
from labkit.review.provers.removability.rules import ORDER, UNBLOCKED
from labkit.review.provers.removability.workers import Worker, allowing, passed, starters, workers
from stacks.rules.kit.policy import Statement
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_function, references, texts

_NETWORK = ("AWS::EC2::SecurityGroup", "AWS::EC2::Subnet")
_SAGEMAKER = "sagemaker.amazonaws.com"
_CONDITIONS = ("sagemaker:VpcSubnets", "sagemaker:VpcSecurityGroupIds")
# SageMaker deletes no pipeline that runs, so that its jobs are over when the network goes.
# Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeletePipeline.html
_WAITS = "AWS::SageMaker::Pipeline"


@dataclass(frozen=True)
class Launch:
    """Jobs that something may start.

    Args:
        worker: what starts them.
        kinds: rows of the table, one for each kind of job.
        roles: that the jobs may work with.
        stoppers: custom resources that stop them, by the kind's action.
        network: subnets and security groups that the jobs are in, as far as the template says.
        starters: what makes the worker start jobs without a person.
    """

    worker: Worker
    kinds: tuple[dict[str, Any], ...]
    roles: tuple[Resource, ...]
    stoppers: dict[str, list[Resource]]
    network: tuple[Resource, ...]
    starters: tuple[Resource, ...]

    @property
    def stopped_by(self) -> list[Resource]:
        """The custom resources after which no job is left; none unless every kind is stopped."""
        if not all(self.stoppers[kind["action"]] for kind in self.kinds):
            return []
        return list(dict.fromkeys(one for kind in self.kinds for one in self.stoppers[kind["action"]]))


def launches(view: View) -> list[Launch]:
    """Every launch of a template."""
    found: list[Launch] = view.once("launches of jobs", lambda: list(_launches(view)))
    return found


def _launches(view: View) -> Iterator[Launch]:
    for worker in workers(view):
        asked = {kind["action"]: allowing(view, worker.role, kind["action"]) for kind in table()["job"]}
        kinds = tuple(kind for kind in table()["job"] if asked[kind["action"]])
        roles = passed(view, worker.role, _SAGEMAKER) if kinds else []
        if roles:
            yield Launch(
                worker,
                kinds,
                tuple(roles),
                {kind["action"]: _stoppers(worker, roles, kind, asked[kind["action"]], view) for kind in kinds},
                tuple(_network(worker.resource, [one for kind in kinds for one in asked[kind["action"]]], view)),
                tuple(starters(view, worker.resource)),
            )


def _network(resource: Resource, statements: list[Statement], view: View) -> list[Resource]:
    """What the settings, or the conditions under which jobs may be started, name of the stack's network."""
    told = {name for entry in handed(resource.properties) for name in entry.names}
    for statement in statements:
        for _, given in statement.conditions_on(*_CONDITIONS):
            told |= {token.partition(".")[0] for one in given for token in text.tokens(one)}
    return [one for one in view.of(*_NETWORK) if one.logical_id in told]


def _stoppers(
    worker: Worker, roles: list[Resource], kind: dict[str, Any], asked: list[Statement], view: View
) -> list[Resource]:
    """Custom resources whose function may stop such jobs, and that name them, the role they have or what starts them."""
    ours = {worker.resource.logical_id, *(one.logical_id for one in roles)}
    found = []
    for hook in hooks.hooks(view):
        function = view.target(hook.properties.get("ServiceToken"), "AWS::Lambda::Function")
        may = "unknown" if function is None else view.roles.may(_role(function, view), kind["stop"])
        given = {key: value for key, value in hook.properties.items() if key != "ServiceToken"}
        if may in ("yes", "unknown") and (references(given) & ours or _names_jobs(hook, given, asked)):
            found.append(hook)
    return found


def _role(function: Resource, view: View) -> Resource | None:
    return view.roles.of(function.properties.get("Role"))


def _names_jobs(hook: Resource, given: dict[str, Any], asked: list[Statement]) -> bool:
    """Tell whether a custom resource is given the beginning of the names that jobs may have."""
    said = {
        one
        for key, value in given.items()
        if "job" in key.lower() or ("job" in hook.type.lower() and not is_function(value))
        for one in texts(value)
    }
    names = {text.name_of(pattern) for statement in asked for pattern in statement.resources}
    return any(text.overlap(text.as_glob(name), f"{text.as_glob(one)}*") for name in names for one in said if one)


def jobs(view: View) -> Iterator[Finding]:
    """Yield a row for each launcher whose jobs are in a network of the stack, and for what stops them."""
    for launch in launches(view):
        if not launch.network or not any(kind.get("joins") for kind in launch.kinds):
            continue
        by, where = launch.worker.resource, launch.network[0].logical_id
        if by.type == _WAITS:
            said = f"{by.logical_id} is not deleted while it runs, and its jobs are over before {where} goes"
            yield Finding(ORDER, by.logical_id, "pass", said)
            continue
        unstopped = [one for one in launch.kinds if one.get("joins") and not launch.stoppers[one["action"]]]
        if unstopped:
            yield _unstopped(launch, unstopped[0], where)
        for stopper in dict.fromkeys(one for found in launch.stoppers.values() for one in found):
            yield from _stopped(launch, stopper, view)


def _unstopped(launch: Launch, kind: dict[str, Any], where: str) -> Finding:
    by = launch.worker.resource.logical_id
    often = ", ".join(one.logical_id for one in launch.starters)
    who = f"{often} lets {by} start" if often else f"{by} starts"
    said = (
        f"{who} jobs ({kind['action']}) in {where}, and nothing stops them: with one running, {where} is not deleted "
        f"and the stack stays in DELETE_FAILED. Stop them in a custom resource ({kind['stop']}) on which {often or by} "
        f"depends, and which depends on {where}"
    )
    return Finding(UNBLOCKED, by, "open", said)


def _stopped(launch: Launch, stopper: Resource, view: View) -> Iterator[Finding]:
    early = [one.logical_id for one in launch.network if not view.graph.precedes(one, stopper)]
    if early:
        said = (
            f"{', '.join(early)} may be deleted before {stopper.logical_id} stopped the jobs in it: that fails, or waits "
            f"for their interfaces. Add DependsOn {early[0]} to {stopper.logical_id}"
        )
        yield Finding(ORDER, stopper.logical_id, "open", said)
    by = launch.worker.resource
    if view.graph.precedes(stopper, by):
        return
    for starter in launch.starters or [by]:
        if not view.graph.precedes(stopper, starter):
            said = (
                f"{starter.logical_id} may let {by.logical_id} start a job after {stopper.logical_id} stopped them. "
                f"Add DependsOn {stopper.logical_id} to {starter.logical_id}"
            )
            yield Finding(ORDER, starter.logical_id, "open", said)
