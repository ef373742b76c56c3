"""A service that must use a key finds itself in the key's policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on

_ROWS = by_type("key_users", "service")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for row in _ROWS[resource.type]:
        if ("when" not in row or view.given(resource, row["when"])) and _applies(resource, row, view):
            for path, value in view.listed(resource, row["key"]):
                yield from _key(resource, path, value, row, view)


def _applies(resource: Resource, row: dict[str, Any], view: View) -> bool:
    if "used_by" in row:
        types = {view.template.resources[name].type for name in view.graph.users(resource)}
        return row["used_by"] in types
    if "bucket_key_of" in row:
        bucket = view.target(resource.properties.get(row["bucket_key_of"]), "AWS::S3::Bucket")
        rules = "BucketEncryption.ServerSideEncryptionConfiguration.*.BucketKeyEnabled"
        return bucket is not None and any(is_on(value) for _, value in bucket.each(rules))
    return True


def _key(resource: Resource, path: str, value: Any, row: dict[str, Any], view: View) -> Iterator[Fault]:
    kind = view.keys.kind(value)
    principal = row["principal"].replace("{region}", view.region)
    if kind == "aws" and principal != "account":
        what = f"AWS manages this key and nobody can let {principal} use it"
        yield Fault(path, value, what, error=row["error"], fix="Use a customer-managed key.")
    elif kind == "elsewhere" and principal != "account":
        what = f"the key is not in the template, so whether its policy lets {principal} use it is not known"
        yield Fault(path, value, what, error=row["error"], undecided=True)
    key = view.keys.of(value)
    if key is None:
        return
    if principal == "account":
        missing = [action for action in row["actions"] if not view.keys.account_may(key, action)]
        principal = "the account's own principals"
    else:
        context = (row["context"], _log_group_arn(resource, view)) if "context" in row else None
        missing = view.keys.service_lacks(key, principal, row["actions"], source=resource, context=context)
    if missing:
        yield Fault(
            f"{key.logical_id}.KeyPolicy",
            None,
            f"{principal} lacks {', '.join(missing)} for {resource.logical_id}.{path}",
            error=row["error"],
            fix=f"Allow {', '.join(missing)} to {principal} in the policy of {key.logical_id}.",
        )


def _log_group_arn(group: Resource, view: View) -> str:
    given = group.properties.get("LogGroupName")
    # CloudFormation makes up a name of the stack's and the resource's, which never begins with a slash.
    name = view.text(given) if given is not None else f"{'[stack]'}-{group.logical_id}-*"
    name = name.replace("[stack]", "*") if name else "*"
    return f"arn:{view.partition}:logs:{view.region}:*:log-group:{text.as_glob(name) if name else '*'}"


CHECK = Check(
    id="deploy-key-lets-service",
    title="A key's policy lets each service use it that encrypts a resource with it",
    phase="create",
    why="A service uses the key under its own name. The statement for the account covers people and roles, not services.",
    fix="Add a statement for the service's principal to the key's policy, limited to the account or the resource.",
    error="The KMS key does not exist or is not allowed to be used",
    sources=(
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-services.html",
        "https://github.com/hashicorp/terraform-provider-aws/issues/29282",
        "https://github.com/aws/aws-cdk/issues/23391",
    ),
    covers=("DF-001", "DF-009"),
    types=tuple(_ROWS),
    look=look,
)
