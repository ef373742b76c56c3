"""Every role that a pipeline works with may read the pipeline's encrypted artefacts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_BUCKET_KEY = "BucketEncryption.ServerSideEncryptionConfiguration.*.ServerSideEncryptionByDefault.KMSMasterKeyID"


def look(resource: Resource, view: View) -> Iterable[Fault]:
    stores = [*resource.each("ArtifactStore"), *resource.each("ArtifactStores.*.ArtifactStore")]
    for _, store in stores:
        if isinstance(store, dict):
            yield from _store(resource, store, view)


def _store(pipeline: Resource, store: dict[str, Any], view: View) -> Iterator[Fault]:
    bucket = view.target(store.get("Location"), "AWS::S3::Bucket")
    encryption = store.get("EncryptionKey")
    given = encryption.get("Id") if isinstance(encryption, dict) else None
    if given is None and bucket is not None:
        given = bucket.one(_BUCKET_KEY)
    key = view.keys.of(given)
    for path, value, role, reads, sure in _roles(pipeline, view):
        if key is not None:
            action = "kms:Decrypt" if reads else "kms:GenerateDataKey"
            verdict = view.keys.role_may(role, key, action)
            if verdict != "yes":
                yield Fault(path, value, f"{role.logical_id} may not call {action} for the artefacts, which {key.logical_id} "
                            "encrypts" + ("" if sure else ", if what it deploys reads one"),
                            fix=f"Allow {action} on {key.logical_id} to {role.logical_id}.",
                            undecided=verdict == "unknown" or not sure)  # fmt: skip
        action = "s3:GetObject" if reads else "s3:PutObject"
        if bucket is not None and not _touches(role, bucket, action, view):
            yield Fault(path, value, f"{role.logical_id} may not call {action} on the artefacts in {bucket.logical_id}"
                        + ("" if sure else ", if what it deploys reads one"),
                        error=f"Access Denied: {action} on the artefact (the action fails)",
                        fix=f"Allow {action} on {bucket.logical_id} to {role.logical_id}.",
                        undecided=view.roles.may(role, action, on=bucket) == "unknown" or not sure)  # fmt: skip


# Providers that read artefacts with a role of their own, so that the action's role only starts them.
_STARTED = ("CodeBuild", "Lambda", "Manual", "CodeDeploy", "StepFunctions")
Use = tuple[str, Any, Resource, bool, bool]


def _roles(pipeline: Resource, view: View) -> Iterator[Use]:
    """Where each role stands, whether it reads artefacts or writes them, and whether that is certain."""
    seen: set[str] = set()
    yield from _once(pipeline.one("RoleArn"), "RoleArn", seen, view)
    for path, action in pipeline.each("Stages.*.Actions.*"):
        if not isinstance(action, dict) or not (action.get("InputArtifacts") or action.get("OutputArtifacts")):
            continue
        configuration = action.get("Configuration")
        kind = action.get("ActionTypeId")
        provider = view.plain(kind.get("Provider")) if isinstance(kind, dict) else None
        if provider not in _STARTED:
            yield from _once(
                action.get("RoleArn"), f"{path}.RoleArn", seen, view, reads=bool(action.get("InputArtifacts"))
            )
        if not isinstance(configuration, dict):
            continue
        if provider == "CloudFormation" and action.get("InputArtifacts"):
            # The deployed template reads an artefact for sure where it is told its place.
            sure = "Fn::GetArtifactAtt" in str(configuration.get("ParameterOverrides", ""))
            yield from _once(configuration.get("RoleArn"), f"{path}.Configuration.RoleArn", seen, view, sure=sure)
        if provider == "CodeBuild":
            project = view.target(configuration.get("ProjectName"), "AWS::CodeBuild::Project")
            if project is not None:
                yield from _once(
                    project.properties.get("ServiceRole"), f"{path}: {project.logical_id}.ServiceRole", seen, view
                )


def _once(value: Any, path: str, seen: set[str], view: View, *, reads: bool = True, sure: bool = True) -> Iterator[Use]:
    role = view.roles.of(value)
    if role is not None and role.logical_id not in seen:
        seen.add(role.logical_id)
        yield path, value, role, reads, sure


def _touches(role: Resource, bucket: Resource, action: str, view: View) -> bool:
    if view.roles.may(role, action, on=bucket) == "yes":
        return True
    return any(
        one.statement.allows
        and one.statement.covers(action)
        and any(f"${{{role.logical_id}" in who for who in one.statement.principals.get("AWS", ()))
        for one in view.policies.on(bucket)
    )


CHECK = Check(
    id="deploy-artefacts-readable",
    title="Every role that a pipeline works with may decrypt and read its artefacts",
    phase="first-use",
    why="The action's role, the deployment role in its configuration and the build's role each read the artefact.",
    fix="Allow kms:Decrypt on the key and s3:GetObject on the bucket to every role of the pipeline.",
    error="The role is not authorized to perform kms:Decrypt on the artefact (the deploy action fails)",
    sources=(
        "https://docs.aws.amazon.com/codepipeline/latest/userguide/S3-artifact-encryption.html",
        "https://github.com/aws/aws-cdk/issues/5207",
        "https://github.com/aws/aws-cdk/issues/3170",
    ),
    covers=("DF-135",),
    types=("AWS::CodePipeline::Pipeline",),
    look=look,
)
