"""The policies of one template, each joined with the role, user or resource that it speaks of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from labkit.review.provers.permission.matching import Match, apart, covers, match
from labkit.review.provers.permission.names import Names, Text
from labkit.review.provers.permission.statements import Policy, Principals, Statement, Test, read
from labkit.review.provers.permission.symbols import ONE, STAR, pattern, shown

PRINCIPALS = ("AWS::IAM::Role", "AWS::IAM::User")
# Policies that are resources: the property that names their subject, and the one with the document.
_SEPARATE = {
    "AWS::Events::EventBusPolicy": ("EventBusName", "Statement"),
    "AWS::Kinesis::ResourcePolicy": ("ResourceArn", "ResourcePolicy"),
    "AWS::S3::BucketPolicy": ("Bucket", "PolicyDocument"),
    "AWS::SNS::TopicInlinePolicy": ("TopicArn", "PolicyDocument"),
    "AWS::SNS::TopicPolicy": ("Topics", "PolicyDocument"),
    "AWS::SQS::QueueInlinePolicy": ("Queue", "PolicyDocument"),
    "AWS::SQS::QueuePolicy": ("Queues", "PolicyDocument"),
    "AWS::SecretsManager::ResourcePolicy": ("SecretId", "ResourcePolicy"),
}
# Resources that hold their own policy.
_WITHIN = {
    "AWS::ApiGateway::RestApi": "Policy",
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::DynamoDB::Table": "ResourcePolicy.PolicyDocument",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::EFS::FileSystem": "FileSystemPolicy",
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::KMS::ReplicaKey": "KeyPolicy",
    "AWS::OpenSearchService::Domain": "AccessPolicies",
    "AWS::S3::AccessPoint": "Policy",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupPolicy",
}
# Policies for roles, users and groups: where they name them.
_FOR = {
    "AWS::IAM::ManagedPolicy": {"AWS::IAM::Role": "Roles", "AWS::IAM::User": "Users", "AWS::IAM::Group": "Groups"},
    "AWS::IAM::Policy": {"AWS::IAM::Role": "Roles", "AWS::IAM::User": "Users", "AWS::IAM::Group": "Groups"},
    "AWS::IAM::RolePolicy": {"AWS::IAM::Role": "RoleName"},
    "AWS::IAM::UserPolicy": {"AWS::IAM::User": "UserName"},
    "AWS::IAM::GroupPolicy": {"AWS::IAM::Group": "GroupName"},
}


class Stack:
    """A template's policies. Nothing in a template makes it raise.

    Args:
        template: the template as JSON gave it.
        region: where it would be deployed; empty: not known.
        partition: ``aws``, ``aws-cn`` ...; empty: not known.
        account: the account's number; empty: not known.
    """

    def __init__(self, template: Any, *, region: str = "", partition: str = "", account: str = "") -> None:
        self.names = Names(template, region=region, partition=partition, account=account)
        self._types: dict[str, list[str]] = {}
        for logical_id in self.names.resources:
            self._types.setdefault(self.names.type_of(logical_id), []).append(logical_id)
        self.arns = {logical_id: self.names.arn(logical_id) for logical_id in self.names.resources}
        # A resource's ARN, what lies in it, and what hangs on it.
        self._owned = {
            name: (own, f"{own}/{STAR}", f"{own}:{STAR}")
            for name, own in ((name, pattern(arn)) for name, arn in self.arns.items())
        }
        self._inside: dict[str, str | None] = {}
        self._held: dict[str, tuple[tuple[str, Match], ...]] = {}

    def of(self, *types: str) -> list[str]:
        """The resources of some types."""
        return [logical_id for type_ in types for logical_id in self._types.get(type_, ())]

    @cached_property
    def principals(self) -> list[str]:
        """Roles and users."""
        return self.of(*PRINCIPALS)

    @cached_property
    def roles(self) -> frozenset[str]:
        """Roles, to look one up."""
        return frozenset(self.of("AWS::IAM::Role"))

    @cached_property
    def identity(self) -> Mapping[str, tuple[Policy, ...]]:
        """What is attached to each role, user and group."""
        groups = self.of("AWS::IAM::Group")
        found: dict[str, list[Policy]] = {name: [] for name in (*self.principals, *groups)}
        for type_, subjects in _FOR.items():
            for policy in self.of(type_):
                for kind, key in subjects.items():
                    for name, sure in self._named(self.names.properties(policy).get(key), kind):
                        found[name].append(self._read(policy, "PolicyDocument", subject=name, sure=sure))
        for name in found:
            properties = self.names.properties(name)
            inline = properties.get("Policies", [])
            for number, entry in enumerate(inline if isinstance(inline, list) else [inline]):
                document = entry.get("PolicyDocument") if isinstance(entry, dict) else entry
                path = f"Properties.Policies.{number}.PolicyDocument"
                found[name].append(read(self.names, document, logical_id=name, path=path))
            found[name] += self._managed(name, properties.get("ManagedPolicyArns"), "ManagedPolicyArns")
        for user in self.of("AWS::IAM::User"):
            for group, sure in self._named(self.names.properties(user).get("Groups"), "AWS::IAM::Group"):
                found[user] += [_less_sure(policy, sure) for policy in found[group]]
        return {name: tuple(policies) for name, policies in found.items()}

    @cached_property
    def boundaries(self) -> Mapping[str, tuple[Policy, ...]]:
        """The permissions boundary of each principal that has one."""
        return {
            name: tuple(self._managed(name, boundary, "PermissionsBoundary"))
            for name in self.principals
            if (boundary := self.names.properties(name).get("PermissionsBoundary")) is not None
        }

    @cached_property
    def on_resources(self) -> Mapping[str, tuple[Policy, ...]]:
        """The policies on each resource, trust policies of roles among them."""
        found: dict[str, list[Policy]] = {}
        for type_, path in _WITHIN.items():
            for name in self.of(type_):
                policy = self._read(name, path, subject=name)
                if policy.statements:
                    found.setdefault(name, []).append(policy)
        for type_, (subject, document) in _SEPARATE.items():
            for policy_id in self.of(type_):
                for name, sure in self._subjects(self.names.properties(policy_id).get(subject)):
                    found.setdefault(name, []).append(self._read(policy_id, document, subject=name, sure=sure))
        for permission in self.of("AWS::Lambda::Permission"):
            for name, sure in self._subjects(self.names.properties(permission).get("FunctionName")):
                found.setdefault(name, []).append(self._permission(permission, name, sure))
        return {name: tuple(policies) for name, policies in found.items()}

    @cached_property
    def on_endpoints(self) -> Mapping[str, Policy]:
        """The policy of each VPC endpoint; one without a policy lets everything through."""
        everything = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}
        found = {}
        for name in self.of("AWS::EC2::VPCEndpoint"):
            if self.names.properties(name).get("PolicyDocument") is None:
                found[name] = read(self.names, everything, logical_id=name, path="Properties (no PolicyDocument)")
            else:
                found[name] = self._read(name, "PolicyDocument", subject=name)
        return found

    def holders(self, arn: str) -> tuple[tuple[str, Match], ...]:
        """The resources with a policy that an ARN is, lies in, or may stand for, and how far."""
        if arn not in self._held:
            found = (
                (name, max(match(own, arn) for own in owns))
                for name, owns in self._owned.items()
                if name in self.on_resources and not apart(owns[0], arn)
            )
            self._held[arn] = tuple((name, held) for name, held in found if held.possible)
        return self._held[arn]

    def resource(self, arn: str) -> str | None:
        """The resource of the template that an ARN certainly is or lies in."""
        if arn not in self._inside:
            found = {self._by_arn[start] for start in _starts(arn) if start in self._by_arn}
            found |= {name for name in self._by_pattern if any(covers(own, arn) for own in self._owned[name])}
            self._inside[arn] = next((name for name in self._owned if name in found), None) if found else None
        return self._inside[arn]

    @cached_property
    def _by_arn(self) -> Mapping[str, str]:
        """The first resource of each ARN that is no pattern."""
        return {own: name for name, (own, *_) in reversed(self._owned.items()) if name not in self._by_pattern}

    @cached_property
    def _by_pattern(self) -> frozenset[str]:
        """The resources with an ARN that is a pattern."""
        return frozenset(name for name, (own, *_) in self._owned.items() if STAR in own or ONE in own)

    def _read(self, policy: str, path: str, *, subject: str, sure: bool = True) -> Policy:
        value: Any = self.names.properties(policy)
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return Policy(policy)
        if path == "Statement":  # an event bus policy is one statement
            value = {"Version": "2012-10-17", "Statement": value}
        own, others = (_condition(self.names.resources.get(name)) for name in (policy, subject))
        sure = sure and own in (None, others)
        return read(self.names, value, logical_id=policy, path=f"Properties.{path}", sure=sure)

    def _managed(self, owner: str, given: Any, key: str) -> Iterator[Policy]:
        for number, text in enumerate(self.names.texts(given) if given is not None else []):
            path = f"Properties.{key}" + (f".{number}" if key == "ManagedPolicyArns" else "")
            inside = [name for name in self.of("AWS::IAM::ManagedPolicy") if self.arns[name] == text.value]
            _, _, name = text.value.partition(":iam::aws:policy/")
            if inside:
                yield self._read(inside[0], "PolicyDocument", subject=owner, sure=text.sure)
            elif name in aws_managed():
                policy = read(self.names, aws_managed()[name], logical_id=owner, path=path, sure=text.sure)
                renamed = tuple(replace(one, sid=f"{name} {one.sid}".strip()) for one in policy.statements)
                yield Policy(owner, renamed)
            else:
                why = f"the policy {shown(text.value)} is not in the template"
                yield Policy(owner, (Statement(owner, path, problem=why),))

    def _named(self, value: Any, kind: str) -> Iterator[tuple[str, bool]]:
        """Principals of a kind whose name a value gives."""
        for text in self.names.texts(value) if value is not None else []:
            for name in self.of(kind):
                held = match(text.value, self.arns[name].rpartition("/")[2])
                if held.possible:
                    yield name, held is Match.YES and text.sure

    def _subjects(self, value: Any) -> Iterator[tuple[str, bool]]:
        """Resources that a value names by name, id, URL or ARN."""
        for text in self.names.texts(value) if value is not None else []:
            for name, arn in self.arns.items():
                if text.value in (arn, _last(arn)) and text.value:
                    yield name, text.sure

    def _permission(self, permission: str, function: str, sure: bool) -> Policy:
        """A Lambda permission as the statement that Lambda makes of it."""
        given = self.names.properties(permission)
        texts = {key: tuple(self.names.texts(value)) for key, value in given.items()}
        own, others = (_condition(self.names.resources.get(name)) for name in (permission, function))
        tests = [
            Test(operator, key, texts[name])
            for name, operator, key in (
                ("SourceArn", "ArnLike", "aws:SourceArn"),
                ("SourceAccount", "StringEquals", "aws:SourceAccount"),
                ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
                ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
                ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
            )
            if texts.get(name)
        ]
        who = tuple(
            ("*" if t.value == "*" else "Service" if t.value.endswith((".com", ".cn", ".amazon")) else "AWS", t)
            for t in texts.get("Principal", ())
        )
        statement = Statement(
            permission,
            "Properties",
            effect="Allow",
            actions=texts.get("Action", ()),
            resources=(Text(self.arns[function]), Text(f"{self.arns[function]}:*")),
            principals=Principals(who),
            tests=tuple(tests),
            sure=sure and own in (None, others),
            problem="" if who else "Principal names nobody",
        )
        return Policy(permission, (statement,))


@cache
def aws_managed() -> Mapping[str, Any]:
    """Some policies that AWS manages, by the end of their ARN, as they stood in November 2026."""
    content: dict[str, Any] = json.loads((Path(__file__).parent / "aws_managed.json").read_text())
    return content


def _starts(arn: str) -> list[str]:
    """An ARN, and what of it may be another that it lies in or hangs on."""
    return [arn, *(arn[:place] for place, char in enumerate(arn) if char in "/:")]


def _last(arn: str) -> str:
    if ":log-group:" in arn:
        return arn.split(":log-group:")[1].removesuffix(":*")
    return arn.rpartition("/")[2] if "/" in arn else arn.rpartition(":")[2]


def _condition(resource: Any) -> Any:
    return resource.get("Condition") if isinstance(resource, dict) else None


def _less_sure(policy: Policy, sure: bool) -> Policy:
    if sure:
        return policy
    return Policy(policy.logical_id, tuple(replace(one, sure=False) for one in policy.statements))
