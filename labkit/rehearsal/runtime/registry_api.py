"""The SageMaker operations on model packages, answered from the registry."""

from __future__ import annotations

import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import job_checks, registry
from labkit.rehearsal.runtime.paging import moment, page
from labkit.rehearsal.runtime.registry import Package

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


def install(context: Context) -> None:
    """Have moto's SageMaker answer from complete packages."""
    context.on_import("moto.sagemaker.responses", lambda module: _patch(module, context))
    context.ledger.executes("AWS::SageMaker::ModelPackageGroup", "holds versions; its policy is not enforced")


def _patch(module: ModuleType, context: Context) -> None:
    response, result = module.SageMakerResponse, module.ActionResult

    def create_model_package(self: Any) -> Any:
        request, backend = json.loads(self.body), self.sagemaker_backend
        registry.check(context, request, backend.model_package_groups)
        version = None
        if group := request.get("ModelPackageGroupName"):
            group = request["ModelPackageGroupName"] = group.rsplit("/", 1)[-1]
            # A number is never given twice, also after a deletion.
            numbers = vars(backend.model_package_groups[group])
            version = numbers["last_version"] = numbers.get("last_version", 0) + 1
        package = Package(context, request=request, version=version)
        if package.arn in backend.model_packages:
            raise job_checks.invalid(f"Model package already exists: {package.arn}")
        backend.model_packages[package.arn] = package
        package.tell()
        return result({"ModelPackageArn": package.arn})

    def get(self: Any, given: str) -> Package:
        packages: dict[str, Package] = self.sagemaker_backend.model_packages
        found = packages.get(given) or next((one for one in packages.values() if one.model_package_name == given), None)
        if found is None:
            raise job_checks.invalid(f"ModelPackage {given} does not exist.")
        return found

    def describe_model_package(self: Any) -> Any:
        return result(get(self, self._get_param("ModelPackageName")).describe())

    def update_model_package(self: Any) -> Any:
        request = json.loads(self.body)
        registry.approval(request)
        package = get(self, request["ModelPackageArn"])
        package.update(request)
        return result({"ModelPackageArn": package.arn})

    def list_model_packages(self: Any) -> Any:
        group, kind = self._get_param("ModelPackageGroupName"), self._get_param("ModelPackageType") or "Unversioned"
        status, part = self._get_param("ModelApprovalStatus"), self._get_param("NameContains") or ""
        after, before = moment(self._get_param("CreationTimeAfter")), moment(self._get_param("CreationTimeBefore"))
        group = group.rsplit("/", 1)[-1] if group else None
        versioned = group is not None or kind != "Unversioned"
        chosen = [
            one
            for one in self.sagemaker_backend.model_packages.values()
            if (kind == "Both" or versioned == (one.model_package_version is not None))
            and group in (None, one.model_package_group_name)
            and status in (None, one.approval)
            and part in (one.model_package_name or one.model_package_group_name)
            and (after is None or one.creation_time > after)
            and (before is None or one.creation_time < before)
        ]
        # Two of the same moment stand in the order of their making.
        chosen.sort(key=lambda one: one.arn if self._get_param("SortBy") == "Name" else one.creation_time.isoformat())
        if self._get_param("SortOrder") != "Ascending":
            chosen.reverse()
        return result(page(self, "ModelPackageSummaryList", [one.summary() for one in chosen]))

    for function in (create_model_package, describe_model_package, update_model_package, list_model_packages):
        setattr(response, function.__name__, function)
