"""A pipeline's artifacts in its store, and the variables in the configuration of its actions."""

from __future__ import annotations

import io
import json
import re
import uuid
import zipfile
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.codepipeline_records import Execution, Place

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_VARIABLE = re.compile(r"#\{([A-Za-z0-9@_-]+)\.([^{}\s]+?)\}")


class ActionFailed(Exception):
    """An action failed; ``code`` is the code of its error details."""

    def __init__(self, message: str, code: str = "JobFailed") -> None:
        super().__init__(message)
        self.code = code


def resolve(execution: Execution, text: str) -> str:
    """``text`` with ``#{namespace.key}`` replaced.

    Raises:
        ActionFailed: a variable has no value.
    """

    def value(found: re.Match[str]) -> str:
        namespace, key = found.groups()
        known: dict[str, str]
        if namespace == "codepipeline":
            known = {"PipelineExecutionId": execution.id}
        elif namespace == "variables":
            known = execution.variables
        else:
            known = execution.namespaces.get(namespace, {})
        if key not in known:
            raise ActionFailed(f"Unresolved variable: {found[0]}", "InvalidVariableReference")
        return known[key]

    return _VARIABLE.sub(value, text)


class Artifacts:
    """The artifact store of a pipeline."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def store_of(self, execution: Execution) -> dict[str, Any]:
        """The store of this region: bucket and key."""
        structure = execution.structure
        stores = structure.get("artifactStores") or {self._context.region: structure["artifactStore"]}
        found: dict[str, Any] = stores[self._context.region]
        return found

    def read(self, execution: Execution, name: str) -> bytes:
        """The archive of an artifact.

        Raises:
            ActionFailed: no action made it.
        """
        if name not in execution.artifacts:
            raise ActionFailed(f"The input artifact {name} was not produced", "ConfigurationError")
        place = execution.artifacts[name]
        from botocore.exceptions import ClientError

        try:
            content: bytes = self._context.client("s3").get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
        except ClientError as error:
            raise ActionFailed(f"The artifact {name} cannot be read: {error}", "PermissionError") from None
        return content

    def write(self, execution: Execution, name: str, content: bytes) -> Place:
        """Keep an archive as an artifact, encrypted with the store's key."""
        store = self.store_of(execution)
        suffix = uuid.uuid4().hex[:7]
        place = Place(store["location"], f"{execution.pipeline[:20]}/{name[:10]}/{suffix}")
        key = (store.get("encryptionKey") or {}).get("id")
        more = {"SSEKMSKeyId": key} if key else {}
        self._context.client("s3").put_object(
            Bucket=place.bucket, Key=place.key, Body=content, ServerSideEncryption="aws:kms", **more
        )
        execution.artifacts[name] = place
        return place

    def file(self, execution: Execution, reference: str) -> str:
        """The text of ``Artifact::path/of/file``.

        Raises:
            ActionFailed: the artifact has no such file.
        """
        name, found, path = reference.partition("::")
        if not found:
            raise ActionFailed(f"{reference} given; Artifact::file is needed", "ConfigurationError")
        try:
            with zipfile.ZipFile(io.BytesIO(self.read(execution, name))) as archive:
                return archive.read(path).decode()
        except (KeyError, zipfile.BadZipFile):
            raise ActionFailed(f"File [{path}] does not exist in artifact [{name}]", "ConfigurationError") from None


def zipped(files: dict[str, str]) -> bytes:
    """An archive of text files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def parsed(text: str, what: str) -> Any:
    """JSON of a configuration value.

    Raises:
        ActionFailed: it is none.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise ActionFailed(f"{what} is not valid JSON: {error}", "ConfigurationError") from None
