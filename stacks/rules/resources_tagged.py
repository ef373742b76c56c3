"""Every resource that can carry tags says which lab it belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function

TAG = "lab"


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, tags in resource.each("Tags"):
        if is_function(tags):
            yield Problem(path, tags, "the tags are known to CloudFormation only", undecided=True)
            continue
        # Some types take a list of keys and values, others a map.
        listed = tags if isinstance(tags, list) else [{"Key": key} for key in tags or {}]
        if not any(isinstance(tag, dict) and tag.get("Key") == TAG for tag in listed):
            yield Problem(path, tags, f"the tag {TAG!r} is missing")


RULE = Rule(
    id="resources-tagged",
    title="A resource carries the tag of its lab",
    why="Cost, ownership and what a lab left behind are found by the tag.",
    fix="Tag the stack; CDK hands the tag to every resource that can carry it.",
    source="https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html",
    controls=("NIST CM-8",),
    types=(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::Athena::WorkGroup",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::CodeBuild::Project",
        "AWS::CodePipeline::Pipeline",
        "AWS::EC2::FlowLog",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::Events::Rule",
        "AWS::Glue::Crawler",
        "AWS::Glue::Job",
        "AWS::IAM::Role",
        "AWS::KMS::Key",
        "AWS::Kinesis::Stream",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Model",
        "AWS::SageMaker::ModelPackageGroup",
        "AWS::SageMaker::Pipeline",
        "AWS::StepFunctions::StateMachine",
    ),
    check=check,
    of_labs=True,
)
