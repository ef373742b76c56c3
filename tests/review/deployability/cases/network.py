"""Networks in which something cannot reach, fit or go."""

from __future__ import annotations

import json

from tests.review.deployability.parts import (
    Case,
    Resources,
    allow,
    arn,
    depending,
    document,
    doors,
    function,
    gateway,
    having,
    interface,
    interfaces,
    one,
    ref,
    role,
    sub,
    subnet_refs,
    subnets,
)  # fmt: skip

NET = subnets()
IN = {"SubnetIds": subnet_refs(), "SecurityGroupIds": [arn("Group", "GroupId")]}
OPEN: Resources = {
    "Door": one("AWS::EC2::InternetGateway"),
    "Attach": one("AWS::EC2::VPCGatewayAttachment", VpcId=ref("Vpc"), InternetGatewayId=ref("Door")),
    "Out": one(
        "AWS::EC2::Route", "Attach", RouteTableId=ref("Routes"), DestinationCidrBlock="0.0.0.0/0", GatewayId=ref("Door")
    ),
}
MODEL = one(
    "AWS::SageMaker::Model", ExecutionRoleArn="arn:aws:iam::1:role/x",
    PrimaryContainer={"Image": "i", "ModelDataUrl": "s3://models/one.tar.gz"},
    VpcConfig={"Subnets": subnet_refs(), "SecurityGroupIds": [arn("Group", "GroupId")]},
)  # fmt: skip
ROUTED = ("Subnet0Routes", "Subnet1Routes")
CONFIG = one(
    "AWS::SageMaker::EndpointConfig",
    ProductionVariants=[{"VariantName": "main", "ModelName": arn("Model", "ModelName")}],
)
HOSTED = one("AWS::SageMaker::Endpoint", EndpointConfigName=arn("Config", "EndpointConfigName"))
COMPONENT = one(
    "AWS::SageMaker::InferenceComponent", EndpointName="e", Specification={"ModelName": arn("Model", "ModelName")}
)
CALLS = role("lambda.amazonaws.com", allow("sts:AssumeRole"), allow("ec2:*"))
TASK = one(
    "AWS::ECS::TaskDefinition", NetworkMode="awsvpc",
    ContainerDefinitions=[{
        "Name": "app", "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1",
        "LogConfiguration": {"LogDriver": "awslogs"}, "Secrets": [{"Name": "S", "ValueFrom": "arn:aws:secretsmanager:us-east-1:1:secret:s"}],
    }],
)  # fmt: skip
SERVICE = one("AWS::ECS::Service", TaskDefinition=ref("Task"), NetworkConfiguration={"AwsvpcConfiguration": {
    "Subnets": subnet_refs(), "SecurityGroups": [arn("Group", "GroupId")]}})  # fmt: skip
LAYERS = document(
    allow("s3:GetObject", sub("arn:${AWS::Partition}:s3:::prod-${AWS::Region}-starport-layer-bucket/*"), Principal="*"),
    allow("s3:GetObject", "arn:aws:s3:::models/*", Principal="*"),
)
NO_LAYERS = document(allow("s3:GetObject", "arn:aws:s3:::models/*", Principal="*"))


def admitting(port: int) -> dict:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "SourceSecurityGroupId": arn("Group", "GroupId")}


def rules(way: str, *ports: tuple[int, int]) -> Resources:
    side = "Source" if way == "Ingress" else "Destination"
    return {
        f"{way}{low}": one(f"AWS::EC2::SecurityGroup{way}", GroupId=arn("Group", "GroupId"), IpProtocol="tcp", FromPort=low, ToPort=high,
                           **{f"{side}SecurityGroupId": arn("Group", "GroupId")})
        for low, high in ports
    }  # fmt: skip


WORKGROUP = one("AWS::RedshiftServerless::Workgroup", WorkgroupName="group", BaseCapacity=8, SubnetIds=subnet_refs())
BROKERS = one(
    "AWS::MSK::Cluster", ClusterName="flows", KafkaVersion="3.7.x", NumberOfBrokerNodes=3,
    BrokerNodeGroupInfo={"InstanceType": "kafka.m5.large", "ClientSubnets": subnet_refs()},
)  # fmt: skip
LUSTRE = one(
    "AWS::FSx::FileSystem", FileSystemType="LUSTRE", SubnetIds=["subnet-1"], SecurityGroupIds=[arn("Group", "GroupId")]
)
CONNECTION = one("AWS::Glue::Connection", CatalogId="1", ConnectionInput={"ConnectionType": "NETWORK", "PhysicalConnectionRequirements": {
    "SecurityGroupIdList": [arn("Group", "GroupId")]}})  # fmt: skip
