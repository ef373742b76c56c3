"""What fills buckets, model package groups and repositories: by a setting, with its own role, or through its jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.removability.jobs import launches
from labkit.review.provers.removability.workers import allowing, meant, starters, workers
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references

_BUCKET = "AWS::S3::Bucket"
# What writes into a bucket that it names, and the property that says so; empty: anything that names it.
_WRITERS = {
    "AWS::Athena::WorkGroup": ("WorkGroupConfiguration.ResultConfiguration.OutputLocation",),
    "AWS::CloudFront::Distribution": ("DistributionConfig.Logging.Bucket",),
    "AWS::CloudTrail::Trail": ("S3BucketName",),
    "AWS::CodeBuild::Project": ("Artifacts.Location", "LogsConfig.S3Logs.Location", "Cache.Location"),
    "AWS::CodePipeline::Pipeline": ("ArtifactStore.Location", "ArtifactStores"),
    "AWS::Config::DeliveryChannel": ("S3BucketName",),
    "AWS::EC2::FlowLog": ("LogDestination",),
    "AWS::ElasticLoadBalancing::LoadBalancer": ("AccessLoggingPolicy.S3BucketName",),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("LoadBalancerAttributes",),
    "AWS::KinesisFirehose::DeliveryStream": ("",),
    "AWS::Redshift::Cluster": ("LoggingProperties.BucketName",),
    "AWS::Route53Resolver::ResolverQueryLoggingConfig": ("DestinationArn",),
    "AWS::SageMaker::FeatureGroup": ("OfflineStoreConfig",),
    "AWS::SageMaker::MonitoringSchedule": ("",),
    "AWS::SageMaker::Pipeline": ("",),
    "AWS::WAFv2::LoggingConfiguration": ("LogDestinationConfigs",),
}
_CAPTURE = "DataCaptureConfig.DestinationS3Uri"
_NAMED = re.compile(r"^(?:s3://|arn:[^:]*:s3:::)?([a-z0-9][a-z0-9.-]+)")


@dataclass(frozen=True)
class Filler:
    """Something that fills a container.

    Args:
        resource: what does it.
        starters: what makes it do so; once all of them are gone, nothing new is put in.
        stoppers: custom resources after which nothing of it is left that could write.
    """

    resource: Resource
    starters: tuple[Resource, ...] = ()
    stoppers: tuple[Resource, ...] = ()

    def ends_before(self, emptiers: list[Resource], view: View) -> bool:
        """Tell whether nothing is put in any more when a container is emptied."""
        if view.graph.any_before(self.resource, emptiers):
            return True
        return any(view.graph.any_before(one, emptiers) for one in self.stoppers) or (
            bool(self.starters) and all(view.graph.any_before(one, emptiers) for one in self.starters)
        )

    @property
    def late(self) -> Resource:
        """What must go before the emptying."""
        return self.stoppers[0] if self.stoppers else self.resource


def fillers(view: View, container: Resource, action: str) -> list[Filler]:
    """Everything that fills a container, each resource once.

    Args:
        view: of the template.
        container: bucket, group or repository.
        action: that puts something in, such as ``s3:PutObject``.
    """
    found: dict[str, Filler] = {}
    by_setting = _by_setting(view).get(container.logical_id, []) if container.type == _BUCKET else []
    for one in (*map(Filler, by_setting), *_by_roles(view, container, action)):
        found.setdefault(one.resource.logical_id, one)
    return list(found.values())


def _by_roles(view: View, container: Resource, action: str) -> Iterator[Filler]:
    def fills(role: Resource) -> bool:
        return any(meant(view, statement, container) for statement in allowing(view, role, action))

    for worker in workers(view):
        if fills(worker.role):
            # A build goes on only for what starts it; a function may be called by anybody.
            by = starters(view, worker.resource) if worker.resource.type == "AWS::CodeBuild::Project" else []
            yield Filler(worker.resource, () if _delivers(worker.resource, container, by, view) else tuple(by))
    for launch in launches(view):
        if any(fills(role) for role in launch.roles):
            yield Filler(launch.worker.resource, launch.starters, tuple(launch.stopped_by))


def _delivers(project: Resource, container: Resource, by: list[Resource], view: View) -> bool:
    """Tell whether a bucket holds the artifacts of a project's pipeline: a build delivers them when it ends, however late."""
    # Source: https://docs.aws.amazon.com/codebuild/latest/userguide/delete-project.html (builds outlive their project)
    if view.plain(project.one("Artifacts.Type")) != "CODEPIPELINE":
        return False
    stores = [one.one(path) for one in by for path in ("ArtifactStore.Location", "ArtifactStores")]
    return any(container.logical_id in _buckets(store, view) for store in stores)


def _by_setting(view: View) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = view.once("what writes into each bucket by a setting", lambda: _settings(view))
    return found


def _settings(view: View) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for type_, paths in _WRITERS.items():
        for resource in view.of(type_):
            for path in paths:
                values = [resource.properties] if not path else [value for _, value in resource.each(path)]
                for name in sorted(set().union(*(_buckets(value, view) for value in values))):
                    found.setdefault(name, []).append(resource)
    for endpoint in view.of("AWS::SageMaker::Endpoint"):
        configuration = view.target(endpoint.properties.get("EndpointConfigName"), "AWS::SageMaker::EndpointConfig")
        for name in _buckets(configuration.one(_CAPTURE), view) if configuration is not None else ():
            found.setdefault(name, []).append(endpoint)
    return found


def _buckets(value: Any, view: View) -> set[str]:
    """Logical ids of what a value refers to, and of the bucket whose literal name it is or begins with."""
    found = references(value)
    for said in view.texts(value) if not isinstance(value, (dict, list)) or len(value) == 1 else ():
        named = _NAMED.match(said)
        for one in view.by_name.get(named[1], ()) if named is not None else ():
            if one.type == _BUCKET:
                found.add(one.logical_id)
    return found
