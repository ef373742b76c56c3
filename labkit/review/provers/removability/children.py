"""Stacks that a pipeline deploys: they go after what deploys them, and before what they were told to use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labkit.review.provers.deployability.kit.handed import Entry, handed
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.removability import hooks
from labkit.review.provers.removability.rules import ORDER
from labkit.review.provers.removability.workers import allowing, meant
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import as_list, references

# What settings that are not split by stack are taken to mean for it; the rest may be the program's own.
_TOLD = ("AWS::EC2::SecurityGroup", "AWS::EC2::Subnet", "AWS::IAM::Role", "AWS::SNS::Topic")
_SETTINGS = ("Environment.EnvironmentVariables", "Environment.Variables")


@dataclass(frozen=True)
class Deployment:
    """An action of a pipeline that deploys a stack.

    Args:
        pipeline: that it is of.
        name: of the stack.
        settings: the action's configuration.
    """

    pipeline: Resource
    name: str
    settings: dict[str, Any]


def children(view: View) -> Iterator[Finding]:
    """Yield a row for each custom resource that removes such a stack, and for each pipeline that outlives it."""
    told: dict[str, dict[str, Resource]] = {}
    for one in _deployments(view):
        removers = hooks.naming(view, one.name)
        if removers and not view.graph.any_before(one.pipeline, removers):
            first = removers[0].logical_id
            said = (
                f"{one.pipeline.logical_id} may deploy {one.name} again after {first} deleted it. Add DependsOn {first} "
                f"to {one.pipeline.logical_id}"
            )
            yield Finding(ORDER, one.pipeline.logical_id, "open", said)
        told.setdefault(one.name, {}).update({used.logical_id: used for used in _used(one, view)})
    for name, used in told.items():
        for remover in hooks.naming(view, name):
            yield _in_time(remover, name, list(used.values()), view)


def _in_time(remover: Resource, name: str, used: list[Resource], view: View) -> Finding:
    early = [one.logical_id for one in used if not view.graph.precedes(one, remover)]
    if early:
        said = (
            f"{', '.join(early)} may be deleted before {remover.logical_id} removed the stack {name}, which works with "
            f"it: the stack is left behind broken, or deletion fails. Add DependsOn {early[0]} to {remover.logical_id}"
        )
        return Finding(ORDER, remover.logical_id, "open", said)
    what = ", ".join(one.logical_id for one in used) or "nothing of this one"
    return Finding(ORDER, remover.logical_id, "pass", f"the stack {name} goes before what it works with: {what}")


def _deployments(view: View) -> Iterator[Deployment]:
    for pipeline in view.of("AWS::CodePipeline::Pipeline"):
        for action in _actions(pipeline):
            settings = _object(action.get("Configuration"))
            if _provider(action) == "CloudFormation" and settings.get("ActionMode") != "DELETE_ONLY":
                yield Deployment(pipeline, view.text(settings.get("StackName")) or "?", settings)


def _used(one: Deployment, view: View) -> Iterator[Resource]:
    """What a stack works with: its roles with their policies, what it was told, and what empties what it writes into."""
    told = references(one.settings.get("ParameterOverrides")) | set(_configured(one, view))
    role = view.roles.of(one.settings.get("RoleArn"))
    known = [view.template.resources[name] for name in sorted(told) if name in view.template.resources]
    handed_on = _handed_on(view, role) if role is not None else []
    roles = {found.logical_id: found for found in (role, *known, *handed_on) if found is not None and _is_role(found)}
    yield from (found for found in known if not _is_role(found))
    for found in roles.values():
        yield found
        yield from (held.carrier for held in view.roles.held(found) if held.carrier is not found)
    hosts = [found for found in roles.values() if found is not role]
    for bucket in view.of("AWS::S3::Bucket"):
        if bucket in known or any(_writes(view, host, bucket) for host in hosts):
            yield from list(hooks.on(view, bucket))[:1]


def _is_role(resource: Resource) -> bool:
    return resource.type == "AWS::IAM::Role"


def _handed_on(view: View, role: Resource) -> list[Resource]:
    """The roles that a role names as those it may pass."""
    named = {
        name
        for statement in allowing(view, role, "iam:PassRole")
        for name in references([{"Fn::Sub": pattern} for pattern in statement.resources])
    }
    return [one for one in view.of("AWS::IAM::Role") if one.logical_id in named]


def _writes(view: View, role: Resource, bucket: Resource) -> bool:
    return any(meant(view, statement, bucket) for statement in allowing(view, role, "s3:PutObject"))


def _configured(one: Deployment, view: View) -> Iterator[str]:
    """What the program that writes the configuration file was told for this stack."""
    file = view.text(one.settings.get("TemplateConfiguration")) or ""
    artifact, _, path = file.partition("::")
    for action in _actions(one.pipeline):
        made = [view.text(_object(given).get("Name")) for given in as_list(action.get("OutputArtifacts"))]
        if not path or artifact not in made:
            continue
        settings = _object(action.get("Configuration"))
        program = view.target(settings.get("ProjectName"), "AWS::CodeBuild::Project") or view.target(
            settings.get("FunctionName"), "AWS::Lambda::Function"
        )
        if program is not None:
            yield from _told(handed({at: program.one(at) for at in _SETTINGS}), one.name, path, view)


def _told(entries: list[Entry], name: str, path: str, view: View) -> Iterator[str]:
    stem = path.rpartition("/")[2].partition(".")[0]
    fitting = [entry for entry in entries if entry.of_list and any(_is_for(one, name, stem) for one in entry.texts)]
    if fitting:
        yield from (told for entry in fitting for told in entry.names)
        return
    usual = {one.logical_id for one in view.of(*_TOLD)}
    yield from (told for entry in entries for told in entry.names if told in usual)


def _is_for(said: str, name: str, stem: str) -> bool:
    """Tell whether a value of an entry names the stack or its configuration file."""
    return said in (name, stem) or (any(one.isalpha() for one in said) and name.endswith(f"-{said}"))


def _actions(pipeline: Resource) -> Iterator[dict[str, Any]]:
    yield from (action for _, action in pipeline.each("Stages.*.Actions.*") if isinstance(action, dict))


def _provider(action: dict[str, Any]) -> Any:
    return _object(action.get("ActionTypeId")).get("Provider")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
