"""Networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.secure.endpoints import ServiceEndpoint, s3_policy
from stacks.secure.housekeeping import Housekeeping
from stacks.secure.key import Key
from stacks.secure.log_group import LogGroup
from stacks.secure.names import att, first_zone, placed, ref, stack_of
from stacks.secure.role import Role

if TYPE_CHECKING:
    from stacks.secure.bucket import Bucket
    from stacks.settings import Settings


class Network(Construct):
    """A VPC without a route to the internet; AWS is reached through endpoints that serve this account only.

    Interface endpoints share one security group that lets in the workload group on port 443. The workload group
    may open connections to them and to S3. Accepted and rejected traffic is logged. The default group is closed.
    With the setting ``own_vpc`` only the workload group and its way to the VPC's endpoints are created.

    Args:
        endpoints: AWS services that the lab's workloads call.
        buckets: buckets reachable through the S3 gateway endpoint; ``serve_bucket`` adds more.
        key: the lab's key.
    """

    def __init__(self, scope: Construct, id: str, *, endpoints: Sequence[ServiceEndpoint], key: Key) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        settings = stack_of(self).settings
        self._s3: ec2.CfnVPCEndpoint | None = None
        self._buckets: list[str] = []
        self._routed: list[ec2.CfnSubnetRouteTableAssociation] = []
        self.interface_endpoints: list[ec2.CfnVPCEndpoint] = []
        if settings.own_vpc:
            self.vpc_id: str = settings.own_vpc.vpc_id
            self.subnet_ids: list[str] = list(settings.own_vpc.subnet_ids)
            endpoint_group: str = settings.own_vpc.endpoint_security_group_id
        else:
            vpc = self._vpc(settings)
            self._flow_logs(key)
            Housekeeping.of(self, key=key).close_default_group(self, vpc)
            group = ec2.CfnSecurityGroup(
                self, "EndpointGroup", vpc_id=self.vpc_id, group_description="Interface endpoints: 443 from workloads",
                security_group_egress=_no_egress(),
            )  # fmt: skip
            placed(group, self, "EndpointGroup")
            endpoint_group = att(group, "GroupId")
        # S3 is reached by public address through the gateway endpoint; no other route leaves the VPC.
        workload = ec2.CfnSecurityGroup(
            self,
            "WorkloadGroup",
            vpc_id=self.vpc_id,
            group_description="Workloads: 443 to interface endpoints and to S3 through the gateway endpoint",
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp", from_port=443, to_port=443, cidr_ip="0.0.0.0/0",
                    description="HTTPS; routes exist to endpoints only",
                )
            ],
        )  # fmt: skip
        self.workload_group = workload
        placed(workload, self, "WorkloadGroup")
        self.workload_group_id: str = att(workload, "GroupId")
        ec2.CfnSecurityGroupIngress(
            self,
            "WorkloadsToEndpoints",
            group_id=endpoint_group,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            source_security_group_id=self.workload_group_id,
            description="HTTPS from workloads",
        )
        if not settings.own_vpc:
            for endpoint in endpoints:
                made = ec2.CfnVPCEndpoint(
                    self,
                    endpoint.id,
                    vpc_endpoint_type="Interface",
                    vpc_id=self.vpc_id,
                    service_name=endpoint.service_name(settings.region),
                    subnet_ids=self.subnet_ids,
                    security_group_ids=[endpoint_group],
                    private_dns_enabled=True,
                    policy_document=endpoint.policy(),
                )
                placed(made, self, endpoint.id)
                self.interface_endpoints.append(made)

    def serve_bucket(self, bucket: Bucket | str) -> None:
        """Let workloads reach one more bucket through the S3 gateway endpoint.

        Args:
            bucket: a bucket of the stack, or an ARN with ``${...}`` references.
        """
        arn = bucket if isinstance(bucket, str) else bucket.sub_arn
        if arn not in self._buckets:
            self._buckets.append(arn)

    def ready_for(self, *resources: cdk.CfnResource) -> None:
        """Create these after the endpoints they start through and the routes to S3, and delete them before."""
        for resource in resources:
            stack_of(self).order(resource, after=self._ways)

    def _ways(self) -> list[cdk.CfnResource]:
        return [*self._routed, *self.interface_endpoints, *([self._s3] if self._s3 else [])]

    def _vpc(self, settings: Settings) -> ec2.CfnVPC:
        vpc = ec2.CfnVPC(
            self, "Vpc", cidr_block=settings.cidr, enable_dns_hostnames=True, enable_dns_support=True,
            tags=[cdk.CfnTag(key="Name", value=stack_of(self).name)],
        )  # fmt: skip
        placed(vpc, self, "Vpc")
        self.vpc_id = ref(vpc)
        routes = ec2.CfnRouteTable(self, "Routes", vpc_id=self.vpc_id)
        placed(routes, self, "Routes")
        zones = list(settings.zone_names) or [first_zone(number) for number in range(settings.zones)]
        whole = ipaddress.IPv4Network(settings.cidr)
        ranges = whole.subnets(prefixlen_diff=2)
        self.subnet_ids = []
        for number, (zone, block) in enumerate(zip(zones, ranges, strict=False), start=1):
            subnet = ec2.CfnSubnet(
                self, f"Subnet{number}", vpc_id=self.vpc_id, cidr_block=str(block), availability_zone=zone,
                map_public_ip_on_launch=False,
            )  # fmt: skip
            placed(subnet, self, f"Subnet{number}")
            routed = ec2.CfnSubnetRouteTableAssociation(
                self, f"Subnet{number}Routes", subnet_id=ref(subnet), route_table_id=ref(routes)
            )
            placed(routed, self, f"Subnet{number}Routes")
            self._routed.append(routed)
            self.subnet_ids.append(ref(subnet))
        stack_of(self).at_the_end(lambda: self._reach_s3(settings.region, ref(routes)))
        return vpc

    def _reach_s3(self, region: str, route_table: str) -> None:
        self._s3 = ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_endpoint_type="Gateway",
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{region}.s3",
            route_table_ids=[route_table],
            policy_document=s3_policy(self._buckets),
        )
        placed(self._s3, self, "S3")

    def _flow_logs(self, key: Key) -> None:
        group = LogGroup(self, "FlowLogs", key=key)
        role = Role(self, "FlowLogRole", service="vpc-flow-logs")
        # Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        role.can_log(group)
        flow = ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=ref(group),
            deliver_logs_permission_arn=role.arn_,
            max_aggregation_interval=60,
        )
        placed(flow, self, "FlowLog")
        role.ready(flow)


def _no_egress() -> list[ec2.CfnSecurityGroup.EgressProperty]:
    """A rule that matches nothing: with no rule at all EC2 would allow everything out."""
    return [
        ec2.CfnSecurityGroup.EgressProperty(
            ip_protocol="icmp", from_port=252, to_port=86, cidr_ip="255.255.255.255/32", description="no traffic"
        )
    ]
