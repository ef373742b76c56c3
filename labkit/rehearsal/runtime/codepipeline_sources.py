"""The source actions of a pipeline: an object of a bucket, or an archive in place of a repository."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from labkit.rehearsal.runtime.codepipeline_artifacts import ActionFailed, Artifacts
from labkit.rehearsal.runtime.codepipeline_records import ActionRun, Execution

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


class Sources:
    """Fetches sources; what they are goes into the artifact store."""

    def __init__(self, context: Context, artifacts: Artifacts) -> None:
        self._context, self._artifacts = context, artifacts
        # Archives that were handed over for connections, by pipeline and action.
        self.given: dict[tuple[str, str], bytes] = {}

    def s3_object(self, execution: Execution, action: ActionRun) -> None:
        """An object of a versioned bucket.

        Raises:
            ActionFailed: the bucket has no versions, or there is no such object.
        """
        from botocore.exceptions import ClientError

        s3, config = self._context.client("s3"), action.resolved
        bucket, key = config["S3Bucket"], config["S3ObjectKey"]
        overrides = {
            item["revisionType"]: item["revisionValue"]
            for item in execution.overrides
            if item["actionName"] == action.name
        }
        if "S3_OBJECT_KEY" in overrides:
            if config.get("AllowOverrideForS3ObjectKey", "false").lower() != "true":
                raise ActionFailed("AllowOverrideForS3ObjectKey is not true in the source action", "ConfigurationError")
            key = overrides["S3_OBJECT_KEY"]
        version = overrides.get("S3_OBJECT_VERSION_ID")
        try:
            if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
                raise ActionFailed(f"The S3 bucket {bucket} has no versioning; a source needs it", "ConfigurationError")
            found = s3.get_object(Bucket=bucket, Key=key, **({"VersionId": version} if version else {}))
        except ClientError as error:
            raise ActionFailed(
                f"The object with key '{key}' does not exist or cannot be read in bucket '{bucket}': "
                f"{error.response['Error']['Message']}",
                "ConfigurationError",
            ) from None
        revision = found.get("VersionId") or found["ETag"].strip('"')
        self._output(execution, action, found["Body"].read())
        action.variables = {
            "BucketName": bucket,
            "ObjectKey": key,
            "ETag": found["ETag"].strip('"'),
            "VersionId": found.get("VersionId", ""),
        }
        action.revision = {"revisionId": revision, "created": found["LastModified"]}
        action.revision["revisionSummary"] = f"Amazon S3 version id: {revision}"

    def connection(self, execution: Execution, action: ActionRun) -> None:
        """An archive that was handed over for a repository, which a rehearsal cannot fetch.

        Raises:
            ActionFailed: none was.
        """
        content = self.given.get((execution.pipeline, action.name))
        config = action.resolved
        if content is None:
            self._context.ledger.note(
                f"{action.name}: no repository is fetched through a connection in a rehearsal", about=execution.pipeline
            )
            raise ActionFailed(
                f"not rehearsed: {config.get('FullRepositoryId')} cannot be fetched through a connection; use an S3 "
                "source, or give the rehearsal an archive for this action",
                "ConfigurationError",
            )
        commit = next(
            (item["revisionValue"] for item in execution.overrides if item["actionName"] == action.name),
            uuid.uuid4().hex,
        )
        self._output(execution, action, content)
        action.variables = {
            "AuthorDate": f"{self._context.clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "BranchName": config.get("BranchName", ""),
            "CommitId": commit,
            "CommitMessage": "given to the rehearsal",
            "ConnectionArn": config.get("ConnectionArn", ""),
            "FullRepositoryName": config.get("FullRepositoryId", ""),
        }
        action.revision = {"revisionId": commit, "revisionSummary": "given to the rehearsal"}

    def _output(self, execution: Execution, action: ActionRun, content: bytes) -> None:
        for item in action.declared.get("outputArtifacts") or []:
            action.outputs[item["name"]] = self._artifacts.write(execution, item["name"], content)
