"""From resources to boxes, and to what is only mentioned below the picture."""

from __future__ import annotations

from labkit.cost.template import Resource, literal
from labkit.diagram.details import DETAILS, configurations
from labkit.diagram.graph import GATE, Chip, Graph, Network, Node
from labkit.diagram.jobs import box, jobs
from labkit.diagram.kinds import is_part, kind
from labkit.diagram.stack import Stack, service_of
from labkit.diagram.text import count, listed

ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
ASSETS, INTERFACES, SUBNETS = "bootstrap-bucket", "network-interfaces", "subnets"


def add_boxes(graph: Graph, stack: Stack) -> None:
    """One box for each resource that a reader cares about, the network, and the chips below."""
    housekeeping = _housekeeping(stack)
    for resource in stack.resources.values():
        if not is_part(resource.type) and resource.logical_id not in housekeeping and not _removes_the_stack(resource):
            graph.nodes[resource.logical_id] = _box(resource, stack)
    for job in jobs(stack):
        if job.launcher.logical_id in graph.nodes:
            graph.nodes[job.id] = box(job, stack)
    _alarm_groups(graph, stack)
    _roles_for_steps(graph, stack)
    _bootstrap_bucket(graph, stack)
    _network(graph, stack)
    _chips(graph, stack, housekeeping)


def alarm_group(alarm: Resource, stack: Stack) -> str:
    """The box that an alarm is a part of: one for each set of what the alarms act on."""
    targets = sorted(each.logical_id for each in stack.named(alarm.properties.get("AlarmActions")))
    return "alarms:" + ",".join(targets)


def _box(resource: Resource, stack: Stack) -> Node:
    shown = kind(resource.type)
    properties = resource.properties
    node = Node(resource.logical_id, shown.label, stack.title(resource), shown.colour, shown.glyph)
    details = DETAILS.get(resource.type)
    node.details = details(resource, stack) if details else []
    node.in_vpc = "VpcConfig" in properties and resource.type == "AWS::Lambda::Function"
    node.encrypted = any(True for _ in stack.named([properties, *configurations(resource, stack)], "AWS::KMS::Key"))
    return node


def _alarm_groups(graph: Graph, stack: Stack) -> None:
    groups: dict[str, list[Resource]] = {}
    for alarm in stack.of(*ALARMS):
        groups.setdefault(alarm_group(alarm, stack), []).append(alarm)
    for name, alarms in groups.items():
        titles = [stack.title(alarm) for alarm in alarms]
        graph.nodes[name] = Node(
            name,
            "CloudWatch",
            count(len(alarms), "alarm"),
            "watch",
            "bell",
            [each.lower() for each in listed(titles, 5)],
        )


def _roles_for_steps(graph: Graph, stack: Stack) -> None:
    """Roles that no resource uses and an output hands to the steps, such as the role of a training job."""
    used = {
        role.logical_id
        for resource in stack.resources.values()
        if not resource.type.startswith("AWS::IAM::")
        for role in stack.named(resource.properties, "AWS::IAM::Role")
    }
    for role in stack.of("AWS::IAM::Role"):
        if role.logical_id not in used and stack.exported(role):
            statements = role.properties.get("AssumeRolePolicyDocument", {}).get("Statement", [])
            service = next((literal(each.get("Principal", {}).get("Service")) for each in statements), "")
            details = [f"for {service.split('.')[0]} jobs"] if service else []
            graph.nodes[role.logical_id] = Node(
                role.logical_id, "IAM role", stack.title(role), "security", "person", [*details, "used by the steps"]
            )


def _bootstrap_bucket(graph: Graph, stack: Stack) -> None:
    for model in stack.of("AWS::SageMaker::Model"):
        if "-assets-" in artifact(model):
            graph.nodes[ASSETS] = Node(
                ASSETS, "S3 bucket", "Bootstrap assets", "storage", "bucket", ["model.tar.gz"], outside=True
            )


def artifact(model: Resource) -> str:
    """Where a model's artefact lies, as far as the template says it in plain text."""
    return literal(model.properties.get("PrimaryContainer", {}).get("ModelDataUrl"))


