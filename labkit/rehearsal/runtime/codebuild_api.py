"""The CodeBuild operations on builds, and projects that keep all they are given."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from labkit.rehearsal.runtime.codebuild import Builds

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

_SOURCES = ("BITBUCKET", "CODECOMMIT", "CODEPIPELINE", "GITHUB", "GITHUB_ENTERPRISE", "GITLAB", "NO_SOURCE", "S3")
_ARTIFACTS = ("CODEPIPELINE", "S3", "NO_ARTIFACTS")


def install(context: Context) -> Builds:
    """Have moto's CodeBuild build."""
    builds = Builds(context)
    context.on_import("moto.codebuild.responses", lambda module: _patch(module, builds))
    context.route("builds", _route(builds))
    how = "the buildspec's own commands, in a process group without other networks"
    context.ledger.answers("codebuild", "StartBuild", "executed", how)
    context.ledger.executes(
        "AWS::CodeBuild::Project",
        "its builds run the buildspec's commands with this machine's shell and Python, and sleep in emulated time; "
        "the image, the role's rights, the compute type and the cache are stored",
    )
    return builds


def _route(builds: Builds) -> Callable[[str, str, bytes], dict[str, Any]]:
    def route(method: str, rest: str, body: bytes) -> dict[str, Any]:
        """``BUILD/sleep``: a command of a build waits."""
        builds.sleep(unquote(rest).removesuffix("/sleep"), float(json.loads(body)["seconds"]))
        return {}

    return route


def project_of(context: Context, name: str) -> dict[str, Any] | None:
    """A project as it is stored, or None."""
    from moto.codebuild.models import codebuild_backends

    found: Any = codebuild_backends[context.account][context.region].codebuild_projects.get(name)
    return found.project_metadata if found else None


def _patch(module: ModuleType, builds: Builds) -> None:
    from moto.core.responses import ActionResult

    response: Any = module.CodeBuildResponse
    module._validate_required_params_source = _check_source(module)  # type: ignore[attr-defined]
    module._validate_required_params_artifacts = _check_artifacts(module)  # type: ignore[attr-defined]
    module._validate_required_params_environment = lambda environment: None  # type: ignore[attr-defined]
    create = response.create_project

    def create_project(self: Any) -> Any:
        answer = create(self)
        project = self.codebuild_backend.codebuild_projects[self._get_param("name")].project_metadata
        for name, value in _given(self).items():
            if value is not None:
                project[name] = value
        project["timeoutInMinutes"] = project.get("timeoutInMinutes") or 60
        project["queuedTimeoutInMinutes"] = project.get("queuedTimeoutInMinutes") or 480
        return answer

    def start_build(self: Any) -> Any:
        name = self._get_param("projectName")
        projects = self.codebuild_backend.codebuild_projects
        if name not in projects:
            arn = (
                f"arn:{module.get_partition(self.region)}:codebuild:{self.region}:{self.current_account}:project/{name}"
            )
            raise module.ResourceNotFoundException(f"Project cannot be found: {arn}")
        project = projects[name].project_metadata
        if project["source"]["type"] == "CODEPIPELINE" and not self._get_param("sourceTypeOverride"):
            raise module.InvalidInputException(
                "Project source type CODEPIPELINE: a build of this project is started by a pipeline, "
                "or with sourceTypeOverride"
            )
        return ActionResult({"build": builds.start(project, _given(self))})

    def batch_get_builds(self: Any) -> Any:
        ids = [str(item).rpartition(":build/")[2] for item in self._get_param("ids")]
        found = [builds.records[item] for item in ids if item in builds.records]
        return ActionResult({"builds": found, "buildsNotFound": [item for item in ids if item not in builds.records]})

    def stop_build(self: Any) -> Any:
        record = _record(self)
        builds.stop(record)
        return ActionResult({"build": record})

    def retry_build(self: Any) -> Any:
        record = _record(self)
        project = self.codebuild_backend.codebuild_projects[record["projectName"]].project_metadata
        again = {**project, **{name: record[name] for name in ("source", "environment", "artifacts")}}
        return ActionResult({"build": builds.start(again, {"sourceVersion": record.get("sourceVersion")})})

    def batch_delete_builds(self: Any) -> Any:
        gone = [item for item in self._get_param("ids") if builds.records.pop(item, None)]
        kept = [{"id": item, "statusCode": "BUILD_NOT_FOUND"} for item in self._get_param("ids") if item not in gone]
        return ActionResult({"buildsDeleted": gone, "buildsNotDeleted": kept})

    def _record(self: Any) -> dict[str, Any]:
        identifier = str(self._get_param("id")).rpartition(":build/")[2]
        if ":" not in identifier:
            raise module.InvalidInputException("Invalid build ID provided")
        if identifier not in builds.records:
            raise module.ResourceNotFoundException(f"Build {identifier} does not exist")
        return builds.records[identifier]

    def listed(self: Any, project: str | None) -> Any:
        ids = [item for item, record in builds.records.items() if project in (None, record["projectName"])]
        newest_first = (self._get_param("sortOrder") or "DESCENDING") == "DESCENDING"
        return ActionResult({"ids": ids[::-1] if newest_first else ids})

    def list_builds(self: Any) -> Any:
        return listed(self, None)

    def list_builds_for_project(self: Any) -> Any:
        name = self._get_param("projectName")
        if name not in self.codebuild_backend.codebuild_projects:
            arn = (
                f"arn:{module.get_partition(self.region)}:codebuild:{self.region}:{self.current_account}:project/{name}"
            )
            raise module.ResourceNotFoundException(f"The provided project {arn} does not exist")
        return listed(self, name)

    operations: tuple[Callable[[Any], Any], ...] = (
        create_project,
        start_build,
        batch_get_builds,
        stop_build,
        retry_build,
        batch_delete_builds,
        list_builds,
        list_builds_for_project,
    )
    for operation in operations:
        setattr(response, operation.__name__, operation)


def _given(request: Any) -> dict[str, Any]:
    return dict(json.loads(request.body or "{}"))


def _check_source(module: ModuleType) -> Callable[[dict[str, Any]], None]:
    def check(source: dict[str, Any]) -> None:
        if source.get("type") not in _SOURCES:
            raise module.InvalidInputException("Invalid type provided: Project source type")
        if source["type"] not in ("NO_SOURCE", "CODEPIPELINE") and not source.get("location"):
            raise module.InvalidInputException("Project source location is required")
        if source["type"] == "NO_SOURCE" and not source.get("buildspec"):
            raise module.InvalidInputException(
                "Invalid project source: a buildspec is required when the source type is NO_SOURCE"
            )

    return check


def _check_artifacts(module: ModuleType) -> Callable[[dict[str, Any]], None]:
    def check(artifacts: dict[str, Any]) -> None:
        if artifacts.get("type") not in _ARTIFACTS:
            raise module.InvalidInputException("Invalid type provided: Artifact type")
        if artifacts["type"] == "S3" and not artifacts.get("location"):
            raise module.InvalidInputException("Invalid artifacts: location is required")
        if artifacts["type"] == "NO_ARTIFACTS" and artifacts.get("location"):
            raise module.InvalidInputException(
                "Invalid artifacts: artifact type NO_ARTIFACTS should have null location"
            )

    return check
