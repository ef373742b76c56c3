"""No two resources of a kind have one name."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import texts

# Types with the property that names them, unique within account and region.
_NAMES = {
    "AWS::Athena::WorkGroup": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CodeBuild::Project": "Name",
    "AWS::CodePipeline::Pipeline": "Name",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::Glue::Crawler": "Name",
    "AWS::Glue::Job": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    "AWS::SageMaker::Model": "ModelName",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupName",
    "AWS::SageMaker::Pipeline": "PipelineName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    name = _NAMES[resource.type]
    own = texts(resource.properties.get(name))
    for other in template.of(resource.type) if own else ():
        if other is resource:
            return
        # Two that are made under different conditions may be meant as one.
        if other.whole.get("Condition") == resource.whole.get("Condition"):
            for text in texts(other.properties.get(name)):
                if text in own:
                    yield Problem(name, text, f"{other.logical_id} has this name already")


RULE = Rule(
    id="names-given-once",
    title="No two resources of a kind have one name",
    why="The second one fails with AlreadyExists, and the deployment rolls back; of some services it takes the first over.",
    fix="Leave the name out, so that CloudFormation makes one, or give another.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html",
    controls=("NIST CM-8",),
    types=tuple(_NAMES),
    check=check,
)
