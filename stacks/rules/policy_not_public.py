"""A policy on a resource lets in nobody who is not named or bound by a condition."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.policy import statements
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_PLACES = {
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::ECR::Repository": "RepositoryPolicyText",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupPolicy",
    "AWS::SecretsManager::ResourcePolicy": "ResourcePolicy",
    "AWS::EFS::FileSystem": "FileSystemPolicy",
    "AWS::Kinesis::ResourcePolicy": "ResourcePolicy",
}
_BOUNDS = (
    *("aws:SourceAccount", "aws:SourceArn", "aws:SourceOwner", "aws:PrincipalAccount", "aws:PrincipalArn"),
    *("aws:PrincipalOrgID", "aws:SourceVpce", "aws:SourceVpc", "aws:PrincipalOrgPaths", "aws:SourceOrgID"),
    *("elasticfilesystem:AccessedViaMountTarget", "kms:CallerAccount", "s3:DataAccessPointAccount"),
)


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for statement in statements(resource, _PLACES[resource.type]):
        bound = any("*" not in given for _, given in statement.conditions_on(*_BOUNDS))
        if statement.allows and statement.for_anyone and not bound:
            yield Problem(f"{statement.path}.Principal", "*", "everybody is let in, from any account")


RULE = Rule(
    id="policy-not-public",
    title="A policy on a resource lets in nobody who is not named or bound by a condition",
    why="One statement for everybody opens a queue, a topic, a model registry or images to the whole world.",
    fix="Name the principals, or add a condition on the account, the organization or the VPC endpoint.",
    source="https://docs.aws.amazon.com/securityhub/latest/userguide/sqs-controls.html#sqs-3",
    controls=("FSBP SQS.3", "FSBP SNS.4", "NIST AC-3", "NIST AC-6", "NIST SC-7"),
    types=tuple(_PLACES),
    check=check,
)
