"""Whether things go in the right order: writers before emptiers, custom resources before their permissions."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.removability import hooks
from labkit.review.provers.removability.kept import stays
from labkit.review.provers.removability.rules import ORDER
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references

# What writes into a bucket that it names, and the property that says so; empty: anything that names it.
_WRITERS = {
    "AWS::CloudTrail::Trail": ("S3BucketName",),
    "AWS::CodeBuild::Project": ("Artifacts.Location", "LogsConfig.S3Logs.Location", "Cache.Location"),
    "AWS::CodePipeline::Pipeline": ("ArtifactStore.Location", "ArtifactStores"),
    "AWS::EC2::FlowLog": ("LogDestination",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("LoadBalancerAttributes",),
    "AWS::KinesisFirehose::DeliveryStream": ("",),
    "AWS::SageMaker::FeatureGroup": ("OfflineStoreConfig",),
    "AWS::SageMaker::MonitoringSchedule": ("",),
    "AWS::SageMaker::Pipeline": ("",),
}
# Stands for every bucket.
_ANY = "*"
_CAPTURE = "DataCaptureConfig.DestinationS3Uri"


def order(view: View) -> Iterator[Finding]:
    """Yield a row for each custom resource, each pair of writer and emptier, and each workload with interfaces."""
    for hook in hooks.hooks(view):
        yield from _permissions(hook, view)
    writers = _writers(view)
    for bucket in view.of("AWS::S3::Bucket"):
        if not stays(bucket):
            yield from _emptied(bucket, [*writers.get(bucket.logical_id, []), *writers.get(_ANY, [])], view)
            yield from _access_logs(bucket, view)
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


def _writers(view: View) -> dict[str, list[Resource]]:
    """What writes into each bucket."""
    found: dict[str, list[Resource]] = {}
    for type_, paths in _WRITERS.items():
        for resource in view.of(type_):
            for path in paths:
                values = [resource.properties] if not path else [value for _, value in resource.each(path)]
                for name in sorted(set().union(*map(references, values))):
                    found.setdefault(name, []).append(resource)
    for endpoint in view.of("AWS::SageMaker::Endpoint"):
        configuration = view.target(endpoint.properties.get("EndpointConfigName"), "AWS::SageMaker::EndpointConfig")
        for name in references(configuration.one(_CAPTURE)) if configuration is not None else ():
            found.setdefault(name, []).append(endpoint)
    buckets = {one.logical_id for one in view.of("AWS::S3::Bucket")}
    for function in view.of("AWS::Lambda::Function"):
        role = view.roles.of(function.properties.get("Role"))
        for name in _written_by(role, view) & (buckets | {_ANY}) if role is not None else ():
            found.setdefault(name, []).append(function)
    return found


def _written_by(role: Resource, view: View) -> set[str]:
    """Logical ids of what a role may put objects into."""
    found: set[str] = set()
    for held in view.roles.held(role):
        for statement in held.statements:
            if statement.allows and statement.covers("s3:PutObject"):
                for pattern in statement.resources:
                    found |= {one.partition(".")[0] for one in text.tokens(pattern)} or {_ANY}
    return found


def _emptied(bucket: Resource, writers: list[Resource], view: View) -> Iterator[Finding]:
    emptiers = list(hooks.on(view, bucket))
    if not emptiers:
        return
    early = [
        one.logical_id
        for one in dict.fromkeys(writers)
        if not any(view.graph.precedes(emptier, one) for emptier in emptiers)
    ]
    names = ", ".join(one.logical_id for one in emptiers)
    if early:
        said = (
            f"{', '.join(early)} may still write into {bucket.logical_id} after {names} emptied it: deletion of the "
            f"bucket fails. Add DependsOn {emptiers[0].logical_id} to {early[0]}"
        )
        yield Finding(ORDER, bucket.logical_id, "open", said)
    else:
        what = ", ".join(one.logical_id for one in dict.fromkeys(writers)) or "nothing of the stack writes into it"
        said = (
            f"{what} before {names}, and that before {bucket.logical_id}" if writers else f"{names} empties it; {what}"
        )
        yield Finding(ORDER, bucket.logical_id, "pass", said)


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
