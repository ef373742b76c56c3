"""From references to lines between boxes: who sends data where, who starts whom, who watches whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from labkit.cost.template import Resource
from labkit.diagram.boxes import ALARMS, ASSETS, INTERFACES, alarm_group, artifact
from labkit.diagram.graph import GATE, Edge, Graph
from labkit.diagram.jobs import jobs
from labkit.diagram.stack import Stack

Flow = Callable[[Resource, Stack], Iterable[Edge]]

#: Verbs by which data comes towards the one who acts.
_TOWARDS = ("reads", "receives", "pulls")
#: The VPC endpoint through which a resource type is reached from inside the VPC.
_SERVICES = {
    "AWS::SageMaker::Endpoint": "sagemaker.runtime",
    "AWS::S3::Bucket": "s3 (gateway)",
    "AWS::DynamoDB::Table": "dynamodb (gateway)",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
    "AWS::StepFunctions::StateMachine": "states",
    "AWS::Lambda::Function": "lambda",
    "AWS::Kinesis::Stream": "kinesis-streams",
    "AWS::KinesisFirehose::DeliveryStream": "kinesis-firehose",
    "AWS::SecretsManager::Secret": "secretsmanager",
    "AWS::Athena::WorkGroup": "athena",
    "AWS::Glue::Database": "glue",
    "AWS::Events::EventBus": "events",
}


def add_flows(graph: Graph, stack: Stack) -> None:
    """Every line that the template's references mean, inside the VPC through the endpoints that serve it."""
    for resource in stack.resources.values():
        flow = _FLOWS.get(resource.type, _mentions if resource.logical_id in graph.nodes else _nothing)
        for edge in flow(resource, stack):
            for part in _through_the_gate(graph, stack, edge):
                graph.connect(part)
    for job in jobs(stack):
        graph.connect(Edge(job.launcher.logical_id, job.id, "starts", dashed=True))
        for verbs, target in _objects(job.role, stack):
            for part in _through_the_gate(graph, stack, Edge(job.id, target, ", ".join(verbs))):
                graph.connect(part)
    _single_access_log(graph, stack)


def _through_the_gate(graph: Graph, stack: Stack, edge: Edge) -> list[Edge]:
    """An edge out of the VPC as two: to the endpoint that serves it, and on from there."""
    inside = graph.nodes.get(edge.source)
    target = stack.resources.get(edge.target)
    if inside is None or target is None or not inside.in_vpc or not edge.arrow or GATE not in graph.nodes:
        return [edge]
    row = _SERVICES.get(target.type, "")
    if row not in graph.nodes[GATE].rows or edge.target not in graph.nodes:
        return [edge]
    return [
        Edge(edge.source, GATE, target_row=row),
        Edge(GATE, edge.target, edge.label, source_row=row),
    ]


def _nothing(resource: Resource, stack: Stack) -> Iterable[Edge]:
    return ()


def _mentions(resource: Resource, stack: Stack) -> Iterable[Edge]:
    """What a type without a flow of its own names in its properties, or may do by its role."""
    permitted = list(_permitted(resource, stack))
    yield from permitted
    known = _ends(permitted)
    for other in stack.named(resource.properties):
        if other.logical_id not in known:
            yield Edge(resource.logical_id, other.logical_id)


def _ends(edges: list[Edge]) -> set[str]:
    return {end for edge in edges for end in (edge.source, edge.target)}


def _permitted(resource: Resource, stack: Stack) -> Iterable[Edge]:
    """What a resource may do by its role: reading brings data, everything else sends."""
    for verbs, name in _objects(resource, stack):
        if all(verb in _TOWARDS for verb in verbs) and not _in_vpc(resource):
            yield Edge(name, resource.logical_id, ", ".join(verbs))
        else:
            yield Edge(resource.logical_id, name, ", ".join(verbs))


def _objects(resource: Resource, stack: Stack) -> list[tuple[list[str], str]]:
    """What a resource, or a role itself, may do to each other one."""
    found: dict[str, list[str]] = {}
    for verb, target in stack.permissions(resource):
        verbs = found.setdefault(target.logical_id, [])
        if verb not in verbs:
            verbs.append(verb)
    return [(verbs, name) for name, verbs in found.items()]


def _in_vpc(resource: Resource) -> bool:
    return resource.type == "AWS::Lambda::Function" and "VpcConfig" in resource.properties


