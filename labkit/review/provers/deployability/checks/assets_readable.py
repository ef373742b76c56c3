"""A role that reads deployed assets at run time may read them also when the bootstrap bucket has a key of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_ASSETS = re.compile(r"cdk-[a-z0-9]+-assets-")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if resource.type == "Custom::CDKBucketDeployment":
        handler = view.policies.function(resource.properties.get("ServiceToken"))
        role = view.roles.of(handler.properties.get("Role")) if handler is not None else None
        if role is not None and not _reads_assets(role, view):
            yield from _role(resource, "SourceBucketNames", role, view)
    elif _reads_assets(resource, view):
        yield from _role(resource, "Policies", resource, view)


def _reads_assets(role: Resource, view: View) -> bool:
    """Tell whether a role is let in to the bootstrap bucket by its name."""
    return any(
        statement.allows
        and statement.covers("s3:GetObject")
        and any(_ASSETS.search(one) for one in statement.resources)
        for held in view.roles.held(role)
        for statement in held.statements
    )


def _role(resource: Resource, path: str, role: Resource, view: View) -> Iterator[Fault]:
    elsewhere = False
    for held in view.roles.held(role):
        for statement in held.statements:
            if statement.allows and statement.covers("kms:Decrypt"):
                # A key of the template is not the bootstrap's.
                elsewhere |= any(not _ours(one, view) for one in statement.resources) or bool(statement.other_resources)
    if not elsewhere:
        yield Fault(
            path,
            resource.properties.get(path),
            f"{role.logical_id} reads from the bootstrap bucket, and no statement lets it decrypt with the bootstrap's key; "
            "whether the account was bootstrapped with a key is not in the template",
            undecided=True,
        )


def _ours(resource: str, view: View) -> bool:
    keys = view.once("keys", lambda: {key.logical_id for key in view.of("AWS::KMS::Key")})
    return any(token.partition(".")[0] in keys for token in text.tokens(resource))


CHECK = Check(
    id="deploy-assets-readable",
    title="A role that reads assets at run time may also when the bootstrap bucket has a key of its own",
    phase="create",
    why="An account bootstrapped with --bootstrap-customer-key encrypts assets with a key of its own.",
    fix="Allow kms:Decrypt by way of S3 on the key whose alias is alias/cdk-<qualifier>-assets-key (conditions "
    "kms:ResourceAliases and kms:ViaService), or accept the finding where accounts are bootstrapped without a key.",
    error="An error occurred (AccessDenied) when calling the GetObject operation: The ciphertext refers to a customer "
    "master key that does not exist, does not exist in this region, or you are not allowed to access.",
    sources=(
        "https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html",
        "https://github.com/aws/aws-cdk/issues/25100",
        "https://github.com/aws/aws-cdk/issues/10904",
    ),
    covers=("DF-137",),
    types=("Custom::CDKBucketDeployment", "AWS::IAM::Role"),
    look=look,
    level="warning",
)
