"""Everything that exists in the emulator, listed through its own API, so that nothing can outlive a lab unseen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
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


# Per service and kind: the operation that lists it, the member of the answer that is the list, and the member of an
# entry that names it ("" where entries are plain text).
# fmt: off
LISTED: dict[str, dict[str, tuple[str, str, str]]] = {
    "application-autoscaling": {
        "ScalableTarget": ("describe_scalable_targets", "ScalableTargets", "ResourceId"),
        "ScalingPolicy": ("describe_scaling_policies", "ScalingPolicies", "PolicyName"),
        "ScheduledAction": ("describe_scheduled_actions", "ScheduledActions", "ScheduledActionName"),
    },
    "athena": {
        "WorkGroup": ("list_work_groups", "WorkGroups", "Name"),
        "NamedQuery": ("list_named_queries", "NamedQueryIds", ""),
    },
    "cloudformation": {"Stack": ("describe_stacks", "Stacks", "StackName")},
    "cloudwatch": {
        "Alarm": ("describe_alarms", "MetricAlarms", "AlarmName"),
        "CompositeAlarm": ("describe_alarms", "CompositeAlarms", "AlarmName"),
        "Dashboard": ("list_dashboards", "DashboardEntries", "DashboardName"),
    },
    "codebuild": {"Project": ("list_projects", "projects", "")},
    "codedeploy": {"Application": ("list_applications", "applications", "")},
    "codepipeline": {"Pipeline": ("list_pipelines", "pipelines", "name")},
    "dynamodb": {"Table": ("list_tables", "TableNames", "")},
    "ec2": {
        "VPC": ("describe_vpcs", "Vpcs", "VpcId"),
        "Subnet": ("describe_subnets", "Subnets", "SubnetId"),
        "RouteTable": ("describe_route_tables", "RouteTables", "RouteTableId"),
        "SecurityGroup": ("describe_security_groups", "SecurityGroups", "GroupId"),
        "NetworkAcl": ("describe_network_acls", "NetworkAcls", "NetworkAclId"),
        "VPCEndpoint": ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        "NetworkInterface": ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
        "FlowLog": ("describe_flow_logs", "FlowLogs", "FlowLogId"),
        "InternetGateway": ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        "NatGateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
        "EIP": ("describe_addresses", "Addresses", "AllocationId"),
        "Volume": ("describe_volumes", "Volumes", "VolumeId"),
    },
    "ecr": {"Repository": ("describe_repositories", "repositories", "repositoryName")},
    "events": {
        "Rule": ("list_rules", "Rules", "Name"),
        "EventBus": ("list_event_buses", "EventBuses", "Name"),
    },
    "firehose": {"DeliveryStream": ("list_delivery_streams", "DeliveryStreamNames", "")},
    "glue": {
        "Database": ("get_databases", "DatabaseList", "Name"),
        "Crawler": ("get_crawlers", "Crawlers", "Name"),
        "Job": ("get_jobs", "Jobs", "Name"),
        "SecurityConfiguration": ("get_security_configurations", "SecurityConfigurations", "Name"),
    },
    "iam": {
        "Role": ("list_roles", "Roles", "RoleName"),
        "ManagedPolicy": ("list_policies", "Policies", "Arn"),
        "InstanceProfile": ("list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
        "User": ("list_users", "Users", "UserName"),
        "Group": ("list_groups", "Groups", "GroupName"),
    },
    "kinesis": {"Stream": ("list_streams", "StreamNames", "")},
    "kms": {"Alias": ("list_aliases", "Aliases", "AliasName")},
    "lambda": {
        "Function": ("list_functions", "Functions", "FunctionName"),
        "LayerVersion": ("list_layers", "Layers", "LayerName"),
        "EventSourceMapping": ("list_event_source_mappings", "EventSourceMappings", "UUID"),
    },
    "logs": {
        "LogGroup": ("describe_log_groups", "logGroups", "logGroupName"),
        "ResourcePolicy": ("describe_resource_policies", "resourcePolicies", "policyName"),
        "QueryDefinition": ("describe_query_definitions", "queryDefinitions", "queryDefinitionId"),
    },
    "s3": {"Bucket": ("list_buckets", "Buckets", "Name")},
    "sagemaker": {
        "Model": ("list_models", "Models", "ModelName"),
        "EndpointConfig": ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
        "Endpoint": ("list_endpoints", "Endpoints", "EndpointName"),
        "ModelPackageGroup": ("list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"),
        "Pipeline": ("list_pipelines", "PipelineSummaries", "PipelineName"),
        "NotebookInstance": ("list_notebook_instances", "NotebookInstances", "NotebookInstanceName"),
        "Domain": ("list_domains", "Domains", "DomainId"),
    },
    "scheduler": {
        "Schedule": ("list_schedules", "Schedules", "Name"),
        "ScheduleGroup": ("list_schedule_groups", "ScheduleGroups", "Name"),
    },
    "secretsmanager": {"Secret": ("list_secrets", "SecretList", "ARN")},
    "sns": {
        "Topic": ("list_topics", "Topics", "TopicArn"),
        "Subscription": ("list_subscriptions", "Subscriptions", "SubscriptionArn"),
    },
    "sqs": {"Queue": ("list_queues", "QueueUrls", "")},
    "ssm": {"Parameter": ("describe_parameters", "Parameters", "Name")},
    "stepfunctions": {"StateMachine": ("list_state_machines", "stateMachines", "stateMachineArn")},
}
# fmt: on
# What AWS itself owns, by kind: the beginning of its name.
AWS_OWNS = {
    "Alias": "alias/aws/",
    "EventBus": "default",
    "ScheduleGroup": "default",
    "WorkGroup": "primary",
    "Parameter": "/aws/",
}  # fmt: skip
# Services that hold something from the start, or that others write to without a call.
ALWAYS = frozenset({"cloudformation", "cloudwatch", "ec2", "iam", "logs", "s3", "ssm"})
SCALED = ("sagemaker", "lambda", "dynamodb", "ecs", "ec2")


def existing(client: Client, called: Collection[str]) -> Iterator[Existing]:
    """Everything that exists.

    Args:
        client: gives a boto3 client to the emulator, by service.
        called: services that anybody called; another one holds nothing.
    """
    for service, kinds in LISTED.items():
        if service in ALWAYS or service in called:
            for kind, listing in kinds.items():
                for identifier in _identifiers(client(service), service, kind, *listing):
                    yield Existing(f"{service}::{kind}", identifier)
    if "kms" in called:
        yield from _keys(client("kms"))


def _identifiers(client: Any, service: str, kind: str, operation: str, answer: str, name: str) -> Iterator[str]:
    for parameters in _parameters(service, kind):
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate(**parameters)
        else:
            pages = [getattr(client, operation)(**parameters)]
        for entry in (entry for page in pages for entry in page.get(answer) or []):
            if name and (name not in entry or str(entry.get("State", "")).lower() in ("deleted", "deleting")):
                continue
            identifier = str(entry[name] if name else entry)
            if not (kind in AWS_OWNS and identifier.startswith(AWS_OWNS[kind])):
                yield identifier


def _parameters(service: str, kind: str) -> list[dict[str, str]]:
    if service == "application-autoscaling":
        return [{"ServiceNamespace": namespace} for namespace in SCALED]
    return [{"Scope": "Local"}] if kind == "ManagedPolicy" else [{}]


def _keys(kms: Any) -> Iterator[Existing]:
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            described = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if described["KeyManager"] == "AWS":
                continue
            kept = ""
            if described["KeyState"] == "PendingDeletion":
                kept = f"AWS deletes the key on {described['DeletionDate']:%Y-%m-%d}; until then it costs nothing"
            yield Existing("kms::Key", key["KeyId"], kept)


def install(context: Context) -> None:
    """Answer ``/rehearsal/inventory`` with everything that exists."""

    def inventory(method: str, rest: str, body: bytes) -> list[dict[str, str]]:
        return [asdict(one) for one in existing(context.client, context.ledger.services())]

    context.route("inventory", inventory)


def compare(before: list[dict[str, str]], after: list[dict[str, str]]) -> tuple[list[Existing], list[Existing]]:
    """What came since ``before``: first what nobody may leave behind, then what AWS keeps for a while."""
    known = {(one["kind"], one["identifier"]) for one in before}
    new = [Existing(**one) for one in after if (one["kind"], one["identifier"]) not in known]
    return [one for one in new if not one.kept], [one for one in new if one.kept]
