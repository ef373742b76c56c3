"""A log group that a service's log delivery writes to is named so that one policy covers all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

# Where types name the log group to which their logs are delivered.
_PLACES = {
    "AWS::StepFunctions::StateMachine": ("states", "LoggingConfiguration.Destinations.*.CloudWatchLogsLogGroup.LogGroupArn"),
    "AWS::ApiGatewayV2::Stage": ("http-api", "AccessLogSettings.DestinationArn"),
    "AWS::ApiGateway::Stage": ("apigateway", "AccessLogSetting.DestinationArn"),
    "AWS::MSK::Cluster": ("msk", "LoggingInfo.BrokerLogs.CloudWatchLogs.LogGroup"),
    "AWS::KafkaConnect::Connector": ("msk-connect", "LogDelivery.WorkerLogDelivery.CloudWatchLogs.LogGroup"),
    "AWS::VpcLattice::AccessLogSubscription": ("vpc-lattice", "DestinationArn"),
    "AWS::NetworkFirewall::LoggingConfiguration": (
        "network-firewall", "LoggingConfiguration.LogDestinationConfigs.*.LogDestination.logGroup"),
    "AWS::Route53Resolver::ResolverQueryLoggingConfig": ("route53resolver", "DestinationArn"),
    "AWS::ElastiCache::ReplicationGroup": (
        "elasticache", "LogDeliveryConfigurations.*.DestinationDetails.CloudWatchLogsDetails.LogGroup"),
    "AWS::Pipes::Pipe": ("pipes", "LogConfiguration.CloudwatchLogsLogDestination.LogGroupArn"),
    "AWS::Logs::DeliveryDestination": ("delivery", "DestinationResourceArn"),
    "AWS::OSIS::Pipeline": ("OpenSearchIngestion", "LogPublishingOptions.CloudWatchLogDestination.LogGroup"),
}  # fmt: skip


def look(resource: Resource, view: View) -> Iterable[Fault]:
    service, path = _PLACES[resource.type]
    for where, value in view.listed(resource, path):
        group = view.target(value, "AWS::Logs::LogGroup")
        name = view.text(group.properties.get("LogGroupName")) if group is not None else _name_in(view.text(value))
        if name is None and group is None:
            continue
        if name is None or not name.startswith(("/aws/vendedlogs/", "${")):
            yield Fault(
                f"{where}: {group.logical_id}.LogGroupName" if group is not None else where,
                name,
                "the name is appended to the account's one resource policy for log delivery, which holds 5120 "
                "characters and is never cleaned",
                fix=f"Name the group /aws/vendedlogs/{service}/…",
            )


def _name_in(arn: Any) -> str | None:
    return (
        arn.partition(":log-group:")[2].removesuffix(":*") or None
        if isinstance(arn, str) and "log-group:" in arn
        else None
    )


CHECK = Check(
    id="deploy-vended-logs-named",
    title="A log group for a service's log delivery is named under /aws/vendedlogs/",
    phase="create",
    why="Services add each log group to one resource policy per region; for /aws/vendedlogs/ one entry covers all.",
    fix="Name the group /aws/vendedlogs/<service>/….",
    error="Invalid Logging Configuration: The CloudWatch Logs Resource Policy size was exceeded. We suggest prefixing "
    "your CloudWatch log group name with /aws/vendedlogs/states/.",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html",
        "https://github.com/HHS/simpler-grants-gov/pull/1522",
        "https://github.com/serverless-operations/serverless-step-functions/issues/334",
    ),
    covers=("DF-109",),
    types=tuple(_PLACES),
    look=look,
)
