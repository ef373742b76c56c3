"""A role or user that a resource's policy names exists before the policy is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.policy import statements
from stacks.rules.kit.template import Resource

# Services that look up the principals of a policy when it is set.
_DOCUMENTS = {
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::KMS::ReplicaKey": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
    "AWS::EFS::FileSystem": "FileSystemPolicy",
    "AWS::OpenSearchService::Domain": "AccessPolicies",
    "AWS::Backup::BackupVault": "AccessPolicy",
}
_ERRORS = {
    "AWS::KMS::Key": "Policy contains a statement with one or more invalid principals. (MalformedPolicyDocumentException)",
    "AWS::S3::BucketPolicy": "Invalid principal in policy (MalformedPolicy)",
    "AWS::IAM::Role": 'Invalid principal in policy: "AWS":"arn:aws:iam::..." (MalformedPolicyDocument)',
    "AWS::SNS::TopicPolicy": "Invalid parameter: Policy Error: PrincipalNotFound",
}
_ARN = re.compile(r"^arn:[^:]*:(?:iam|sts)::(\$\{AWS::AccountId\}|[^:]*):(role|user|assumed-role)/(.+)$")
_OURS = "${AWS::AccountId}"


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for statement in statements(resource, _DOCUMENTS[resource.type]):
        for given in statement.principals.get("AWS", ()):
            match = _ARN.match(text.known(given, region=view.region, partition=view.partition))
            if match is not None and "*" not in given:
                yield from _principal(resource, statement.path, given, match[1], match[3], view)


def _principal(resource: Resource, path: str, given: str, account: str, name: str, view: View) -> Iterator[Fault]:
    error = _ERRORS.get(resource.type, _ERRORS["AWS::KMS::Key"])
    where = f"{path}.Principal.AWS"
    last = name.rpartition("/")[2]
    makers = [
        one for one in view.by_name.get(last, ()) if one.type in ("AWS::IAM::Role", "AWS::IAM::User")
    ]  # by its literal name
    linked = "aws-service-role/" in name
    if linked:
        service = name.split("/")[1] if "/" in name else ""
        makers = [
            one
            for one in view.of("AWS::IAM::ServiceLinkedRole")
            if view.plain(one.properties.get("AWSServiceName")) == service
        ]
    if any(view.graph.precedes(one, resource) for one in makers):
        return
    if makers:
        what = f"{makers[0].logical_id} makes this principal, and {resource.logical_id} does not wait for it"
        yield Fault(
            where, given, what, error=error, fix=f"Refer to {makers[0].logical_id} with GetAtt, or add DependsOn."
        )
        return
    named = [token.partition(".")[0] for token in text.tokens(name)]
    if any(one in view.template.resources for one in named) or (named and not linked):
        return
    if account not in (_OURS, "") and not linked:
        yield Fault(
            where, given, "whether the principal exists in the other account is not known", error, undecided=True
        )
    else:
        why = "a new account does not have this service-linked role" if linked else "nothing in the template creates it"
        yield Fault(where, given, f"the principal must exist when the policy is written, and {why}", error=error)


CHECK = Check(
    id="deploy-principals-exist",
    title="A principal that a resource's policy names exists when the policy is written",
    phase="create",
    why="KMS, S3, IAM and others look the principals up, and refuse a policy with one that is not there.",
    fix="Name the account's root with a condition on aws:PrincipalArn, or create the role first and depend on it.",
    error="Policy contains a statement with one or more invalid principals. (MalformedPolicyDocumentException)",
    sources=(
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html",
        "https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3013",
        "https://github.com/hashicorp/terraform-provider-aws/issues/28644",
    ),
    covers=("DF-015",),
    types=tuple(_DOCUMENTS),
    look=look,
)