DOMAIN = one(
    "AWS::SageMaker::Domain", DomainName="studio", AuthMode="IAM", VpcId=ref("Vpc"), SubnetIds=subnet_refs(),
    DefaultUserSettings={"ExecutionRole": "arn:aws:iam::1:role/x"},
)  # fmt: skip
MACHINE = role("lambda.amazonaws.com", allow(["elasticfilesystem:DeleteFileSystem", "ec2:DeleteSecurityGroup"]))
CLUSTER = one(
    "AWS::EMR::Cluster", Name="c", JobFlowRole="r", ServiceRole="s", Instances={"Ec2SubnetId": ref("Subnet0")}
)
SEARCH = one("AWS::OpenSearchService::Domain", VPCOptions={"SubnetIds": [ref("Subnet0")]})

CASES = [
    Case("a model without a way to S3", "deploy-services-reachable", NET | {"Model": MODEL}, {"S3": gateway()},
         "Failed to download model data from URL", "DF-053", on="Model"),
    Case("a model whose artefact the S3 endpoint's policy leaves out", "deploy-services-reachable",
         NET | {"Model": MODEL, "S3": gateway(PolicyDocument=document(allow("s3:GetObject", "arn:aws:s3:::other/*", Principal="*")))},
         {"S3": gateway(PolicyDocument=NO_LAYERS)}, "does not let anyone read it"),
    Case("a kubectl handler without a way to EKS", "deploy-services-reachable",
         NET | {"Runs": role("lambda.amazonaws.com", allow("ec2:*")), "Handler": function("Runs", VpcConfig=IN),
                "Chart": one("Custom::AWSCDK-EKS-HelmChart", ServiceToken=arn("Handler"), Chart="x")},
         {"S3": gateway()} | interfaces("eks", "sts", "ecr.api", "ecr.dkr"), "Connection timed out", "DF-063"),
    Case("a container service without a way to its registry", "deploy-services-reachable",
         NET | {"Task": TASK, "Service": SERVICE}, {"S3": gateway()} | interfaces("ecr.api", "ecr.dkr", "logs", "secretsmanager"),
         "unable to pull secrets or registry auth", "DF-071"),
    Case("an old SDK that calls the global name of STS", "deploy-services-reachable",
         NET | interfaces("sts") | {"Runs": CALLS, "Worker": having(function("Runs", VpcConfig=IN), Runtime="python3.11")},
         {"Worker": having(function("Runs", VpcConfig=IN, Environment={"Variables": {"AWS_STS_REGIONAL_ENDPOINTS": "regional"}}), Runtime="python3.11")},
         "sts.amazonaws.com", "DF-073"),
    Case("a custom resource's handler that cannot answer", "deploy-services-reachable",
         NET | {"Handler": function(VpcConfig=IN), "Thing": one("Custom::Thing", ServiceToken=arn("Handler"))}, {"S3": gateway()},
         "did not receive a response from your Custom Resource", "DF-075"),
    Case("a rotation function without a way to Secrets Manager", "deploy-services-reachable",
         NET | {"Rotator": function(VpcConfig=IN), "Rotation": one("AWS::SecretsManager::RotationSchedule", SecretId="s", RotationLambdaARN=arn("Rotator"))},
         interfaces("secretsmanager"), "A previous rotation isn't complete", "DF-077"),
    Case("a serverless EMR application without a way to S3", "deploy-services-reachable",
         NET | {"Application": one("AWS::EMRServerless::Application", ReleaseLabel="emr-7.0.0", Type="Spark", NetworkConfiguration=IN)}, {"S3": gateway()},
         "connection time-out to S3", "DF-079"),
    Case("a build in isolated subnets", "deploy-services-reachable",
         NET | {"Build": one("AWS::CodeBuild::Project", VpcConfig={"VpcId": ref("Vpc"), "Subnets": subnet_refs(), "SecurityGroupIds": [arn("Group", "GroupId")]})}, OPEN),
    Case("a model in subnets that are not in the template", "deploy-services-reachable",
         {"Model": having(MODEL, VpcConfig={"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})}, {"Model": having(MODEL, VpcConfig=None)}, "not known", unknown=True),
    Case("an S3 endpoint whose policy leaves out the layers of images", "deploy-image-layers-allowed",
         NET | {"Task": TASK, "Service": SERVICE, "S3": gateway(PolicyDocument=NO_LAYERS)}, {"S3": gateway(PolicyDocument=LAYERS)},
         "starport-layer-bucket", "DF-069", on="S3"),
    Case("a model's image layers through a narrow endpoint", "deploy-image-layers-allowed",
         NET | {"Model": MODEL, "S3": gateway(PolicyDocument=NO_LAYERS)}, {"S3": gateway()}),
    Case("two endpoints with private DNS for one service", "deploy-endpoint-dns-unique",
         NET | interfaces("sts") | {"Second": interface("sts")}, {"Second": None}, "already a conflicting DNS domain", "DF-065"),
    Case("an endpoint in a VPC that another stack owns", "deploy-endpoint-dns-unique",
         {"Sts": interface("sts", VpcId="vpc-1")}, NET | interfaces("sts") | {"Sts": None}, "not known", unknown=True),
    Case("an endpoint with private DNS in a VPC that resolves no names", "deploy-endpoint-dns-unique",
         NET | interfaces("sts") | {"Vpc": having(NET["Vpc"], EnableDnsSupport=False)}, {"Vpc": NET["Vpc"]}, "enableDnsSupport"),
    Case("an endpoint whose group lets its clients not in", "deploy-endpoint-admits-clients",
         NET | interfaces("logs") | {"Doors": doors(), "Worker": function(VpcConfig=IN)}, {"Doors": doors(admitting(443))},
         "every call to the service times out", "DF-067"),
    Case("an endpoint that lets its clients in on another port", "deploy-endpoint-admits-clients",
         NET | interfaces("logs") | {"Doors": doors(admitting(80)), "Model": MODEL}, {"Doors": doors(admitting(443))}),
    Case("a client whose group lets nothing out on 443", "deploy-endpoint-admits-clients",
         NET | interfaces("logs") | {"Worker": function(VpcConfig=IN), "Group": having(NET["Group"], SecurityGroupEgress=[{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "CidrIp": "10.0.0.0/16"}])},
         {"Group": NET["Group"]}, "lets Worker out"),
    Case("a warehouse in two zones", "deploy-subnets-fit", NET | {"Workgroup": WORKGROUP},
         subnets(3) | {"Workgroup": having(WORKGROUP, SubnetIds=subnet_refs(3))}, "3 in 3 zones are needed", "DF-081"),
    Case("a warehouse in subnets with few addresses", "deploy-subnets-fit", subnets(3, size=28) | {"Workgroup": having(WORKGROUP, SubnetIds=subnet_refs(3), BaseCapacity=512)},
         subnets(3, size=22) | {"Workgroup": having(WORKGROUP, SubnetIds=subnet_refs(3), BaseCapacity=8)}, "usable addresses"),
    Case("three brokers in two subnets", "deploy-subnets-fit", NET | {"Brokers": BROKERS}, {"Brokers": having(BROKERS, NumberOfBrokerNodes=4)},
         "multiple of Availability Zones", "DF-091"),
    Case("a cluster whose subnets are in one zone", "deploy-subnets-fit",
         subnets(2, zones=["us-east-1a", "us-east-1a"]) | {"Cluster": one("AWS::EKS::Cluster", RoleArn="r", ResourcesVpcConfig={"SubnetIds": subnet_refs()})}, subnets(2)),
    Case("a search domain with two subnets for one zone", "deploy-subnets-fit",
         NET | {"Search": having(SEARCH, VPCOptions={"SubnetIds": subnet_refs()})}, {"Search": SEARCH}, "exactly 1 subnets"),
    Case("the third zone of an account with two", "deploy-zones-exist",
         {"Subnet": one("AWS::EC2::Subnet", VpcId="vpc-1", CidrBlock="10.0.0.0/24", AvailabilityZone={"Fn::Select": [2, {"Fn::GetAZs": ""}]})},
         {"Subnet": one("AWS::EC2::Subnet", VpcId="vpc-1", CidrBlock="10.0.0.0/24", AvailabilityZone={"Fn::Select": [1, {"Fn::GetAZs": ""}]})},
         "cannot select nonexistent value at index 2", "DF-143"),
    Case("the fifth of four address ranges", "deploy-zones-exist",
         {"Subnet": one("AWS::EC2::Subnet", VpcId="vpc-1", CidrBlock={"Fn::Select": [4, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]})},
         {"Subnet": one("AWS::EC2::Subnet", VpcId="vpc-1", CidrBlock={"Fn::Select": [3, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]})}),
    Case("a zone of another region", "deploy-zones-exist",
         {"Subnet": one("AWS::EC2::Subnet", VpcId="vpc-1", CidrBlock="10.0.0.0/24", AvailabilityZone="eu-west-1a")},
         {"Subnet": one("AWS::EC2::Subnet", VpcId="vpc-1", CidrBlock="10.0.0.0/24", AvailabilityZone="us-east-1a")}),
    Case("a Lustre file system without its port", "deploy-group-lets-itself", NET | {"Files": LUSTRE},
         rules("Ingress", (988, 988), (1018, 1023)), "Lustre LNET network traffic on port 988", "DF-083"),
    Case("a Glue connection whose group does not let its workers talk", "deploy-group-lets-itself", NET | {"Connection": CONNECTION},
         rules("Ingress", (0, 65535)), "must open all ingress ports", "DF-087"),
    Case("an Airflow environment whose group does not let itself in", "deploy-group-lets-itself",
         NET | {"Flows": one("AWS::MWAA::Environment", Name="f", NetworkConfiguration={"SecurityGroupIds": [arn("Group", "GroupId")]})}, rules("Ingress", (0, 65535))),
    Case("a notebook endpoint named like the others", "deploy-endpoint-service-exists",
         NET | interfaces("notebook"), {"ToNotebook": interface("x", ServiceName="aws.sagemaker.us-east-1.notebook")}, "aws.sagemaker.us-east-1.notebook"),
    Case("a SageMaker endpoint named after the service", "deploy-endpoint-service-exists",
         {"Sagemaker": interface("x", ServiceName="aws.sagemaker.us-east-1.sagemaker")}, {"Sagemaker": interface("sagemaker.api")}, "does not exist", "DF-149"),
    Case("an endpoint of another region", "deploy-endpoint-service-exists",
         {"Sts": interface("x", ServiceName="com.amazonaws.us-west-2.sts")}, {"Sts": interface("x", ServiceName=sub("com.amazonaws.${AWS::Region}.sts"))}, "the stack is for us-east-1"),
    Case("a Studio domain whose home file system holds the subnets", "deploy-service-storage-removed", NET | {"Studio": DOMAIN},
         {"Runs": MACHINE, "Handler": function("Runs"), "Clean": one("Custom::Clean", ServiceToken=arn("Handler"), Subnets=subnet_refs()), "Studio": depending(DOMAIN, "Clean")},
         "home file system", "DF-061"),
    Case("a cluster whose own security groups stay", "deploy-service-storage-removed", NET | {"Cluster": CLUSTER},
         {"Cluster": having(CLUSTER, Instances={"Ec2SubnetId": ref("Subnet0"), "EmrManagedMasterSecurityGroup": ref("Group"), "EmrManagedSlaveSecurityGroup": ref("Group")})}),
    Case("a stage that logs without the account's role", "deploy-account-prepared",
         {"Stage": one("AWS::ApiGateway::Stage", RestApiId="a", StageName="live", DeploymentId="d", MethodSettings=[{"LoggingLevel": "INFO", "HttpMethod": "*", "ResourcePath": "/*"}])},
         {"Account": one("AWS::ApiGateway::Account", CloudWatchRoleArn="arn:aws:iam::1:role/x"),
          "Stage": one("AWS::ApiGateway::Stage", "Account", RestApiId="a", StageName="live", DeploymentId="d", MethodSettings=[{"LoggingLevel": "INFO", "HttpMethod": "*", "ResourcePath": "/*"}])},
         "CloudWatch Logs role ARN must be set", "DF-095"),
    Case("a search domain in a VPC without its service-linked role", "deploy-account-prepared", NET | {"Search": SEARCH},
         {"Linked": one("AWS::IAM::ServiceLinkedRole", AWSServiceName="opensearchservice.amazonaws.com"), "Search": depending(SEARCH, "Linked")},
         "enable a service-linked role", "DF-101"),
    Case("access logs of a stage before the account's role", "deploy-account-prepared",
         {"Account": one("AWS::ApiGateway::Account"), "Stage": one("AWS::ApiGateway::Stage", RestApiId="a", StageName="live", DeploymentId="d", AccessLogSetting={"DestinationArn": "arn:aws:logs:x"})},
         {"Stage": one("AWS::ApiGateway::Stage", "Account", RestApiId="a", StageName="live", DeploymentId="d", AccessLogSetting={"DestinationArn": "arn:aws:logs:x"})}, "does not wait"),
    Case("a service that does not wait for its listener", "deploy-unnamed-need-first",
         {"Targets": one("AWS::ElasticLoadBalancingV2::TargetGroup", VpcId="v"),
          "Listener": one("AWS::ElasticLoadBalancingV2::Listener", LoadBalancerArn="l", DefaultActions=[{"Type": "forward", "TargetGroupArn": ref("Targets")}]),
          "Service": one("AWS::ECS::Service", LoadBalancers=[{"ContainerName": "a", "ContainerPort": 80, "TargetGroupArn": ref("Targets")}])},
         {"Service": one("AWS::ECS::Service", "Listener", LoadBalancers=[{"ContainerName": "a", "ContainerPort": 80, "TargetGroupArn": ref("Targets")}])},
         "does not have an associated load balancer", "DF-097"),
    Case("a route to a gateway that is not attached yet", "deploy-unnamed-need-first", NET | OPEN | {"Out": {k: v for k, v in OPEN["Out"].items() if k != "DependsOn"}}, {"Out": OPEN["Out"]}),
    Case("an endpoint before the S3 endpoint that its model reads through", "deploy-unnamed-need-first",
         NET | {"Model": MODEL, "Config": CONFIG, "Endpoint": HOSTED, "S3": gateway()}, {"Model": depending(MODEL, "S3", *ROUTED)}, "by which Model reads S3", on="Endpoint"),
    Case("an endpoint before the route by which its model reads S3", "deploy-unnamed-need-first",
         NET | {"Model": depending(MODEL, "S3", ROUTED[0]), "Config": CONFIG, "Endpoint": HOSTED, "S3": gateway()},
         {"Model": depending(MODEL, "S3", *ROUTED)}, "the route from Subnet1 by which Model reads S3", on="Endpoint"),
    Case("a shadow variant before the S3 endpoint that its model reads through", "deploy-unnamed-need-first",
         NET | {"Model": MODEL, "Config": one("AWS::SageMaker::EndpointConfig", ProductionVariants=[], ShadowProductionVariants=[{"ModelName": arn("Model", "ModelName")}]),
                "Endpoint": HOSTED, "S3": interface("s3")}, {"Endpoint": depending(HOSTED, "S3")}),
    Case("an inference component before the S3 endpoint that its model reads through", "deploy-unnamed-need-first",
         NET | {"Model": MODEL, "Component": COMPONENT, "S3": gateway()}, {"Component": depending(COMPONENT, "S3", *ROUTED)}),
    Case("an endpoint that is made beside the S3 endpoint and reaches S3 by another way", "deploy-unnamed-need-first",
         NET | {"Model": MODEL, "Config": CONFIG, "Endpoint": HOSTED, "S3": gateway()}, OPEN),
    Case("an endpoint before the S3 endpoint, whose repaired model brings nothing to read", "deploy-unnamed-need-first",
         NET | {"Model": MODEL, "Config": CONFIG, "Endpoint": HOSTED, "S3": gateway()}, {"Model": having(MODEL, PrimaryContainer={"Image": "i"})}),
    Case("a vector collection before its encryption policy", "deploy-unnamed-need-first",
         {"Vectors": one("AWS::OpenSearchServerless::Collection", Name="vectors"), "Policy": one("AWS::OpenSearchServerless::SecurityPolicy", Name="p", Type="encryption", Policy=json.dumps({}))},
         {"Vectors": one("AWS::OpenSearchServerless::Collection", "Policy", Name="vectors")}),
]  # fmt: skip
