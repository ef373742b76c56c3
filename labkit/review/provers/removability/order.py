"""Whether things go in the right order: writers before emptiers, custom resources before their permissions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.removability import hooks
from labkit.review.provers.removability.filling import fillers
from labkit.review.provers.removability.kept import stays
from labkit.review.provers.removability.left import table
from labkit.review.provers.removability.rules import ORDER
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references


def order(view: View) -> Iterator[Finding]:
    """Yield a row for each custom resource, each pair of writer and emptier, and each workload with interfaces."""
    for hook in hooks.hooks(view):
        yield from _permissions(hook, view)
    for row in table()["container"]:
        for container in view.of(row["type"]):
            if not stays(container):
                yield from _emptied(container, row, view)
    for bucket in view.of("AWS::S3::Bucket"):
        if not stays(bucket):
            yield from _access_logs(bucket, view)
    yield from _named_by_text(view)
    yield from _interfaces(view)


def _permissions(hook: Resource, view: View) -> Iterator[Finding]:
    function = view.target(hook.properties.get("ServiceToken"), "AWS::Lambda::Function")
    if function is None:
        said = (
            f"what answers {hook.logical_id} is not in the template: deletion waits for an hour if it is gone by then"
        )
        yield Finding(ORDER, hook.logical_id, "unknown", said, level="warning")
        return
    role = view.roles.of(function.properties.get("Role"))
    if role is None:
        yield Finding(ORDER, hook.logical_id, "unknown", f"the role of {function.logical_id} is not in the template")
        return
    late = [
        held.carrier.logical_id
        for held in view.roles.held(role)
        if held.carrier is not role and not view.graph.precedes(held.carrier, hook)
    ]
    if late:
        said = (
            f"{', '.join(late)} may be deleted before {hook.logical_id}, which needs it to do its work: the stack ends in "
            f"DELETE_FAILED. Add DependsOn {late[0]} to {hook.logical_id}"
        )
        yield Finding(ORDER, hook.logical_id, "open", said)
    else:
        yield Finding(ORDER, hook.logical_id, "pass", f"{function.logical_id} keeps its permissions until it is done")


def _emptied(container: Resource, row: dict[str, Any], view: View) -> Iterator[Finding]:
    """A row for each thing that may still fill what was emptied, or one that says that nothing does."""
    emptiers = list(hooks.on(view, container))
    if not emptiers or "fill" not in row:
        return
    found = fillers(view, container, row["fill"])
    early = [one for one in found if not one.ends_before(emptiers, view)]
    into, by = container.logical_id, emptiers[0].logical_id
    for one in early:
        late = one.late
        jobs = "" if late is one.resource else f", or a job of it that {late.logical_id} has not stopped yet,"
        said = (
            f"{one.resource.logical_id}{jobs} may still write into {into} after {by} emptied it: deletion of {into} "
            f"fails. Add DependsOn {by} to {late.logical_id}"
        )
        yield Finding(ORDER, late.logical_id, "open", said)
    if not early:
        names = ", ".join(one.logical_id for one in emptiers)
        what = ", ".join(one.resource.logical_id for one in found)
        said = f"{what} before {names}, and that before {into}"
        said = said if found else f"{names} empties it; nothing of the stack writes into it"
        yield Finding(ORDER, into, "pass", said)


def _named_by_text(view: View) -> Iterator[Finding]:
    """Custom resources that name by its text what they empty or stop: no reference keeps it until they have run."""
    named = {row["type"] for row in table()["container"]} | {row["type"] for row in table()["made"] if row.get("hook")}
    for resource in view.of(*sorted(named | {"AWS::SageMaker::MonitoringSchedule"})):
        found = [] if stays(resource) else list(hooks.on(view, resource))
        if found and not any(view.graph.precedes(resource, one) for one in found):
            first = found[0].logical_id
            said = (
                f"{first} names {resource.logical_id} by its text, so that {resource.logical_id} may be deleted before "
                f"{first} has run: that fails while something is in it. Add DependsOn {resource.logical_id} to {first}"
            )
            yield Finding(ORDER, first, "open", said)


def _access_logs(bucket: Resource, view: View) -> Iterator[Finding]:
    """Buckets whose accesses are logged in another one, also those of the custom resource that empties them."""
    emptiers = list(hooks.on(view, bucket))
    sources = view.once("buckets by where their accesses are logged", lambda: _logged(view)).get(bucket.logical_id, [])
    if not emptiers or not sources:
        return
    # Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html (delivery within hours)
    early = [one for one in sources if not any(view.graph.precedes(emptier, one) for emptier in emptiers)]
    if early:
        names = ", ".join(one.logical_id for one in early)
        said = (
            f"accesses to {names} are still logged into {bucket.logical_id} after {emptiers[0].logical_id} emptied it, "
            f"and deletion of {bucket.logical_id} may fail. Add DependsOn {emptiers[0].logical_id} to {early[0].logical_id}; "
            "a log that comes even later needs a second deletion"
        )
        yield Finding(ORDER, bucket.logical_id, "open", said, level="warning")
    else:
        said = (
            f"{emptiers[0].logical_id} runs when the buckets are gone whose accesses are logged in {bucket.logical_id}"
        )
        yield Finding(ORDER, bucket.logical_id, "pass", said)


def _logged(view: View) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for one in view.of("AWS::S3::Bucket"):
        for name in references(one.one("LoggingConfiguration.DestinationBucketName")):
            found.setdefault(name, []).append(one)
    return found


def _interfaces(view: View) -> Iterator[Finding]:
    """Interfaces that AWS takes away later than the resource: deletion of the network waits, and costs nothing more."""
    for type_, rows in by_type("workloads", "workload").items():
        if type_ not in ("AWS::Lambda::Function", "AWS::SageMaker::Model", "AWS::SageMaker::Domain"):
            continue
        for resource in view.of(type_):
            subnets = view.network.subnets(view.items(resource, rows[0]["subnets"]))
            if subnets:
                going = [one.logical_id for one in subnets if not view.graph.precedes(one, resource)]
                said = f"AWS takes the interfaces of {resource.logical_id} away some 20 to 40 minutes after it; {subnets[0].logical_id} waits for that"
                if going:
                    said = f"{', '.join(going)} may be deleted before {resource.logical_id}, whose interfaces are in it"
                yield Finding(ORDER, resource.logical_id, "open" if going else "pass", said)
