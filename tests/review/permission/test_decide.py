"""Decisions from templates: references, attachments, conditions of the template, and what stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.review.provers.permission import Decision, Stack, decide
from labkit.review.provers.permission.symbols import pattern
from tests.review.permission.build import (
    BUCKET,
    Template,
    allow,
    att,
    bucket_policy,
    deny,
    document,
    resource,
    role,
    sub,
    template,
)


def asked(
    content: Template, action: str = "s3:GetObject", on: str = "Raw/x", who: str = "Role", **more: Any
) -> Decision:
    return decide(content, principal=who, action=action, resource=on, **more)


def test_a_decision_names_the_statement_that_decided() -> None:
    content = template(Raw=BUCKET, Role=role(allow("s3:GetObject", sub("${Raw.Arn}/*"))))
    decision = asked(content)
    assert decision.allowed
    assert decision.statements == ("Role.Properties.Policies.0.PolicyDocument.Statement.0",)
    assert "Role.Properties.Policies.0" in str(decision)


def test_what_no_statement_allows_is_denied_with_the_reason() -> None:
    decision = asked(template(Raw=BUCKET, Role=role()))
    assert decision.denied
    assert "no statement allows s3:GetObject on arn:${AWS::Partition}:s3:::${Raw}/x" in decision.reason


def test_a_question_about_many_resources_is_answered_for_all_of_them() -> None:
    content = template(Raw=BUCKET, Role=role(allow("s3:GetObject", sub("${Raw.Arn}/a/*"))))
    assert asked(content, on="Raw/a/*").allowed
    assert asked(content, on="Raw/*").partly
    assert asked(content, on="Raw/b/*").denied


@pytest.mark.parametrize(
    "attached",
    [
        resource("AWS::IAM::ManagedPolicy", Roles=[{"Ref": "Role"}], PolicyDocument=document(allow("s3:*", "*"))),
        resource("AWS::IAM::Policy", Roles=[{"Ref": "Role"}], PolicyDocument=document(allow("s3:*", "*"))),
        resource("AWS::IAM::RolePolicy", RoleName={"Ref": "Role"}, PolicyDocument=document(allow("s3:*", "*"))),
    ],
    ids=["managed", "inline", "role"],
)
def test_policies_are_found_however_they_are_attached(attached: dict[str, Any]) -> None:
    assert asked(template(Raw=BUCKET, Role=role(), Policy=attached)).allowed
    assert asked(template(Raw=BUCKET, Role=role(), Policy=attached, Other=role()), who="Other").denied


def test_policies_are_found_through_the_role_and_through_groups() -> None:
    policy = resource("AWS::IAM::ManagedPolicy", PolicyDocument=document(allow("s3:*", "*")))
    assert asked(template(Raw=BUCKET, Role=role(ManagedPolicyArns=[{"Ref": "P"}]), P=policy)).allowed
    group = resource("AWS::IAM::Group", ManagedPolicyArns=[{"Ref": "P"}])
    user = resource("AWS::IAM::User", Groups=[{"Ref": "Group"}])
    assert asked(template(Raw=BUCKET, Group=group, User=user, P=policy), who="User").allowed


def test_a_policy_that_aws_manages_is_known_or_unknown() -> None:
    basic = {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}
    content = template(Raw=BUCKET, Role=role(ManagedPolicyArns=[basic]))
    assert asked(content, "logs:PutLogEvents", "*").allowed
    assert asked(content).denied
    strange = asked(template(Raw=BUCKET, Role=role(ManagedPolicyArns=["arn:aws:iam::aws:policy/Strange"])))
    assert strange.outcome == "unknown"
    assert "arn:aws:iam::aws:policy/Strange is not in the template" in strange.reason


@pytest.mark.parametrize(
    ("action", "spoken_of"),
    [
        ("s3:GetObject", "exact pattern others chosen unread"),
        ("S3:getobject", "exact pattern others chosen unread"),
        ("s3:GetBucketAcl", "pattern others unread"),
        ("s3:*", "exact pattern others chosen unread"),
        ("sqs:SendMessage", "queue unread"),
        ("sns:Publish", "others unread"),
    ],
)
def test_a_policy_tells_which_statements_may_be_about_an_action(action: str, spoken_of: str) -> None:
    statements = [
        allow("s3:GetObject", "*", Sid="exact"),
        allow("s3:Get*", "*", Sid="pattern"),
        {"Effect": "Allow", "NotAction": ["sqs:*"], "Resource": "*", "Sid": "others"},
        allow({"Fn::If": ["Prod", "s3:getObject", "s3:PutObject"]}, "*", Sid="chosen"),
        allow("sqs:SendMessage", "*", Sid="queue"),
        {"Effect": "Perhaps", "Action": "s3:GetObject"},
    ]
    (policy,) = Stack(template(Role=role(*statements))).identity["Role"]
    for _ in range(2):  # the second answer is the one that is remembered
        assert [one.sid or "unread" for one in policy.about(pattern(action))] == spoken_of.split()


def test_an_arn_lies_in_the_first_resource_that_it_is_or_hangs_on() -> None:
    logs = resource("AWS::Logs::LogGroup", LogGroupName="/lab/a")
    stack = Stack(template(Raw=BUCKET, Same=resource("AWS::S3::Bucket", BucketName={"Ref": "Raw"}), Logs=logs))
    raw = stack.arns["Raw"]
    assert [stack.resource(arn) for arn in (raw, f"{raw}/a/b:c", f"{raw}:x", f"{raw}x")] == ["Raw"] * 3 + [None]
    star = pattern(stack.arns["Logs"])
    assert [stack.resource(arn) for arn in (star, f"{star[:-1]}log-stream:x", star[:-2])] == ["Logs", "Logs", None]


def test_a_denial_wins_wherever_it_stands() -> None:
    tls = deny("s3:*", "*", Principal="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    content = template(Raw=BUCKET, Role=role(allow("s3:*", "*")), P=bucket_policy("Raw", tls))
    assert asked(content).allowed
    assert asked(content, context={"aws:SecureTransport": False}).denied


def test_an_unknown_condition_gives_an_unknown_answer_that_names_it() -> None:
    content = template(
        Raw=BUCKET, Role=role(allow("s3:GetObject", "*", Condition={"StringEquals": {"aws:RequestTag/a": "b"}}))
    )
    decision = asked(content)
    assert decision.outcome == "unknown"
    assert "depends on StringEquals aws:RequestTag/a = b" in decision.reason
    assert asked(content, context={"aws:RequestTag/a": "b"}).allowed
    assert asked(content, context={"aws:RequestTag/a": None}).denied
    assert asked(content, complete=True).denied


def test_an_unknown_denial_leaves_the_answer_unknown() -> None:
    guard = deny("s3:*", "*", Condition={"StringNotEquals": {"aws:SourceVpce": {"Ref": "Vpce"}}})
    content = template(Raw=BUCKET, Role=role(allow("s3:*", "*"), guard))
    assert asked(content).outcome == "unknown"
    assert asked(content, context={"aws:SourceVpce": None}).denied


def test_a_parameter_may_be_anything() -> None:
    content = template(Raw=BUCKET, Role=role(allow("s3:GetObject", sub("arn:aws:s3:::${Name}/*"))))
    assert asked(content, on="arn:aws:s3:::some/x", partition="aws").outcome == "unknown"
    assert asked(content, on="arn:aws:sqs:::some/x", partition="aws").denied


def test_a_policy_under_a_condition_of_the_template_is_not_certain() -> None:
    policy = resource("AWS::IAM::Policy", Roles=[{"Ref": "Role"}], PolicyDocument=document(allow("s3:*", "*")))
    decision = asked(template(Raw=BUCKET, Role=role(), P=policy | {"Condition": "Prod"}))
    assert decision.outcome == "unknown"
    assert "only under a condition of the template" in decision.reason
    both = template(Raw=BUCKET, Role=role() | {"Condition": "Prod"}, P=policy | {"Condition": "Prod"})
    assert asked(both).allowed


def test_a_statement_that_a_condition_chooses_is_not_certain() -> None:
    chosen = {"Fn::If": ["Prod", allow("s3:*", "*"), {"Ref": "AWS::NoValue"}]}
    assert asked(template(Raw=BUCKET, Role=role(chosen))).outcome == "unknown"
    either = {"Fn::If": ["Prod", allow("s3:*", sub("${Raw.Arn}/*")), allow("sqs:*", "*")]}
    assert asked(template(Raw=BUCKET, Role=role(either))).outcome == "unknown"


def test_a_bucket_elsewhere_may_refuse_and_an_owned_one_may_not() -> None:
    content = template(Raw=BUCKET, Role=role(allow("s3:GetObject", "*")))
    elsewhere = asked(content, on="arn:aws:s3:::elsewhere/x", partition="aws")
    assert (elsewhere.outcome, elsewhere.here) == ("unknown", True)
    assert asked(content, on="Raw/x").allowed


def test_a_key_elsewhere_decides_by_a_policy_that_is_not_known() -> None:
    content = template(Role=role(allow("kms:Decrypt", "*")))
    decision = asked(
        content, "kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/1", region="us-east-1", partition="aws"
    )
    assert (decision.outcome, decision.here) == ("unknown", True)


def test_a_queue_lets_in_a_service_by_its_policy_alone() -> None:
    statement = allow("sqs:SendMessage", "*", Principal={"Service": "events.amazonaws.com"})
    policy = resource("AWS::SQS::QueuePolicy", Queues=[{"Ref": "Queue"}], PolicyDocument=document(statement))
    content = template(Queue=resource("AWS::SQS::Queue"), P=policy)
    assert asked(content, "sqs:SendMessage", "Queue", "events.amazonaws.com").allowed
    assert asked(content, "sqs:SendMessage", "Queue", "sns.amazonaws.com").denied
    assert asked(content, "sqs:DeleteMessage", "Queue", "events.amazonaws.com").denied


@pytest.mark.parametrize(
    ("resources", "action"),
    [
        (
            {
                "Thing": resource("AWS::SecretsManager::Secret"),
                "P": resource(
                    "AWS::SecretsManager::ResourcePolicy",
                    SecretId={"Ref": "Thing"},
                    ResourcePolicy=document(
                        allow("secretsmanager:GetSecretValue", "*", Principal={"AWS": att("Role")})
                    ),
                ),
            },
            "secretsmanager:GetSecretValue",
        ),
        (
            {
                "Thing": resource(
                    "AWS::ECR::Repository",
                    RepositoryPolicyText=document(allow("ecr:BatchGetImage", Principal={"AWS": att("Role")})),
                )
            },
            "ecr:BatchGetImage",
        ),
        (
            {
                "Thing": resource(
                    "AWS::SageMaker::ModelPackageGroup",
                    ModelPackageGroupName="g",
                    ModelPackageGroupPolicy=document(
                        allow("sagemaker:DescribeModelPackageGroup", "*", Principal={"AWS": att("Role")})
                    ),
                )
            },
            "sagemaker:DescribeModelPackageGroup",
        ),
        (
            {
                "Thing": resource("AWS::SNS::Topic"),
                "P": resource(
                    "AWS::SNS::TopicPolicy",
                    Topics=[{"Ref": "Thing"}],
                    PolicyDocument=document(allow("sns:Publish", {"Ref": "Thing"}, Principal={"AWS": att("Role")})),
                ),
            },
            "sns:Publish",
        ),
    ],
    ids=["secret", "repository", "model-package-group", "topic"],
)
def test_the_policy_of_a_resource_lets_in_the_role_it_names(resources: dict[str, Any], action: str) -> None:
    content = template(Role=role(), Other=role(), **resources)
    assert asked(content, action, "Thing").allowed
    assert asked(content, action, "Thing", "Other").denied


def test_a_region_or_an_account_that_is_not_given_is_not_guessed() -> None:
    content = template(Role=role(allow("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q")))
    own = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:q"
    assert asked(content, "sqs:SendMessage", own).outcome == "unknown"
    given = {"region": "us-east-1", "partition": "aws", "account": "123456789012"}
    assert asked(content, "sqs:SendMessage", own, **given).allowed


def test_who_or_what_does_not_exist_is_said() -> None:
    content = template(Raw=BUCKET, Role=role())
    assert "Nobody is no role" in asked(content, who="Nobody").reason
    assert "Nothing/x is no resource" in asked(content, on="Nothing/x").reason
    assert "None is no VPC endpoint" in asked(content, through="None").reason
