"""Templates in the shape of real labs, small enough to read: what the picture is tried on."""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]


def get(name: str, attribute: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def ref(name: str) -> dict[str, Any]:
    return {"Ref": name}


def sub(text: str) -> dict[str, Any]:
    return {"Fn::Sub": text}


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{type_}", "Properties": properties}


def role(name: str, service: str, *allowed: tuple[str, str]) -> Template:
    """A role and its policy: ``(action, logical id)`` pairs."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}}]}
    statements = [{"Effect": "Allow", "Action": action, "Resource": sub(f"${{{on}}}/*")} for action, on in allowed]
    document = {"Version": "2012-10-17", "Statement": statements}
    return {
        name: resource("IAM::Role", AssumeRolePolicyDocument=trust),
        f"{name}Policy": resource("IAM::ManagedPolicy", PolicyDocument=document, Roles=[ref(name)]),
    }


def bucket(*, logs: str = "", key: str = "Key", days: int = 30) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {"Rules": [{"ExpirationInDays": days}]},
    }
    if key:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": get(key)}
        properties["BucketEncryption"] = {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default}]
        }
    if logs:
        properties["LoggingConfiguration"] = {"DestinationBucketName": ref(logs)}
    return resource("S3::Bucket", **properties)


def network(*services: str) -> Template:
    """An isolated VPC in two zones with interface endpoints and the gateway endpoint of S3."""
    found = {
        "NetworkVpc83F2C1A7": resource("EC2::VPC", CidrBlock="10.0.0.0/16"),
        "NetworkRoutes1A2B3C4D": resource("EC2::RouteTable", VpcId=ref("NetworkVpc83F2C1A7")),
        "NetworkFlowLogs5E6F7A8B": resource("Logs::LogGroup", KmsKeyId=get("Key")),
        "NetworkFlowLog9C0D1E2F": resource("EC2::FlowLog", ResourceId=ref("NetworkVpc83F2C1A7"), ResourceType="VPC"),
        "NetworkClosed": {
            "Type": "Custom::VpcRestrictDefaultSG",
            "Properties": {"ServiceToken": get("Housekeeping"), "VpcId": ref("NetworkVpc83F2C1A7")},
        },
        "NetworkWorkloadGroup": resource("EC2::SecurityGroup", VpcId=ref("NetworkVpc83F2C1A7")),
        "NetworkEndpointGroup": resource("EC2::SecurityGroup", VpcId=ref("NetworkVpc83F2C1A7")),
        "NetworkIngress": resource("EC2::SecurityGroupIngress", GroupId=get("NetworkEndpointGroup", "GroupId")),
        "NetworkS3": _endpoint("s3", "Gateway"),
        **role("HousekeepingRole", "lambda"),
        "Housekeeping": resource("Lambda::Function", Role=get("HousekeepingRole"), Runtime="python3.14"),
    }
    for number in (1, 2):
        found[f"NetworkSubnet{number}"] = resource("EC2::Subnet", VpcId=ref("NetworkVpc83F2C1A7"))
        found[f"NetworkSubnet{number}Routes"] = resource(
            "EC2::SubnetRouteTableAssociation", SubnetId=ref(f"NetworkSubnet{number}")
        )
    for service in services:
        found["Network" + service.title().replace(".", "")] = _endpoint(service, "Interface")
    return found


def _endpoint(service: str, kind: str) -> dict[str, Any]:
    return resource(
        "EC2::VPCEndpoint",
        VpcEndpointType=kind,
        ServiceName=f"com.amazonaws.us-east-1.{service}",
        VpcId=ref("NetworkVpc83F2C1A7"),
        PolicyDocument={"Statement": []},
    )


IN_VPC = {
    "SubnetIds": [ref("NetworkSubnet1"), ref("NetworkSubnet2")],
    "SecurityGroupIds": [get("NetworkWorkloadGroup", "GroupId")],
}


def alarm(metric: str, *, acts: str = "Alerts") -> dict[str, Any]:
    watched = [{"Name": "EndpointName", "Value": get("Endpoint", "EndpointName")}]
    return resource("CloudWatch::Alarm", MetricName=metric, Dimensions=watched, AlarmActions=[ref(acts)])


def hosting() -> Template:
    """A private model on an endpoint that captures what it is asked."""
    return {
        **role("ModelRole", "sagemaker", ("s3:PutObject", "Capture")),
        "Model": resource(
            "SageMaker::Model",
            ExecutionRoleArn=get("ModelRole"),
            EnableNetworkIsolation=True,
            PrimaryContainer={
                "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
                "ModelDataUrl": sub("s3://cdk-hnb659fds-assets-${AWS::AccountId}-us-east-1/0123abcd.tar.gz"),
            },
            VpcConfig={"Subnets": IN_VPC["SubnetIds"], "SecurityGroupIds": IN_VPC["SecurityGroupIds"]},
        ),
        "EndpointConfiguration": resource(
            "SageMaker::EndpointConfig",
            KmsKeyId=get("Key"),
            ProductionVariants=[
                {
                    "VariantName": "main",
                    "ModelName": get("Model", "ModelName"),
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 2,
                }
            ],
            DataCaptureConfig={
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": {"Fn::Join": ["", ["s3://", ref("Capture"), "/capture"]]},
            },
        ),
        "Endpoint": resource(
            "SageMaker::Endpoint", EndpointConfigName=get("EndpointConfiguration", "EndpointConfigName")
        ),
        "Capture": bucket(logs="AccessLogs"),
        "AccessLogs": bucket(key="", days=90),
        "Alerts": resource("SNS::Topic", KmsMasterKeyId=get("Key")),
        "AlertsPolicy": resource("SNS::TopicPolicy", Topics=[ref("Alerts")]),
    }


def realtime_endpoint() -> Template:
    """An endpoint in an isolated VPC with scaling, alarms, a dashboard and a caller; about 60 resources."""
    scaled = {"Fn::Join": ["", ["endpoint/", get("Endpoint", "EndpointName"), "/variant/main"]]}
    tracking = "TargetTrackingScalingPolicyConfiguration"
    policies: dict[str, dict[str, Any]] = {
        "ScalingInvocations": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
        },
        "ScalingLatency": {"CustomizedMetricSpecification": {"MetricName": "ModelLatency"}},
        "ScalingCpu": {"CustomizedMetricSpecification": {"MetricName": "CPUUtilization"}},
    }
    return {
        "Resources": {
            "Key": resource("KMS::Key", EnableKeyRotation=True),
            **network("ecr.api", "ecr.dkr", "logs", "monitoring", "sagemaker.runtime"),
            **hosting(),
            "Scaling": resource(
                "ApplicationAutoScaling::ScalableTarget",
                ResourceId=scaled,
                ScalableDimension="sagemaker:variant:DesiredInstanceCount",
                MinCapacity=2,
                MaxCapacity=4,
                ScheduledActions=[{}, {}],
            ),
            **{
                name: resource(
                    "ApplicationAutoScaling::ScalingPolicy",
                    PolicyType="TargetTrackingScaling",
                    ScalingTargetId=ref("Scaling"),
                    **{tracking: metric},
                )
                for name, metric in policies.items()
            },
            **{f"Alarms{name}": alarm(name) for name in ("ServerErrors", "ClientErrors", "Latency", "NoCapacity")},
            "Dashboard": resource("CloudWatch::Dashboard", DashboardBody="{}"),
            **role("CallerRole", "lambda", ("sagemaker:InvokeEndpoint", "Endpoint"), ("kms:Decrypt", "Key")),
            "CallerLogs": resource("Logs::LogGroup", KmsKeyId=get("Key")),
            "Caller": resource(
                "Lambda::Function",
                Runtime="python3.14",
                Role=get("CallerRole"),
                KmsKeyArn=get("Key"),
                VpcConfig=IN_VPC,
                Environment={"Variables": {"ENDPOINT_NAME": get("Endpoint", "EndpointName")}},
            ),
            **role("ExpiryRole", "scheduler"),
            "Expiry": resource(
                "Scheduler::Schedule",
                ScheduleExpression=sub("at(${DeleteAt})"),
                Target={"Arn": sub("arn:${AWS::Partition}:scheduler:::aws-sdk:cloudformation:deleteStack")},
            ),
        }
    }


def data_lake() -> Template:
    """Three buckets, a catalogue over them, and queries; no network."""
    bucket_path = {"Fn::Join": ["", ["s3://", ref("Raw"), "/flights/"]]}
    return {
        "Resources": {
            "Key": resource("KMS::Key", EnableKeyRotation=True),
            "AccessLogs": bucket(key="", days=90),
            "Raw": bucket(logs="AccessLogs"),
            "Curated": bucket(logs="AccessLogs"),
            "Results": bucket(logs="AccessLogs"),
            "Protection": resource("Glue::SecurityConfiguration", Name="protection"),
            "Catalog": resource("Glue::Database", CatalogId=ref("AWS::AccountId")),
            **role("CrawlerRole", "glue", ("s3:GetObject", "Raw"), ("s3:GetObject", "Curated")),
            "Crawler": resource(
                "Glue::Crawler",
                Role=get("CrawlerRole"),
                DatabaseName=ref("Catalog"),
                Targets={"S3Targets": [{"Path": bucket_path}, {"Path": sub("s3://${Curated}/")}]},
                CrawlerSecurityConfiguration=ref("Protection"),
            ),
            "Workgroup": resource(
                "Athena::WorkGroup",
                WorkGroupConfiguration={
                    "BytesScannedCutoffPerQuery": 100_000_000,
                    "ResultConfiguration": {
                        "OutputLocation": sub("s3://${Results}/"),
                        "EncryptionConfiguration": {"KmsKey": get("Key")},
                    },
                },
            ),
            **{
                f"Query{number}": resource("Athena::NamedQuery", WorkGroup=ref("Workgroup"), Database=ref("Catalog"))
                for number in range(3)
            },
        }
    }


def train_private() -> Template:
    """A network and a role for jobs that the steps start; nothing in the stack uses them."""
    return {
        "Resources": {
            "Key": resource("KMS::Key", EnableKeyRotation=True),
            **network("ecr.api", "ecr.dkr", "logs", "monitoring", "sagemaker.api"),
            "AccessLogs": bucket(key="", days=90),
            "Data": bucket(logs="AccessLogs"),
            "Models": bucket(logs="AccessLogs"),
            "Packages": resource("SageMaker::ModelPackageGroup", ModelPackageGroupName="delays"),
            **role(
                "TrainingRole",
                "sagemaker",
                ("s3:GetObject", "Data"),
                ("s3:PutObject", "Models"),
                ("s3:GetObject", "Models"),
                ("sagemaker:CreateModelPackage", "Packages"),
            ),
        },
        "Outputs": {"TrainingRoleArn": {"Value": get("TrainingRole")}},
    }


def launched_jobs() -> Template:
    """A function in the VPC that starts training jobs with a role of their own."""
    definition = [
        '{"RoleArn":"', get("TrainingJobRole"), '","ResourceConfig":{"InstanceType":"ml.m5.large"},',
        '"EnableManagedSpotTraining":true,"VpcConfig":{"Subnets":["', ref("NetworkSubnet1"), '"]},',
        '"OutputDataConfig":{"S3OutputPath":"s3://', ref("Data"), '/models"}}',
    ]  # fmt: skip
    launcher = role("LauncherRole", "lambda", ("sagemaker:CreateTrainingJob", "Data"))
    launcher["LauncherRolePolicy"]["Properties"]["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": get("TrainingJobRole")}
    )
    return {
        "Resources": {
            **network("sagemaker.api"),
            **launcher,
            **role("TrainingJobRole", "sagemaker", ("s3:GetObject", "Data"), ("s3:PutObject", "Data")),
            "Key": resource("KMS::Key", EnableKeyRotation=True),
            "Data": bucket(),
            "Apart": bucket(),
            "Launcher": resource(
                "Lambda::Function",
                Runtime="python3.14",
                Role=get("LauncherRole"),
                VpcConfig={"SubnetIds": [ref("NetworkSubnet1")]},
                Environment={"Variables": {"JOB_DEFINITION": {"Fn::Join": ["", definition]}}},
            ),
        }
    }


def canary_rollout() -> Template:
    """An endpoint that alarms roll back, and a monitor whose alarm starts a pipeline: lines that run in circles."""
    stages = [
        {
            "Name": "Source",
            "Actions": [{"ActionTypeId": {"Category": "Source"}, "Configuration": {"S3Bucket": ref("Code")}}],
        },
        {
            "Name": "Train",
            "Actions": [{"ActionTypeId": {"Category": "Build"}, "Configuration": {"ProjectName": ref("Build")}}],
        },
        {
            "Name": "Release",
            "Actions": [{"ActionTypeId": {"Category": "Build"}, "Configuration": {"ProjectName": ref("Deploy")}}],
        },
    ]
    template = hosting()
    template["Endpoint"]["Properties"]["DeploymentConfig"] = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY"}},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ref("ServerErrors")}]},
    }
    return {
        "Resources": {
            "Key": resource("KMS::Key"),
            **network("ecr.api", "ecr.dkr", "logs", "sagemaker.api", "sagemaker.runtime"),
            **template,
            "ServerErrors": alarm("Invocation5XXErrors"),
            "Drift": alarm("Drift"),
            "Reports": bucket(),
            "Baseline": resource(
                "SageMaker::DataQualityJobDefinition",
                DataQualityJobInput={"EndpointInput": {"EndpointName": get("Endpoint", "EndpointName")}},
                DataQualityJobOutputConfig={"S3Uri": sub("s3://${Reports}/")},
            ),
            "Monitor": resource(
                "SageMaker::MonitoringSchedule",
                MonitoringScheduleConfig={
                    "MonitoringType": "DataQuality",
                    "MonitoringJobDefinitionName": get("Baseline", "JobDefinitionName"),
                    "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
                },
            ),
            "OnDrift": resource(
                "Events::Rule",
                EventPattern={"detail-type": ["CloudWatch Alarm State Change"], "resources": [get("Drift")]},
                Targets=[{"Arn": sub("arn:aws:codepipeline:us-east-1:1:${Retrain}")}],
            ),
            "Code": bucket(),
            "Artifacts": bucket(),
            **role("BuildRole", "codebuild", ("s3:GetObject", "Capture"), ("sagemaker:CreateModelPackage", "Packages")),
            "Packages": resource("SageMaker::ModelPackageGroup", ModelPackageGroupName="delays"),
            "Build": resource("CodeBuild::Project", ServiceRole=get("BuildRole")),
            **role("DeployRole", "codebuild", ("sagemaker:UpdateEndpoint", "Endpoint")),
            "Deploy": resource("CodeBuild::Project", ServiceRole=get("DeployRole")),
            "Retrain": resource("CodePipeline::Pipeline", Stages=stages, ArtifactStore={"Location": ref("Artifacts")}),
        }
    }


def streaming() -> Template:
    """Records through a queue and a function to a table and a delivery stream, with a type that nobody knows."""
    return {
        "Resources": {
            "Key": resource("KMS::Key"),
            "Other": resource("KMS::Key"),
            "Stream": resource("Kinesis::Stream", StreamEncryption={"KeyId": get("Key")}),
            "Failures": resource("SQS::Queue", KmsMasterKeyId=ref("Other")),
            **role(
                "ScoreRole",
                "lambda",
                ("kinesis:GetRecords", "Stream"),
                ("dynamodb:PutItem", "Scores"),
                ("sqs:SendMessage", "Failures"),
            ),
            "Score": resource(
                "Lambda::Function", Role=get("ScoreRole"), DeadLetterConfig={"TargetArn": get("Failures")}
            ),
            "ScoreRecords": resource(
                "Lambda::EventSourceMapping", EventSourceArn=get("Stream"), FunctionName=ref("Score")
            ),
            "Scores": resource("DynamoDB::Table", SSESpecification={"KMSMasterKeyId": get("Key")}),
            "Delivery": resource(
                "KinesisFirehose::DeliveryStream",
                KinesisStreamSourceConfiguration={"KinesisStreamARN": get("Stream")},
                ExtendedS3DestinationConfiguration={"BucketARN": get("Lake")},
            ),
            "Lake": bucket(),
            "Strange": resource("GroundStation::Config", Sends=ref("Stream"), Name="<&> a name"),
        }
    }


ALL = {
    "realtime_endpoint": realtime_endpoint,
    "data_lake": data_lake,
    "train_private": train_private,
    "canary_rollout": canary_rollout,
    "streaming": streaming,
    "launched_jobs": launched_jobs,
}