def _endpoint(resource: Resource, stack: Stack) -> Iterable[Edge]:
    me = resource.logical_id
    for configuration in stack.named(resource.properties.get("EndpointConfigName"), "AWS::SageMaker::EndpointConfig"):
        properties = configuration.properties
        variants = [*properties.get("ProductionVariants", []), *properties.get("ShadowProductionVariants", [])]
        for model in stack.named([each.get("ModelName") for each in variants]):
            yield Edge(model.logical_id, me, "serves")
            if "VpcConfig" in model.properties:
                yield Edge(INTERFACES, me, "in the VPC", dashed=True, arrow=False)
        for bucket in stack.named(properties.get("DataCaptureConfig", {}).get("DestinationS3Uri")):
            yield Edge(me, bucket.logical_id, "captured data")
        output = properties.get("AsyncInferenceConfig", {}).get("OutputConfig", {})
        for bucket in stack.named([output.get("S3OutputPath"), output.get("S3FailurePath")]):
            yield Edge(me, bucket.logical_id, "answers")
        for topic in stack.named(output.get("NotificationConfig")):
            yield Edge(me, topic.logical_id, "notifies")
    rollback = resource.properties.get("DeploymentConfig", {}).get("AutoRollbackConfiguration", {})
    for alarm in stack.named(rollback.get("Alarms"), *ALARMS):
        yield Edge(alarm_group(alarm, stack), me, "rolls back", dashed=True)


def _model(resource: Resource, stack: Stack) -> Iterable[Edge]:
    containers = [resource.properties.get("PrimaryContainer"), resource.properties.get("Containers")]
    buckets = list(stack.named(containers, "AWS::S3::Bucket"))
    for bucket in buckets:
        yield Edge(bucket.logical_id, resource.logical_id, "artefact")
    if not buckets and "-assets-" in artifact(resource):
        yield Edge(ASSETS, resource.logical_id, "artefact")


def _function(resource: Resource, stack: Stack) -> Iterable[Edge]:
    failures = [queue.logical_id for queue in stack.named(resource.properties.get("DeadLetterConfig"))]
    permitted = [edge for edge in _permitted(resource, stack) if edge.target not in failures]
    yield from permitted
    known = _ends(permitted)
    # What the environment tells for the jobs that the function starts is not the function's.
    known |= {name for job in jobs(stack) if job.launcher is resource for _, name in _objects(job.role, stack)}
    for other in stack.named(resource.properties.get("Environment")):
        if other.logical_id not in known:
            yield Edge(resource.logical_id, other.logical_id, "uses")
    for failed in failures:
        yield Edge(resource.logical_id, failed, "failures")


