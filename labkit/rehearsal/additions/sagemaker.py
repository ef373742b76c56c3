"""SageMaker: delete model packages and their groups, and the policy of a group."""

from __future__ import annotations

import json
from typing import Any

RESPONSE = "SageMakerResponse"


def _refused(message: str) -> Exception:
    from moto.sagemaker.exceptions import ValidationError

    return ValidationError(message)


def _group(self: Any) -> Any:
    name = str(self._get_param("ModelPackageGroupName")).rsplit("/", 1)[-1]
    groups = self.sagemaker_backend.model_package_groups
    if name not in groups:
        raise _refused(f"ModelPackageGroup {name} does not exist.")
    return groups[name]


def delete_model_package_group(self: Any) -> str:
    group = _group(self)
    inside = [
        one
        for one in self.sagemaker_backend.model_packages.values()
        if one.model_package_group_name == group.model_package_group_name
    ]
    if inside:
        raise _refused(
            f"Model Package Group {group.model_package_group_name} cannot be deleted because it still contains Model Packages."
        )
    del self.sagemaker_backend.model_package_groups[group.model_package_group_name]
    return "{}"


def delete_model_package(self: Any) -> str:
    name = self._get_param("ModelPackageName")
    packages = self.sagemaker_backend.model_packages
    arn = self.sagemaker_backend.model_package_name_mapping.get(name, name)
    if arn not in packages:
        raise _refused(f"ModelPackage {name} does not exist.")
    del packages[arn]
    return "{}"


def put_model_package_group_policy(self: Any) -> str:
    group = _group(self)
    vars(group)["resource_policy"] = self._get_param("ResourcePolicy")
    return json.dumps({"ModelPackageGroupArn": group.arn})


def get_model_package_group_policy(self: Any) -> str:
    group = _group(self)
    if not vars(group).get("resource_policy"):
        raise _refused(f"Cannot find resource policy for: {group.arn}")
    return json.dumps({"ResourcePolicy": group.resource_policy})


def delete_model_package_group_policy(self: Any) -> str:
    vars(_group(self)).pop("resource_policy", None)
    return "{}"


OPERATIONS = (
    delete_model_package_group,
    delete_model_package,
    put_model_package_group_policy,
    get_model_package_group_policy,
    delete_model_package_group_policy,
)
