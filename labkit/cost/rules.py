"""Resource types whose cost depends on how they are configured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from labkit.cost.line import Line, fixed, free, unknown, usage
from labkit.cost.template import Resource, Template

Rule = Callable[[Resource, Template], Iterable[Line]]
RULES: dict[str, Rule] = {}

FREE_DASHBOARDS = 3
#: A target-tracking policy makes one alarm to scale out and one to scale in.
ALARMS_OF_TARGET_TRACKING = 2


def rule(type_: str) -> Callable[[Rule], Rule]:
    """Register the rule of one resource type."""

    def register(function: Rule) -> Rule:
        RULES[type_] = function
        return function

    return register


def number(value: Any, otherwise: float = 1) -> float:
    """A number in a template, which may be written as text; ``otherwise`` when it cannot be known."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return otherwise


@rule("AWS::EC2::VPCEndpoint")
def _vpc_endpoint(resource: Resource, template: Template) -> Iterable[Line]:
    if resource.properties.get("VpcEndpointType", "Gateway") == "Gateway":
        source = "docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html: no additional charge"
        yield Line(resource.logical_id, resource.type, "free", "VPC", "gateway endpoint", source)
        return
    zones = len(resource.properties.get("SubnetIds") or [None])
    yield fixed(resource, "VPC", "Interface endpoint", quantity=zones, why="one in each zone")
    yield usage(resource, "VPC", "Interface endpoint data", why="what passes through it")


@rule("AWS::EC2::NatGateway")
def _nat_gateway(resource: Resource, template: Template) -> Iterable[Line]:
    yield fixed(resource, "VPC", "NAT gateway", quantity=1, why="as long as it exists")
    yield usage(resource, "VPC", "NAT gateway data", why="what passes through it")


@rule("AWS::EC2::EIP")
def _address(resource: Resource, template: Template) -> Iterable[Line]:
    yield fixed(resource, "VPC", "Public IPv4 address", quantity=1, why="in use or idle")


@rule("AWS::EC2::Volume")
def _volume(resource: Resource, template: Template) -> Iterable[Line]:
    kind = resource.properties.get("VolumeType", "gp2")
    size = number(resource.properties.get("Size"))
    yield fixed(resource, "EBS", f"{kind} storage", quantity=size, why=f"{size:g} GiB provisioned")


@rule("AWS::S3::Bucket")
def _bucket(resource: Resource, template: Template) -> Iterable[Line]:
    yield usage(resource, "S3", "Standard storage", why="what is stored, with its older versions")
    yield usage(resource, "S3", "PUT, COPY, POST, LIST requests", why="each write or listing")
    yield usage(resource, "S3", "GET and other requests", why="each read")
    if resource.properties.get("AccelerateConfiguration", {}).get("AccelerationStatus") == "Enabled":
        yield usage(resource, "S3", "Transfer Acceleration", why="what is transferred through edge locations")
    if "INTELLIGENT_TIERING" in str(resource.properties.get("LifecycleConfiguration")):
        yield usage(resource, "S3", "Intelligent-Tiering monitoring", why="each object over 128 KB")


@rule("AWS::KMS::Key")
def _key(resource: Resource, template: Template) -> Iterable[Line]:
    yield fixed(resource, "KMS", "Customer managed key", quantity=1, why="until its deletion is scheduled")
    spec = resource.properties.get("KeySpec", "SYMMETRIC_DEFAULT")
    item = "Symmetric requests" if spec in ("SYMMETRIC_DEFAULT", "HMAC_256") else f"{spec} requests"
    yield usage(resource, "KMS", item, why="each request, beyond 20 000 a month in the free tier")


@rule("AWS::CloudWatch::Alarm")
def _alarm(resource: Resource, template: Template) -> Iterable[Line]:
    metrics = sum("MetricStat" in metric for metric in resource.properties.get("Metrics", [])) or 1
    if number(resource.properties.get("Period"), 60) < 60:
        yield unknown(resource, "CloudWatch", "High-resolution alarm", why="a period below 60 seconds")
    else:
        yield fixed(resource, "CloudWatch", "Standard alarm", quantity=metrics, why="each metric that it watches")


@rule("AWS::CloudWatch::CompositeAlarm")
def _composite_alarm(resource: Resource, template: Template) -> Iterable[Line]:
    yield unknown(resource, "CloudWatch", "Composite alarm", why="each composite alarm")


@rule("AWS::CloudWatch::Dashboard")
def _dashboard(resource: Resource, template: Template) -> Iterable[Line]:
    nth = [dashboard.logical_id for dashboard in template.of(resource.type)].index(resource.logical_id)
    quantity = int(nth >= FREE_DASHBOARDS)
    yield fixed(
        resource, "CloudWatch", "Dashboard beyond three", quantity=quantity, why="an account's first three are free"
    )