def _scaling(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for scaled in stack.named(resource.properties.get("ResourceId")):
        yield Edge(resource.logical_id, scaled.logical_id, "scales", dashed=True)


def _alarm(resource: Resource, stack: Stack) -> Iterable[Edge]:
    group = alarm_group(resource, stack)
    for watched in stack.named([resource.properties.get("Dimensions"), resource.properties.get("Metrics")]):
        yield Edge(watched.logical_id, group, "metrics", dashed=True)
    for target in stack.named(resource.properties.get("AlarmActions")):
        yield Edge(group, target.logical_id, "notifies", dashed=True)


def _bucket(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for target in stack.named(resource.properties.get("NotificationConfiguration")):
        yield Edge(resource.logical_id, target.logical_id, "on upload")


def _single_access_log(graph: Graph, stack: Stack) -> None:
    """Access logs as a line when one bucket is logged; the logs of several are told in the box instead."""
    logged: dict[str, list[str]] = {}
    for bucket in stack.of("AWS::S3::Bucket"):
        for place in stack.named(bucket.properties.get("LoggingConfiguration", {}).get("DestinationBucketName")):
            logged.setdefault(place.logical_id, []).append(bucket.logical_id)
    for place_id, sources in logged.items():
        if len(sources) == 1:
            graph.connect(Edge(sources[0], place_id, "access logs", dashed=True))


def _crawler(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for bucket in stack.named(resource.properties.get("Targets")):
        yield Edge(bucket.logical_id, resource.logical_id, "crawled")
    for database in stack.named(resource.properties.get("DatabaseName")):
        yield Edge(resource.logical_id, database.logical_id, "tables")


def _workgroup(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for bucket in stack.named(resource.properties.get("WorkGroupConfiguration"), "AWS::S3::Bucket"):
        yield Edge(resource.logical_id, bucket.logical_id, "results")


def _named_query(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for workgroup in stack.named(resource.properties.get("WorkGroup")):
        for database in stack.named(resource.properties.get("Database")):
            yield Edge(database.logical_id, workgroup.logical_id, "queried")


def _table(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for database in stack.named(resource.properties.get("DatabaseName")):
        for bucket in stack.named(resource.properties.get("TableInput"), "AWS::S3::Bucket"):
            yield Edge(bucket.logical_id, database.logical_id, "described")


def _event_source(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for source in stack.named(resource.properties.get("EventSourceArn")):
        for function in stack.named(resource.properties.get("FunctionName")):
            yield Edge(source.logical_id, function.logical_id, "reads")


def _subscription(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for topic in stack.named(resource.properties.get("TopicArn")):
        for target in stack.named(resource.properties.get("Endpoint")):
            yield Edge(topic.logical_id, target.logical_id, "messages")


def _rule(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for source in stack.named(resource.properties.get("EventPattern")):
        end = alarm_group(source, stack) if source.type in ALARMS else source.logical_id
        yield Edge(end, resource.logical_id, "events", dashed=True)
    for target in resource.properties.get("Targets", []):
        for other in stack.named(target.get("Arn")):
            yield Edge(resource.logical_id, other.logical_id, "starts", dashed=True)


def _schedule(resource: Resource, stack: Stack) -> Iterable[Edge]:
    target = resource.properties.get("Target", {})
    for other in stack.named([target.get("Arn"), target.get("Input")]):
        yield Edge(resource.logical_id, other.logical_id, "starts", dashed=True)


def _monitor(resource: Resource, stack: Stack) -> Iterable[Edge]:
    config = resource.properties.get("MonitoringScheduleConfig", {})
    parts: list[Any] = [config]
    parts += [definition.properties for definition in stack.named(config.get("MonitoringJobDefinitionName"))]
    for endpoint in stack.named(parts, "AWS::SageMaker::Endpoint"):
        yield Edge(endpoint.logical_id, resource.logical_id, "watched", dashed=True)
    for bucket in stack.named(parts, "AWS::S3::Bucket"):
        yield Edge(resource.logical_id, bucket.logical_id, "reports")


def _code_pipeline(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for bucket in stack.named(resource.properties.get("ArtifactStore")):
        yield Edge(resource.logical_id, bucket.logical_id, "artefacts")
    for stage in resource.properties.get("Stages", []):
        for action in stage.get("Actions", []):
            source = action.get("ActionTypeId", {}).get("Category") == "Source"
            for other in stack.named(action.get("Configuration")):
                ends = (other.logical_id, resource.logical_id) if source else (resource.logical_id, other.logical_id)
                yield Edge(*ends, "source" if source else str(stage.get("Name", "")).lower())


def _firehose(resource: Resource, stack: Stack) -> Iterable[Edge]:
    for stream in stack.named(resource.properties.get("KinesisStreamSourceConfiguration"), "AWS::Kinesis::Stream"):
        yield Edge(stream.logical_id, resource.logical_id, "records")
    for bucket in stack.named(resource.properties, "AWS::S3::Bucket"):
        yield Edge(resource.logical_id, bucket.logical_id, "delivers")


_FLOWS: dict[str, Flow] = {
    "AWS::SageMaker::Endpoint": _endpoint,
    "AWS::SageMaker::Model": _model,
    "AWS::SageMaker::MonitoringSchedule": _monitor,
    "AWS::Lambda::Function": _function,
    "AWS::ApplicationAutoScaling::ScalableTarget": _scaling,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _alarm,
    "AWS::S3::Bucket": _bucket,
    "AWS::Glue::Crawler": _crawler,
    "AWS::Glue::Table": _table,
    "AWS::Athena::WorkGroup": _workgroup,
    "AWS::Athena::NamedQuery": _named_query,
    "AWS::Lambda::EventSourceMapping": _event_source,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _nothing,
    "AWS::Events::Rule": _rule,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::CodePipeline::Pipeline": _code_pipeline,
    "AWS::KinesisFirehose::DeliveryStream": _firehose,
}
