"""How resource types are shown: as a box, as part of another box, or only mentioned."""

from __future__ import annotations

from typing import NamedTuple

from labkit.diagram.graph import Colour


class Kind(NamedTuple):
    """How boxes of one resource type look."""

    label: str
    colour: Colour
    glyph: str


KINDS: dict[str, Kind] = {
    "AWS::SageMaker::Endpoint": Kind("SageMaker endpoint", "ml", "target"),
    "AWS::SageMaker::Model": Kind("SageMaker model", "ml", "hexagon"),
    "AWS::SageMaker::ModelPackageGroup": Kind("Model registry group", "ml", "box"),
    "AWS::SageMaker::Pipeline": Kind("SageMaker pipeline", "ml", "chain"),
    "AWS::SageMaker::MonitoringSchedule": Kind("Monitoring schedule", "ml", "clock"),
    "AWS::SageMaker::FeatureGroup": Kind("Feature group", "ml", "table"),
    "AWS::SageMaker::NotebookInstance": Kind("Notebook instance", "ml", "page"),
    "AWS::SageMaker::Domain": Kind("SageMaker domain", "ml", "page"),
    "AWS::SageMaker::UserProfile": Kind("User profile", "ml", "person"),
    "AWS::SageMaker::MlflowTrackingServer": Kind("MLflow server", "ml", "table"),
    "AWS::ApplicationAutoScaling::ScalableTarget": Kind("Auto scaling", "ml", "arrows"),
    "AWS::Lambda::Function": Kind("Lambda function", "compute", "lambda"),
    "AWS::StepFunctions::StateMachine": Kind("State machine", "message", "chain"),
    "AWS::S3::Bucket": Kind("S3 bucket", "storage", "bucket"),
    "AWS::EFS::FileSystem": Kind("EFS file system", "storage", "cylinder"),
    "AWS::FSx::FileSystem": Kind("FSx file system", "storage", "cylinder"),
    "AWS::ECR::Repository": Kind("Image repository", "storage", "box"),
    "AWS::DynamoDB::Table": Kind("DynamoDB table", "data", "table"),
    "AWS::RDS::DBInstance": Kind("Database", "data", "cylinder"),
    "AWS::Glue::Database": Kind("Glue database", "data", "cylinder"),
    "AWS::Glue::Crawler": Kind("Glue crawler", "data", "lens"),
    "AWS::Glue::Job": Kind("Glue job", "data", "gear"),
    "AWS::DataBrew::Job": Kind("DataBrew job", "data", "gear"),
    "AWS::Athena::WorkGroup": Kind("Athena workgroup", "data", "lens"),
    "AWS::Kinesis::Stream": Kind("Kinesis stream", "data", "waves"),
    "AWS::KinesisFirehose::DeliveryStream": Kind("Firehose stream", "data", "waves"),
    "AWS::SNS::Topic": Kind("SNS topic", "message", "fan"),
    "AWS::SQS::Queue": Kind("SQS queue", "message", "stack"),
    "AWS::Events::Rule": Kind("EventBridge rule", "message", "rule"),
    "AWS::Events::EventBus": Kind("Event bus", "message", "fan"),
    "AWS::Scheduler::Schedule": Kind("Schedule", "message", "clock"),
    "AWS::CodePipeline::Pipeline": Kind("CodePipeline", "delivery", "chain"),
    "AWS::CodeBuild::Project": Kind("CodeBuild project", "delivery", "gear"),
    "AWS::CodeConnections::Connection": Kind("Code connection", "delivery", "link"),
    "AWS::SecretsManager::Secret": Kind("Secret", "security", "key"),
    "AWS::CloudTrail::Trail": Kind("CloudTrail trail", "watch", "page"),
    "AWS::Budgets::Budget": Kind("Budget", "watch", "bell"),
}

#: Types that are drawn as a part of something else, or only counted below the picture.
PARTS = frozenset(
    {
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::ModelPackage",
        "AWS::SageMaker::DataQualityJobDefinition",
        "AWS::SageMaker::ModelQualityJobDefinition",
        "AWS::SageMaker::ModelBiasJobDefinition",
        "AWS::SageMaker::ModelExplainabilityJobDefinition",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::KMS::Key",
        "AWS::Athena::NamedQuery",
        "AWS::Glue::Table",
        "AWS::Glue::Trigger",
        "AWS::Lambda::EventSourceMapping",
        "AWS::SNS::Subscription",
    }
)

_SERVICES_OF_PARTS = ("AWS::IAM::", "AWS::EC2::", "AWS::CloudFormation::", "AWS::CDK::", "AWS::Logs::", "Custom::")
_SUFFIXES_OF_PARTS = (
    "Policy", "Permission", "Alias", "Version", "SecurityConfiguration", "LifecycleConfig", "EventInvokeConfig",
    "AccessPoint", "MountTarget", "ScheduleGroup", "RotationSchedule", "NotificationRule", "QueryDefinition",
)  # fmt: skip


def is_part(type_: str) -> bool:
    """Whether boxes of this type would only distract; a type that nobody thought of is a box."""
    if type_ in KINDS:
        return False
    return type_ in PARTS or type_.startswith(_SERVICES_OF_PARTS) or type_.endswith(_SUFFIXES_OF_PARTS)


def kind(type_: str) -> Kind:
    """How a type is shown; one that nobody thought of goes by its own name."""
    service, _, noun = type_.removeprefix("AWS::").partition("::")
    return KINDS.get(type_, Kind(f"{service} {noun}".strip(), "plain", "box"))