@rule("AWS::ApplicationAutoScaling::ScalingPolicy")
def _scaling_policy(resource: Resource, template: Template) -> Iterable[Line]:
    if resource.properties.get("PolicyType") == "TargetTrackingScaling":
        why = "alarms that target tracking creates"
        yield fixed(resource, "CloudWatch", "Standard alarm", quantity=ALARMS_OF_TARGET_TRACKING, why=why)
    else:
        yield free(resource, source="step scaling is started by an alarm of the template and creates none")


@rule("AWS::Lambda::Function")
def _function(resource: Resource, template: Template) -> Iterable[Line]:
    memory = number(resource.properties.get("MemorySize"), 128)
    architecture = (resource.properties.get("Architectures") or ["x86_64"])[0]
    yield usage(resource, "Lambda", "Requests", why="each invocation")
    yield usage(resource, "Lambda", f"Duration {architecture}", why=f"each second at {memory / 1024:g} GB")
    variables = resource.properties.get("Environment", {}).get("Variables", {})
    if job := variables.get("JOB_INSTANCE_TYPE"):
        yield usage(resource, "SageMaker", f"{job} processing", why="each processing job that the function starts")
    if "METRICS_NAMESPACE" in variables:
        yield usage(resource, "CloudWatch", "Custom metric", why="each metric, in hours in which it has data")


@rule("AWS::SQS::Queue")
def _queue(resource: Resource, template: Template) -> Iterable[Line]:
    fifo = str(resource.properties.get("FifoQueue", False)).lower() == "true"
    yield usage(resource, "SQS", f"Requests, {'FIFO' if fifo else 'standard'} queue", why="each request")


@rule("AWS::StepFunctions::StateMachine")
def _state_machine(resource: Resource, template: Template) -> Iterable[Line]:
    if resource.properties.get("StateMachineType") == "EXPRESS":
        yield usage(resource, "Step Functions", "Express requests", why="each execution")
        yield usage(resource, "Step Functions", "Express duration", why="duration and memory of executions")
    else:
        yield usage(resource, "Step Functions", "Standard transitions", why="each state entered")


@rule("AWS::CodePipeline::Pipeline")
def _code_pipeline(resource: Resource, template: Template) -> Iterable[Line]:
    if resource.properties.get("PipelineType") == "V2":
        yield usage(resource, "CodePipeline", "V2 action minutes beyond 100 a month", why="each minute an action runs")
    else:
        yield fixed(resource, "CodePipeline", "V1 active pipeline", quantity=1, why="after 30 days, when it runs")


@rule("AWS::CodeBuild::Project")
def _build(resource: Resource, template: Template) -> Iterable[Line]:
    environment = resource.properties.get("Environment", {})
    size = str(environment.get("ComputeType", "")).removeprefix("BUILD_").replace("_", ".").lower()
    kind = "Linux" if environment.get("Type") == "LINUX_CONTAINER" else str(environment.get("Type"))
    yield usage(resource, "CodeBuild", f"{kind} {size}", why="each minute of a build")


@rule("AWS::Kinesis::Stream")
def _stream(resource: Resource, template: Template) -> Iterable[Line]:
    service = "Kinesis Data Streams"
    if resource.properties.get("StreamModeDetails", {}).get("StreamMode") == "ON_DEMAND":
        yield fixed(resource, service, "On-demand stream", quantity=1, why="as long as it exists")
        yield usage(resource, service, "On-demand data in", why="what is put")
        yield usage(resource, service, "On-demand data out", why="what is read")
    else:
        shards = number(resource.properties.get("ShardCount"))
        yield fixed(resource, service, "Provisioned shard", quantity=shards, why="as long as it exists")
        yield usage(resource, service, "PUT payload units of 25 KB", why="each record")


@rule("AWS::SecretsManager::Secret")
def _secret(resource: Resource, template: Template) -> Iterable[Line]:
    yield fixed(resource, "Secrets Manager", "Secret", quantity=1, why="as long as it exists")
    yield usage(resource, "Secrets Manager", "API calls", why="each call")


@rule("AWS::Glue::Job")
def _glue_job(resource: Resource, template: Template) -> Iterable[Line]:
    flex = resource.properties.get("ExecutionClass") == "FLEX"
    yield usage(resource, "Glue", "ETL job, Flex" if flex else "ETL job", why="each job run, by its workers")


@rule("AWS::Budgets::Budget")
def _budget(resource: Resource, template: Template) -> Iterable[Line]:
    source = "a budget without actions has no charge (public research note of 2026-09-25)"
    yield Line(resource.logical_id, resource.type, "free", "Budgets", "budget", source)
