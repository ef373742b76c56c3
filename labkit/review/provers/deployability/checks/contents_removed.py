"""What must be empty to be deleted is emptied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.policy import Statement
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on

# What the handler that empties a container must be allowed.
_DELETING = {"AWS::S3::Bucket": ("s3:DeleteObject",), "AWS::ECR::Repository": ("ecr:BatchDeleteImage",)}
_KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")
# Type: the property that empties on deletion, what AWS says, what fills it.
_CONTAINERS: dict[str, tuple[str, str, str]] = {
    "AWS::S3::Bucket": ("", "The bucket you tried to delete is not empty (BucketNotEmpty)", "objects"),
    "AWS::Athena::WorkGroup": ("RecursiveDeleteOption", "Invalid request provided: WorkGroup <name> is not empty",
                               "queries and their history"),
    "AWS::ECR::Repository": ("EmptyOnDelete", "The repository with name '<name>' cannot be deleted because it still contains images (RepositoryNotEmptyException)", "images"),
    "AWS::SageMaker::ModelPackageGroup": ("", "Model package group <name> cannot be deleted because it still contains model packages (ConflictException)", "model packages"),
    "AWS::Backup::BackupVault": ("", "Backup vault cannot be deleted because it contains recovery points (InvalidRequestException)", "recovery points"),
    "AWS::S3Tables::TableBucket": ("", "The bucket that you tried to delete is not empty (ConflictException)", "tables"),
    "AWS::ServiceCatalog::Portfolio": ("", "The portfolio has associated products (ResourceInUseException)", "products"),
    "AWS::DataZone::Domain": ("", "The domain contains projects (ConflictException)", "projects"),
    "AWS::Redshift::ClusterParameterGroup": ("", "", ""),
}  # fmt: skip
del _CONTAINERS["AWS::Redshift::ClusterParameterGroup"]


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if resource.whole.get("DeletionPolicy") in _KEPT:
        return
    option, error, filling = _CONTAINERS[resource.type]
    if option and is_on(resource.properties.get(option)):
        return
    if option and view.waits(resource.properties.get(option)):
        yield Fault(
            option,
            resource.properties[option],
            "whether it is emptied is known only at deployment",
            error=error,
            undecided=True,
        )
        return
    if resource.type == "AWS::ECR::Repository" and option not in resource.properties and _emptied(resource, view):
        return
    if not option and (_emptied(resource, view) or _stays_empty(resource, view)):
        return
    yield Fault(
        option or "DeletionPolicy",
        resource.properties.get(option) if option else resource.whole.get("DeletionPolicy"),
        f"deletion fails while there are {filling} in it, and nothing removes them",
        error=error,
        fix=f"Set {option} to true."
        if option
        else "Add a custom resource that empties it on deletion, or set DeletionPolicy to Retain on purpose.",
    )


def _emptied(resource: Resource, view: View) -> bool:
    users = (view.template.resources[name] for name in view.graph.users(resource))
    customs = [
        one for one in users if one.type.startswith("Custom::") or one.type == "AWS::CloudFormation::CustomResource"
    ]
    return any(_may_empty(one, resource, view) for one in customs)


def _may_empty(custom: Resource, resource: Resource, view: View) -> bool:
    function = view.policies.function(custom.properties.get("ServiceToken"))
    role = view.roles.of(function.properties.get("Role")) if function is not None else None
    needed = _DELETING.get(resource.type, ())
    if role is None or not needed:
        return True
    granted = {
        action for one in view.policies.on(resource) for action in needed if _grants(one.statement, role, action)
    }
    return all(action in granted or view.roles.may(role, action, on=resource) != "no" for action in needed)


def _grants(statement: Statement, role: Resource, action: str) -> bool:
    named = any(f"${{{role.logical_id}" in who for who in statement.principals.get("AWS", ()))
    return statement.allows and named and statement.covers(action)


def _stays_empty(resource: Resource, view: View) -> bool:
    """Tell whether nothing in the template may put anything into it."""
    return not [name for name in view.graph.users(resource) if view.template.resources[name].type not in _IDLE]


# Resources that name a bucket without putting anything into it.
_IDLE: Any = ("AWS::S3::BucketPolicy", "AWS::SSM::Parameter")
CHECK = Check(
    id="deploy-contents-removed",
    title="What must be empty to be deleted is emptied on deletion",
    phase="delete",
    why="CloudFormation deletes the container only, and the service refuses while something is in it.",
    fix="Set the property that empties it, or add a custom resource that does.",
    error="(not empty)",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repository.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html",
        "https://github.com/awslabs/green-boost/issues/207",
        "https://github.com/aws-samples/amazon-sagemaker-drift-detection/issues/10",
        "https://github.com/aws-samples/coast-grafana-cost-intelligence-dashboards/issues/9",
    ),
    covers=("DF-117", "DF-119", "DF-121"),
    types=tuple(_CONTAINERS),
    look=look,
)
