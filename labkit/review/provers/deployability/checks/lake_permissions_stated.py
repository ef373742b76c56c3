"""A catalogue resource does not rely on an account whose data lake still leaves permissions to IAM."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_GRANTS = (
    "AWS::LakeFormation::DataLakeSettings",
    "AWS::LakeFormation::PrincipalPermissions",
    "AWS::LakeFormation::Permissions",
)
_SETTINGS = "AWS::LakeFormation::DataLakeSettings"


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if resource.type == "AWS::Glue::Table":
        database = view.target(resource.properties.get("DatabaseName"), "AWS::Glue::Database")
        if database is not None and view.graph.any_before(database, view.of(*_GRANTS)):
            return
    grants = [one for one in view.of(*_GRANTS) if _gives(one, view)]
    if view.graph.any_before(resource, grants):
        return
    noun = resource.type.rpartition("::")[2].lower()
    late = next(iter(grants), None)
    yield Fault(
        "CatalogId",
        resource.properties.get("CatalogId"),
        f"{resource.logical_id} does not wait for {late.logical_id}, which gives the permission"
        if late is not None
        else f"where Lake Formation rules the account, the deploying role may not create a {noun}; the template does not "
        "tell which kind of account it is",
        error=f"Insufficient Lake Formation permission(s): Required {'Create Database on Catalog' if noun == 'database' else 'Create Table on Database'}",
        undecided=late is None,
    )


def _gives(grant: Resource, view: View) -> bool:
    if grant.type == _SETTINGS:
        return any(view.given(grant, path) for path in ("Admins", "CreateDatabaseDefaultPermissions"))
    given = {plain for _, value in grant.each("Permissions.*") if (plain := view.plain(value))}
    return bool(given & {"CREATE_DATABASE", "CREATE_TABLE", "ALL"})


CHECK = Check(
    id="deploy-lake-permissions-stated",
    title="A database or table in the catalogue is made with Lake Formation's permission, or the account is known to need none",
    phase="create",
    why="In accounts where Lake Formation took over, IAM permissions alone no longer create databases.",
    fix="Grant CREATE_DATABASE to the deploying role first, or accept the finding where accounts are known to be new.",
    error="Insufficient Lake Formation permission(s): Required Create Database on Catalog",
    sources=(
        "https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html",
        "https://github.com/aws-samples/bedrock-chat/issues/475",
    ),
    covers=("DF-039",),
    types=("AWS::Glue::Database", "AWS::Glue::Table"),
    look=look,
    level="warning",
)
