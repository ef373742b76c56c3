"""A template with a place for every operator, written by hand."""

from __future__ import annotations

from typing import Any

KEY = {"Fn::GetAtt": ["Key", "Arn"]}
TAGS = [{"Key": "lab", "Value": "d9-tiny"}]
ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
ROLE = {"Fn::GetAtt": ["Role", "Arn"]}
NETWORK = {"SecurityGroupIds": [{"Fn::GetAtt": ["Workloads", "GroupId"]}], "Subnets": [{"Ref": "SubnetA"}]}


def statement(action: Any, resource: Any = None, *, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """A statement."""
    return {"Effect": effect, "Action": action} | ({"Resource": resource} if resource else {}) | more


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """A policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def resource(type_: str, *needs: str, **properties: Any) -> dict[str, Any]:
    """A resource, with what it waits for."""
    return {"Type": type_, "Properties": properties} | ({"DependsOn": list(needs)} if needs else {})


SERVICE = {"Principal": {"Service": "lambda.amazonaws.com"}}
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
OLD = {"NumericLessThan": {"s3:TlsVersion": 1.2}}
CRON = "cron(0 6 * * ? *)"
JOB = '{"EnableNetworkIsolation": true, "EnableInterContainerTrafficEncryption": true, "VpcConfig": {}, "VolumeKmsKeyId": "x"}'
METRIC = {"MetricName": "Errors", "Dimensions": [{"Name": "EndpointName", "Value": "e"}]}
POLICY = document(
    statement(["s3:GetObject", "s3:ListBucket"], {"Fn::Sub": "arn:${AWS::Partition}:s3:::data/*"}),
    statement("iam:PassRole", ROLE, Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}),
)
TOPIC_POLICY = document(
    statement("sns:Publish", {"Ref": "Topic"}, Condition=ACCOUNT, **SERVICE),
    statement("sns:Publish", {"Ref": "Topic"}, effect="Deny", Principal="*", Condition=PLAIN),
)

EVERYTHING: dict[str, Any] = {
    "Outputs": {"Name": {"Value": {"Ref": "Bucket"}}},
    "Resources": {
        "Key": resource(
            "AWS::KMS::Key",
            EnableKeyRotation=True,
            PendingWindowInDays=7,
            Tags=TAGS,
            KeyPolicy=document(
                statement("kms:*", "*", Principal={"AWS": "arn:aws:iam::123456789012:root"}),
                statement(["kms:Decrypt", "kms:GenerateDataKey"], "*", Condition=ACCOUNT, **SERVICE),
            ),
        ),
        "Network": resource("AWS::EC2::VPC", EnableDnsSupport=True, CidrBlock="10.0.0.0/16"),
        "Table": resource("AWS::EC2::RouteTable", VpcId={"Ref": "Network"}),
        "SubnetA": resource(
            "AWS::EC2::Subnet", AvailabilityZone="us-east-1a", CidrBlock="10.0.0.0/18", MapPublicIpOnLaunch=False
        ),
        "SubnetB": resource("AWS::EC2::Subnet", AvailabilityZone="us-east-1b", CidrBlock="10.0.64.0/18"),
        "TableOfSubnet": resource("AWS::EC2::SubnetRouteTableAssociation", RouteTableId={"Ref": "Table"}),
        "Workloads": resource(
            "AWS::EC2::SecurityGroup", SecurityGroupEgress=[{"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp"}]
        ),
        "Ingress": resource(
            "AWS::EC2::SecurityGroupIngress", FromPort=443, ToPort=443, IpProtocol="tcp", SourceSecurityGroupId="sg"
        ),
        "Closed": resource("Custom::VpcRestrictDefaultSG"),
        "Interface": resource(
            "AWS::EC2::VPCEndpoint",
            PolicyDocument=document(statement("logs:PutLogEvents", "*", Principal="*")),
            PrivateDnsEnabled=True,
            SecurityGroupIds=["sg"],
            ServiceName="com.amazonaws.us-east-1.logs",
            SubnetIds=[{"Ref": "SubnetA"}],
            VpcEndpointType="Interface",
        ),
        "Gateway": resource("AWS::EC2::VPCEndpoint", RouteTableIds=[{"Ref": "Table"}], VpcEndpointType="Gateway"),
        "Flows": resource("AWS::EC2::FlowLog", TrafficType="ALL"),
        "Logs": resource("AWS::Logs::LogGroup", KmsKeyId=KEY, RetentionInDays=30, LogGroupName="/lab"),
        "Bucket": resource(
            "AWS::S3::Bucket",
            BucketEncryption={
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"KMSMasterKeyID": KEY, "SSEAlgorithm": "aws:kms"}}
                ]
            },
            LifecycleConfiguration={"Rules": [{"Status": "Enabled"}]},
            LoggingConfiguration={"DestinationBucketName": "logs"},
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            PublicAccessBlockConfiguration={"BlockPublicAcls": True},
            VersioningConfiguration={"Status": "Enabled"},
        ),
        "BucketPolicy": resource(
            "AWS::S3::BucketPolicy",
            PolicyDocument=document(
                statement("s3:*", "*", effect="Deny", Principal="*", Condition=PLAIN),
                statement("s3:*", "*", effect="Deny", Principal="*", Condition=OLD),
            ),
        ),
        "Emptied": resource("Custom::EmptyOnDelete", "Policy"),
        "Packages": resource("Custom::PackagesRemovedOnDelete"),
        "Stacks": resource("Custom::StackRemovedOnDelete"),
        "Stopped": resource("Custom::StopJobsOnDelete"),
        "Role": resource(
            "AWS::IAM::Role",
            AssumeRolePolicyDocument=document(statement("sts:AssumeRole", Condition=ACCOUNT, **SERVICE)),
        ),
        "Policy": resource("AWS::IAM::ManagedPolicy", PolicyDocument=POLICY, Roles=[{"Ref": "Role"}]),
        "Function": resource(
            "AWS::Lambda::Function",
            Code={"S3Key": "code.zip"},
            DeadLetterConfig={"TargetArn": "queue"},
            LoggingConfig={"LogGroup": {"Ref": "Logs"}},
            MemorySize=256,
            Role=ROLE,
            Runtime="python3.14",
            Timeout=30,
            VpcConfig={"SecurityGroupIds": ["sg"], "SubnetIds": ["subnet"]},
        ),
        "Called": resource("AWS::Lambda::Permission", Principal="events.amazonaws.com", SourceArn="rule"),
        "Rule": resource(
            "AWS::Events::Rule",
            EventPattern={"source": ["aws.s3"]},
            ScheduleExpression=CRON,
            Targets=[{"DeadLetterConfig": {"Arn": "queue"}, "RoleArn": ROLE}],
        ),
        "Schedule": resource(
            "AWS::Scheduler::Schedule",
            ScheduleExpression=CRON,
            ScheduleExpressionTimezone="UTC",
            Target={"DeadLetterConfig": {"Arn": "queue"}, "RoleArn": ROLE},
        ),
        "Expiry": resource(
            "AWS::Scheduler::Schedule", Target={"Arn": "arn:aws:scheduler:::aws-sdk:cloudformation:deleteStack"}
        ),
        "Topic": resource("AWS::SNS::Topic", KmsMasterKeyId=KEY),
        "TopicPolicy": resource("AWS::SNS::TopicPolicy", PolicyDocument=TOPIC_POLICY),
        "Queue": resource("AWS::SQS::Queue", VisibilityTimeout=60, RedrivePolicy={"maxReceiveCount": 3}),
        "QueuePolicy": resource("AWS::SQS::QueuePolicy"),
        "Model": resource(
            "AWS::SageMaker::Model",
            EnableNetworkIsolation=True,
            PrimaryContainer={
                "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
                "ModelDataUrl": "s3://models/model.tar.gz",
            },
            VpcConfig=NETWORK,
        ),
        "Configuration": resource(
            "AWS::SageMaker::EndpointConfig",
            DataCaptureConfig={
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
            },
            KmsKeyId=KEY,
            ProductionVariants=[{"InitialInstanceCount": 2, "InstanceType": "ml.m5.large"}],
        ),
        "Endpoint": resource(
            "AWS::SageMaker::Endpoint",
            EndpointName="lab-d9-tiny",
            DeploymentConfig={
                "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
                "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"CanarySize": {"Value": 10}}},
            },
        ),
        "Quality": resource(
            "AWS::SageMaker::DataQualityJobDefinition",
            NetworkConfig={"EnableInterContainerTrafficEncryption": True, "VpcConfig": NETWORK},
        ),
        "Pipeline": resource("AWS::SageMaker::Pipeline", PipelineDefinition={"PipelineDefinitionBody": JOB}),
        "Alarm": resource(
            "AWS::CloudWatch::Alarm",
            AlarmActions=[{"Ref": "Topic"}],
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=3,
            Period=60,
            Statistic="Sum",
            **METRIC,
        ),
        "Dashboard": resource("AWS::CloudWatch::Dashboard", DashboardBody='{"widgets": []}'),
        "Scaling": resource(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            MinCapacity=1,
            ResourceId="endpoint/lab-d9-tiny/variant/main",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        ),
        "ScalingPolicy": resource(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            PolicyType="TargetTrackingScaling",
            Tracking={"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        ),
        "Security": resource(
            "AWS::Glue::SecurityConfiguration",
            EncryptionConfiguration={"CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS"}},
        ),
        "Crawler": resource("AWS::Glue::Crawler", CrawlerSecurityConfiguration={"Ref": "Security"}),
        "WorkGroup": resource(
            "AWS::Athena::WorkGroup",
            Name="lab",
            WorkGroupConfiguration={
                "EnforceWorkGroupConfiguration": True,
                "ResultConfiguration": {"EncryptionConfiguration": {"EncryptionOption": "SSE_KMS"}},
            },
        ),
        "Build": resource(
            "AWS::CodeBuild::Project",
            Environment={"Image": "aws/codebuild/standard:7.0", "PrivilegedMode": False},
            LogsConfig={"CloudWatchLogs": {"Status": "ENABLED"}},
            ServiceRole=ROLE,
            TimeoutInMinutes=60,
        ),
        "Release": resource(
            "AWS::CodePipeline::Pipeline",
            ArtifactStore={"EncryptionKey": {"Id": KEY, "Type": "KMS"}},
            Stages=[{"Actions": [{"ActionTypeId": {"Category": "Approval", "Provider": "Manual"}}]}],
        ),
    },
}
