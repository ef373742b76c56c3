"""What a resource needs but does not name is created before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from labkit.review.provers.deployability.kit.artefacts import PLACES
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references

_GATES = ("AWS::EC2::VPCGatewayAttachment",)
_NO_DATA = (
    'Failed to download model data from URL "s3://...". Please ensure that an S3 VPC endpoint exists in route table or NAT '
    "gateway for the VPC mode and the URL is reachable from within the subnets provided."
)


def look(resource: Resource, view: View) -> Iterable[Fault]:
    yield from _NEEDS[resource.type](resource, view)


def _service(service: Resource, view: View) -> Iterator[Fault]:
    for path, value in view.listed(service, "LoadBalancers.*.TargetGroupArn"):
        group = view.target(value, "AWS::ElasticLoadBalancingV2::TargetGroup")
        if group is None:
            continue
        listeners = _naming(
            group, ("AWS::ElasticLoadBalancingV2::Listener", "AWS::ElasticLoadBalancingV2::ListenerRule"), view
        )
        if not view.graph.any_before(service, listeners):
            yield Fault(path, value, _order(service, listeners, f"a listener that forwards to {group.logical_id}"),
                        error="The target group with targetGroupArn ... does not have an associated load balancer.",
                        fix=_depend(listeners, "the listener"))  # fmt: skip


def _route(route: Resource, view: View) -> Iterator[Fault]:
    gateway = view.template.target(
        route.properties.get("GatewayId"), "AWS::EC2::InternetGateway", "AWS::EC2::VPNGateway"
    )
    if gateway is None:
        return
    attachments = _naming(gateway, _GATES, view)
    if not view.graph.any_before(route, attachments):
        yield Fault("GatewayId", route.properties.get("GatewayId"), _order(route, attachments, "the gateway's attachment"),
                    error="route table rtb-... and network gateway igw-... belong to different networks",
                    fix=_depend(attachments, "the AWS::EC2::VPCGatewayAttachment"))  # fmt: skip


def _deployment(deployment: Resource, view: View) -> Iterator[Fault]:
    api = view.target(deployment.properties.get("RestApiId"), "AWS::ApiGateway::RestApi")
    if api is None or api.properties.get("Body") is not None or api.properties.get("BodyS3Location") is not None:
        return
    methods = _naming(api, ("AWS::ApiGateway::Method",), view)
    late = [one for one in methods if not view.graph.precedes(one, deployment)]
    if late or not methods:
        yield Fault("RestApiId", deployment.properties.get("RestApiId"), _order(deployment, late, "a method"),
                    error="The REST API doesn't contain any methods (BadRequestException)",
                    fix=_depend(late, "every method"))  # fmt: skip


def _collection(collection: Resource, view: View) -> Iterator[Fault]:
    policies = [
        one
        for one in view.of("AWS::OpenSearchServerless::SecurityPolicy")
        if view.plain(one.properties.get("Type")) == "encryption"
    ]
    groups = view.given(collection, "CollectionGroupName") or view.given(collection, "EncryptionConfig")
    if not groups and not view.graph.any_before(collection, policies):
        yield Fault("Name", collection.properties.get("Name"), _order(collection, policies, "an encryption policy"),
                    error="No matching security policy of encryption type found for collection name: <name>. Please create "
                    "security policy of encryption type for this collection.",
                    fix=_depend(policies, "the encryption policy"))  # fmt: skip


def _config_rule(rule: Resource, view: View) -> Iterator[Fault]:
    recorders = view.of("AWS::Config::ConfigurationRecorder")
    if recorders and not view.graph.any_before(rule, recorders):
        yield Fault("Source", None, _order(rule, recorders, "the recorder"),
                    error="NoAvailableConfigurationRecorder: Configuration recorder is not available to put config rule.",
                    fix=_depend(recorders, "the recorder"))  # fmt: skip


def _trail(trail: Resource, view: View) -> Iterator[Fault]:
    bucket = view.target(trail.properties.get("S3BucketName"), "AWS::S3::Bucket")
    policies = _naming(bucket, ("AWS::S3::BucketPolicy",), view) if bucket is not None else []
    if bucket is not None and policies and not view.graph.any_before(trail, policies):
        yield Fault("S3BucketName", trail.properties.get("S3BucketName"), _order(trail, policies, "the bucket's policy"),
                    error="Incorrect S3 bucket policy is detected for bucket: <bucket> (InsufficientS3BucketPolicyException)",
                    fix=_depend(policies, "the bucket's policy"))  # fmt: skip


def _address(resource: Resource, view: View) -> Iterator[Fault]:
    """Public addresses and NAT gateways need the VPC's internet gateway."""
    subnet = view.template.target(resource.properties.get("SubnetId"), "AWS::EC2::Subnet")
    vpc = view.network.vpc_of(subnet) if subnet is not None else None
    if vpc is None or view.plain(resource.properties.get("ConnectivityType")) == "private":
        return
    attachments = [one for one in view.of(*_GATES) if vpc in references(one.properties.get("VpcId"))]
    routes = [one for one in view.of("AWS::EC2::Route") if view.graph.any_before(one, attachments)]
    if attachments and not view.graph.any_before(resource, [*attachments, *routes]):
        yield Fault("SubnetId", resource.properties.get("SubnetId"), _order(resource, attachments, "the internet gateway's attachment"),
                    error="Network vpc-... has no Internet gateway attached (Gateway.NotAttached)",
                    fix=_depend(attachments, "the attachment"))  # fmt: skip