def _network(graph: Graph, stack: Stack) -> None:
    vpcs, endpoints = stack.of("AWS::EC2::VPC"), stack.of("AWS::EC2::VPCEndpoint")
    hosted = [model for model in stack.of("AWS::SageMaker::Model") if "VpcConfig" in model.properties]
    if not vpcs and not hosted and not any(node.in_vpc for node in graph.nodes.values()):
        return
    graph.network = _about_the_network(stack, vpcs)
    if hosted:
        titles = [stack.title(model) for model in hosted]
        graph.nodes[INTERFACES] = Node(
            INTERFACES,
            "Network interfaces",
            " and ".join(titles[:2]),
            "network",
            "plug",
            ["where its containers stand"],
            in_vpc=True,
        )
    elif vpcs and not any(node.in_vpc for node in graph.nodes.values()):
        groups = [stack.title(group).lower() for group in stack.of("AWS::EC2::SecurityGroup")]
        graph.nodes[SUBNETS] = Node(
            SUBNETS,
            "In the subnets",
            count(len(groups), "security group"),
            "network",
            "plug",
            listed(groups, 4),
            in_vpc=True,
        )
    if endpoints:
        rows = {service_of(each): each.properties.get("VpcEndpointType", "Gateway") for each in endpoints}
        ordered = sorted(rows, key=lambda service: (rows[service] == "Gateway", service))
        limited = all("PolicyDocument" in each.properties for each in endpoints)
        graph.nodes[GATE] = Node(
            GATE,
            "each with a policy" if limited else "VPC",
            "VPC endpoints",
            "network",
            "plug",
            rows=[f"{service} (gateway)" if rows[service] == "Gateway" else service for service in ordered],
            in_vpc=True,
        )


def _about_the_network(stack: Stack, vpcs: list[Resource]) -> Network:
    if not vpcs:
        return Network("Your VPC", "its own endpoints and routes", "subnets given by a setting")
    isolated = not stack.of("AWS::EC2::InternetGateway", "AWS::EC2::NatGateway")
    facts = ["no route to the internet"] if isolated else []
    if stack.of("AWS::EC2::FlowLog"):
        facts.append("flow logs")
    if stack.of("Custom::VpcRestrictDefaultSG"):
        facts.append("default security group closed")
    subnets = count(len(stack.of("AWS::EC2::Subnet")), "isolated subnet" if isolated else "subnet")
    return Network(f"VPC {literal(vpcs[0].properties.get('CidrBlock'))}".strip(), ", ".join(facts), subnets)


def _housekeeping(stack: Stack) -> set[str]:
    """Functions that only serve custom resources."""
    return {
        function.logical_id
        for resource in stack.resources.values()
        if resource.type.startswith("Custom::") or resource.type == "AWS::CloudFormation::CustomResource"
        for function in stack.named(resource.properties.get("ServiceToken"), "AWS::Lambda::Function")
    }


def _removes_the_stack(resource: Resource) -> bool:
    arn = (
        literal(resource.properties.get("Target", {}).get("Arn")) if resource.type == "AWS::Scheduler::Schedule" else ""
    )
    return arn.endswith(":cloudformation:deleteStack")


def _chips(graph: Graph, stack: Stack, housekeeping: set[str]) -> None:
    keys = stack.of("AWS::KMS::Key")
    for key in keys:
        rotated = ", rotated" if key.properties.get("EnableKeyRotation") else ""
        name = "the lab's KMS key" if len(keys) == 1 else f"KMS key {stack.title(key)}"
        graph.keys.append(f"encrypted with {name}{rotated}")
    counted = [
        (len(stack.of("AWS::IAM::Role")), "role", "security", "person"),
        (
            len(stack.of("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy")),
            "policy",
            "security",
            "page",
        ),
        (len(stack.of("AWS::EC2::SecurityGroup")), "security group", "network", "plug"),
        (len(stack.of("AWS::Logs::LogGroup")), "log group", "watch", "page"),
        (len(stack.of("AWS::CloudWatch::Dashboard")), "dashboard", "watch", "table"),
        (len(housekeeping), "housekeeping function", "compute", "lambda"),
    ]
    for number, noun, colour, glyph in counted:
        if number:
            graph.chips.append(Chip(count(number, noun), colour, glyph))  # type: ignore[arg-type]
    if any(_removes_the_stack(resource) for resource in stack.of("AWS::Scheduler::Schedule")):
        graph.chips.append(Chip("a schedule that deletes the stack", "message", "clock"))
