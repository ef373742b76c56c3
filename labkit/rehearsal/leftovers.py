"""Everything that exists in the emulator, listed through its own API, so that nothing can outlive a lab unseen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from labkit.rehearsal.context import Context

Client = Callable[[str], Any]


@dataclass(frozen=True)
class Existing:
    """One thing that exists.

    Args:
        kept: why it may stay after a deletion, such as a key that waits for it; empty where it may not.
    """

    kind: str
    identifier: str
    kept: str = ""


@dataclass(frozen=True)
class Listing:
    """How one kind of thing is listed.

    Args:
        package: moto's package; a package that was never imported holds nothing.
        answer: the member of the answer that is a list.
        identifier: the member of an entry that names it; "" where entries are plain strings.
        unless: tells an entry that AWS made, not a lab.
        parameters: of the operation.
    """

    kind: str
    service: str
    package: str
    operation: str
    answer: str
    identifier: str
    unless: Callable[[dict[str, Any]], bool] | None = None
    parameters: tuple[tuple[str, Any], ...] = ()


def _gone(entry: dict[str, Any]) -> bool:
    return str(entry.get("State", "")).lower() in ("deleted", "deleting")


def _aws_owned(member: str, start: str) -> Callable[[dict[str, Any]], bool]:
    return lambda entry: str(entry[member]).startswith(start)


def _ec2(
    kind: str, operation: str, answer: str, identifier: str, unless: Callable[[dict[str, Any]], bool] | None = None
) -> Listing:
    return Listing(f"AWS::EC2::{kind}", "ec2", "ec2", operation, answer, identifier, unless)


SCALED = ("sagemaker", "lambda", "dynamodb", "ecs", "ec2")
LISTINGS = (
    Listing("AWS::S3::Bucket", "s3", "s3", "list_buckets", "Buckets", "Name"),
    Listing("AWS::Logs::LogGroup", "logs", "logs", "describe_log_groups", "logGroups", "logGroupName"),
    Listing(
        "AWS::Logs::ResourcePolicy", "logs", "logs", "describe_resource_policies", "resourcePolicies", "policyName"
    ),
    Listing(
        "AWS::Logs::QueryDefinition",
        "logs",
        "logs",
        "describe_query_definitions",
        "queryDefinitions",
        "queryDefinitionId",
    ),
    Listing(
        "AWS::KMS::Alias", "kms", "kms", "list_aliases", "Aliases", "AliasName", _aws_owned("AliasName", "alias/aws/")
    ),
    Listing("AWS::IAM::Role", "iam", "iam", "list_roles", "Roles", "RoleName"),
    Listing("AWS::IAM::ManagedPolicy", "iam", "iam", "list_policies", "Policies", "Arn", None, (("Scope", "Local"),)),
    Listing(
        "AWS::IAM::InstanceProfile", "iam", "iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"
    ),
    Listing("AWS::IAM::User", "iam", "iam", "list_users", "Users", "UserName"),
    Listing("AWS::IAM::Group", "iam", "iam", "list_groups", "Groups", "GroupName"),
    _ec2("VPC", "describe_vpcs", "Vpcs", "VpcId"),
    _ec2("Subnet", "describe_subnets", "Subnets", "SubnetId"),
    _ec2("RouteTable", "describe_route_tables", "RouteTables", "RouteTableId"),
    _ec2("SecurityGroup", "describe_security_groups", "SecurityGroups", "GroupId"),
    _ec2("NetworkAcl", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    _ec2("VPCEndpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", _gone),
    _ec2("NetworkInterface", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    _ec2("FlowLog", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    _ec2("InternetGateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    _ec2("NatGateway", "describe_nat_gateways", "NatGateways", "NatGatewayId", _gone),
    _ec2("EIP", "describe_addresses", "Addresses", "AllocationId"),
    _ec2("Volume", "describe_volumes", "Volumes", "VolumeId"),
    Listing("AWS::SageMaker::Model", "sagemaker", "sagemaker", "list_models", "Models", "ModelName"),
    Listing(
        "AWS::SageMaker::EndpointConfig",
        "sagemaker",
        "sagemaker",
        "list_endpoint_configs",
        "EndpointConfigs",
        "EndpointConfigName",
    ),
    Listing("AWS::SageMaker::Endpoint", "sagemaker", "sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    Listing(
        "AWS::SageMaker::ModelPackageGroup",
        "sagemaker",
        "sagemaker",
        "list_model_package_groups",
        "ModelPackageGroupSummaryList",
        "ModelPackageGroupName",
    ),
    Listing(
        "AWS::SageMaker::Pipeline", "sagemaker", "sagemaker", "list_pipelines", "PipelineSummaries", "PipelineName"
    ),
    Listing(
        "AWS::SageMaker::NotebookInstance",
        "sagemaker",
        "sagemaker",
        "list_notebook_instances",
        "NotebookInstances",
        "NotebookInstanceName",
    ),
    Listing("AWS::SageMaker::Domain", "sagemaker", "sagemaker", "list_domains", "Domains", "DomainId"),
    Listing("AWS::CloudWatch::Alarm", "cloudwatch", "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    Listing(
        "AWS::CloudWatch::CompositeAlarm", "cloudwatch", "cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName"
    ),
    Listing(
        "AWS::CloudWatch::Dashboard", "cloudwatch", "cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"
    ),
    *(
        Listing(
            kind,
            "application-autoscaling",
            "applicationautoscaling",
            operation,
            answer,
            identifier,
            None,
            (("ServiceNamespace", namespace),),
        )
        for namespace in SCALED
        for kind, operation, answer, identifier in (
            (
                "AWS::ApplicationAutoScaling::ScalableTarget",
                "describe_scalable_targets",
                "ScalableTargets",
                "ResourceId",
            ),
            (
                "AWS::ApplicationAutoScaling::ScalingPolicy",
                "describe_scaling_policies",
                "ScalingPolicies",
                "PolicyName",
            ),
            (
                "AWS::ApplicationAutoScaling::ScheduledAction",
                "describe_scheduled_actions",
                "ScheduledActions",
                "ScheduledActionName",
            ),
        )
    ),
    Listing("AWS::Lambda::Function", "lambda", "awslambda", "list_functions", "Functions", "FunctionName"),
    Listing("AWS::Lambda::LayerVersion", "lambda", "awslambda", "list_layers", "Layers", "LayerName"),
    Listing(
        "AWS::Lambda::EventSourceMapping",
        "lambda",
        "awslambda",
        "list_event_source_mappings",
        "EventSourceMappings",
        "UUID",
    ),
    Listing("AWS::SNS::Topic", "sns", "sns", "list_topics", "Topics", "TopicArn"),
    Listing("AWS::SNS::Subscription", "sns", "sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    Listing("AWS::SQS::Queue", "sqs", "sqs", "list_queues", "QueueUrls", ""),
    Listing("AWS::Events::Rule", "events", "events", "list_rules", "Rules", "Name"),
    Listing(
        "AWS::Events::EventBus",
        "events",
        "events",
        "list_event_buses",
        "EventBuses",
        "Name",
        _aws_owned("Name", "default"),
    ),
    Listing("AWS::Scheduler::Schedule", "scheduler", "scheduler", "list_schedules", "Schedules", "Name"),
    Listing(
        "AWS::Scheduler::ScheduleGroup",
        "scheduler",
        "scheduler",
        "list_schedule_groups",
        "ScheduleGroups",
        "Name",
        _aws_owned("Name", "default"),
    ),
    Listing("AWS::Glue::Database", "glue", "glue", "get_databases", "DatabaseList", "Name"),
    Listing("AWS::Glue::Crawler", "glue", "glue", "get_crawlers", "Crawlers", "Name"),
    Listing("AWS::Glue::Job", "glue", "glue", "get_jobs", "Jobs", "Name"),
    Listing(
        "AWS::Glue::SecurityConfiguration",
        "glue",
        "glue",
        "get_security_configurations",
        "SecurityConfigurations",
        "Name",
    ),
    Listing(
        "AWS::Athena::WorkGroup",
        "athena",
        "athena",
        "list_work_groups",
        "WorkGroups",
        "Name",
        _aws_owned("Name", "primary"),
    ),
    Listing("AWS::Athena::NamedQuery", "athena", "athena", "list_named_queries", "NamedQueryIds", ""),
    Listing(
        "AWS::StepFunctions::StateMachine",
        "stepfunctions",
        "stepfunctions",
        "list_state_machines",
        "stateMachines",
        "stateMachineArn",
    ),
    Listing("AWS::SecretsManager::Secret", "secretsmanager", "secretsmanager", "list_secrets", "SecretList", "ARN"),
    Listing("AWS::CodeBuild::Project", "codebuild", "codebuild", "list_projects", "projects", ""),
    Listing("AWS::CodePipeline::Pipeline", "codepipeline", "codepipeline", "list_pipelines", "pipelines", "name"),
    Listing("AWS::CodeDeploy::Application", "codedeploy", "codedeploy", "list_applications", "applications", ""),
    Listing(
        "AWS::SSM::Parameter", "ssm", "ssm", "describe_parameters", "Parameters", "Name", _aws_owned("Name", "/aws/")
    ),
    Listing("AWS::DynamoDB::Table", "dynamodb", "dynamodb", "list_tables", "TableNames", ""),
    Listing("AWS::Kinesis::Stream", "kinesis", "kinesis", "list_streams", "StreamNames", ""),
    Listing(
        "AWS::KinesisFirehose::DeliveryStream",
        "firehose",
        "firehose",
        "list_delivery_streams",
        "DeliveryStreamNames",
        "",
    ),
    Listing("AWS::ECR::Repository", "ecr", "ecr", "describe_repositories", "repositories", "repositoryName"),
)
# Packages that hold something from the start, so that the first listing must see it.
FURNISHED = ("ec2", "s3", "iam", "ssm")


def existing(client: Client) -> Iterator[Existing]:
    """Everything that exists, of every service that was ever called.

    Args:
        client: gives a boto3 client to the emulator, by service.
    """
    for listing in LISTINGS:
        if _in_use(listing.package):
            for entry in _entries(client(listing.service), listing):
                yield Existing(listing.kind, entry)
    if _in_use("kms"):
        yield from _keys(client("kms"))
    for stack in client("cloudformation").describe_stacks()["Stacks"]:
        yield Existing("AWS::CloudFormation::Stack", stack["StackName"])


def _in_use(package: str) -> bool:
    return package in FURNISHED or f"moto.{package}.models" in sys.modules


def _entries(client: Any, listing: Listing) -> Iterator[str]:
    parameters = dict(listing.parameters)
    if client.can_paginate(listing.operation):
        pages = client.get_paginator(listing.operation).paginate(**parameters)
    else:
        pages = [getattr(client, listing.operation)(**parameters)]
    for page in pages:
        for entry in page.get(listing.answer) or []:
            if not listing.identifier:
                yield str(entry)
            elif listing.identifier in entry and not (listing.unless and listing.unless(entry)):
                yield str(entry[listing.identifier])


def _keys(kms: Any) -> Iterator[Existing]:
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            described = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if described["KeyManager"] == "AWS":
                continue
            waits = described["KeyState"] == "PendingDeletion"
            kept = (
                f"AWS deletes the key on {described['DeletionDate']:%Y-%m-%d}; until then it costs nothing"
                if waits
                else ""
            )
            yield Existing("AWS::KMS::Key", key["KeyId"], kept)


def install(context: Context) -> None:
    """Answer ``/rehearsal/inventory`` with everything that exists."""

    def inventory(method: str, rest: str, body: bytes) -> list[dict[str, str]]:
        return [asdict(one) for one in existing(context.client)]

    context.route("inventory", inventory)


def compare(before: list[dict[str, str]], after: list[dict[str, str]]) -> tuple[list[Existing], list[Existing]]:
    """What came since ``before``: first what nobody may leave behind, then what AWS keeps for a while."""
    known = {(one["kind"], one["identifier"]) for one in before}
    new = [Existing(**one) for one in after if (one["kind"], one["identifier"]) not in known]
    return [one for one in new if not one.kept], [one for one in new if one.kept]