def _mount_target(function: Resource, view: View) -> Iterator[Fault]:
    for path, value in view.listed(function, "FileSystemConfigs.*.Arn"):
        point = view.target(value, "AWS::EFS::AccessPoint")
        system = (
            view.target(point.properties.get("FileSystemId"), "AWS::EFS::FileSystem") if point is not None else None
        )
        if system is None:
            continue
        targets = _naming(system, ("AWS::EFS::MountTarget",), view)
        if not view.graph.any_before(function, targets):
            yield Fault(path, value, _order(function, targets, f"a mount target of {system.logical_id}"),
                        error="EFS file system ... referenced by access point ... has mount targets created in all availability "
                        "zones the function will execute in, but not all are in the available life cycle state yet.",
                        fix=_depend(targets, "the mount targets"))  # fmt: skip


def _endpoint(endpoint: Resource, view: View) -> Iterator[Fault]:
    config = view.target(endpoint.properties.get("EndpointConfigName"), "AWS::SageMaker::EndpointConfig")
    if config is None:
        return
    for path in ("ProductionVariants.*.ModelName", "ShadowProductionVariants.*.ModelName"):
        for _, value in view.listed(config, path):
            yield from _artefacts(endpoint, "EndpointConfigName", value, view)


def _component(component: Resource, view: View) -> Iterator[Fault]:
    for path, value in view.listed(component, "Specification.ModelName"):
        yield from _artefacts(component, path, value, view)


def _artefacts(resource: Resource, path: str, name: object, view: View) -> Iterator[Fault]:
    """A model in a VPC fetches its artefacts through the VPC's endpoint for S3 as soon as it is hosted."""
    model = view.target(name, "AWS::SageMaker::Model")
    if model is None or not any(view.given(model, place) for place in PLACES):
        return
    for subnet in view.network.subnets(view.items(model, "VpcConfig.Subnets")) or ():
        if view.network.is_open(subnet) == "yes":
            continue
        gates = view.network.endpoints_to("s3", subnet)
        if gates and not view.graph.any_before(resource, gates):
            yield Fault(path, resource.one(path), _order(resource, gates, f"the endpoint by which {model.logical_id} reads S3"),
                        error=_NO_DATA, fix=_depend(gates, "the endpoint"))  # fmt: skip
            return
        routes = _naming(subnet, ("AWS::EC2::SubnetRouteTableAssociation",), view)
        late = [one for one in routes if not view.graph.precedes(one, resource)]
        if late and all(view.network.is_gateway(one) for one in gates):
            what = f"the route from {subnet.logical_id} by which {model.logical_id} reads S3"
            yield Fault(path, resource.one(path), _order(resource, late, what),
                        error=_NO_DATA, fix=_depend(late, "the association"))  # fmt: skip
            return


def _naming(resource: Resource, types: tuple[str, ...], view: View) -> list[Resource]:
    users = (view.template.resources[name] for name in view.graph.users(resource))
    return [one for one in users if one.type in types]


def _order(resource: Resource, found: list[Resource], what: str) -> str:
    if found:
        return f"{resource.logical_id} needs {what} ({found[0].logical_id}) and does not wait for it"
    return f"{resource.logical_id} needs {what}, and the template makes none"


def _depend(found: list[Resource], what: str) -> str:
    return f"Add DependsOn {found[0].logical_id}." if found else f"Add {what}, and DependsOn it."


_NEEDS: dict[str, Callable[[Resource, View], Iterable[Fault]]] = {
    "AWS::ApiGateway::Deployment": _deployment,
    "AWS::CloudTrail::Trail": _trail,
    "AWS::Config::ConfigRule": _config_rule,
    "AWS::EC2::NatGateway": _address,
    "AWS::EC2::Route": _route,
    "AWS::ECS::Service": _service,
    "AWS::Lambda::Function": _mount_target,
    "AWS::OpenSearchServerless::Collection": _collection,
    "AWS::SageMaker::Endpoint": _endpoint,
    "AWS::SageMaker::InferenceComponent": _component,
}
CHECK = Check(
    id="deploy-unnamed-need-first",
    title="What a resource needs but does not name is created before it",
    phase="create",
    why="CloudFormation orders by references alone: a need that no property names needs DependsOn.",
    fix="Add DependsOn.",
    error="(the service does not find what it needs)",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html",
        "https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html",
        "https://github.com/aws/aws-cdk/issues/1160",
    ),
    covers=("DF-097",),
    types=tuple(_NEEDS),
    look=look,
)
