"""One resource of every type that the rehearsal emulates, wired as a lab wires them."""

from __future__ import annotations

import json
from typing import Any


def resource(type: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": type, "Properties": properties, **more}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


ACCOUNT = ref("AWS::AccountId")


def trust(*services: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"} for service in services
        ],
    }


RESOURCES: dict[str, Any] = {
    "Key": resource(
        "AWS::KMS::Key",
        {
            "Description": "lab",
            "EnableKeyRotation": True,
            "PendingWindowInDays": 7,
            "KeyPolicy": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
                        "Action": "kms:*",
                        "Resource": "*",
                    }
                ],
            },
            "Tags": [{"Key": "lab", "Value": "x"}],
        },
        DeletionPolicy="Delete",
    ),
    "Alias": resource("AWS::KMS::Alias", {"AliasName": "alias/labs/x", "TargetKeyId": att("Key", "Arn")}),
    "Logs": resource(
        "AWS::S3::Bucket",
        {
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    ),
    "LogsPolicy": resource(
        "AWS::S3::BucketPolicy",
        {
            "Bucket": ref("Logs"),
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "logging.s3.amazonaws.com"},
                        "Action": "s3:PutObject",
                        "Resource": {"Fn::Sub": "${Logs.Arn}/*"},
                    }
                ],
            },
        },
    ),
    "Bucket": resource(
        "AWS::S3::Bucket",
        {
            "VersioningConfiguration": {"Status": "Enabled"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "BucketKeyEnabled": True,
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": att("Key", "Arn"),
                        },
                    }
                ]
            },
            "LoggingConfiguration": {"DestinationBucketName": ref("Logs"), "LogFilePrefix": "s3/"},
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "old",
                        "Status": "Enabled",
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                    },
                    {
                        "Id": "tier",
                        "Prefix": "raw/",
                        "Status": "Enabled",
                        "Transitions": [
                            {"StorageClass": "STANDARD_IA", "TransitionInDays": 30},
                            {"StorageClass": "GLACIER", "TransitionInDays": 90},
                        ],
                        "ExpirationInDays": 365,
                    },
                ]
            },
            "IntelligentTieringConfigurations": [
                {"Id": "arch", "Status": "Enabled", "Tierings": [{"AccessTier": "ARCHIVE_ACCESS", "Days": 90}]}
            ],
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "AccelerateConfiguration": {"AccelerationStatus": "Enabled"},
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
            "Tags": [{"Key": "a", "Value": "b"}],
            "MetricsConfigurations": [{"Id": "all"}],
            "CorsConfiguration": {
                "CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://x"], "MaxAge": 3}]
            },
        },
        DependsOn=["LogsPolicy"],
    ),
    "Locked": resource(
        "AWS::S3::Bucket",
        {
            "ObjectLockEnabled": True,
            "VersioningConfiguration": {"Status": "Enabled"},
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
            },
        },
    ),
    "BucketPolicy": resource(
        "AWS::S3::BucketPolicy",
        {
            "Bucket": ref("Bucket"),
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "Tls",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [att("Bucket", "Arn"), {"Fn::Sub": "${Bucket.Arn}/*"}],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            },
        },
    ),
    "Role": resource(
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": trust("sagemaker.amazonaws.com"),
            "Description": "d",
            "MaxSessionDuration": 3600,
            "Policies": [
                {
                    "PolicyName": "in",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
                    },
                }
            ],
            "ManagedPolicyArns": [ref("Boundary"), {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/ReadOnlyAccess"}],
            "PermissionsBoundary": ref("Boundary"),
            "Tags": [{"Key": "a", "Value": "b"}],
        },
    ),
    "Boundary": resource(
        "AWS::IAM::ManagedPolicy",
        {
            "Description": "b",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            },
        },
    ),
    "Policy": resource(
        "AWS::IAM::ManagedPolicy",
        {
            "Roles": [ref("Role")],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": att("Bucket", "Arn")}],
            },
        },
    ),
    "Inline": resource(
        "AWS::IAM::Policy",
        {
            "PolicyName": "inl",
            "Roles": [ref("Role")],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": att("Bucket", "Arn")}],
            },
        },
    ),
    "Profile": resource("AWS::IAM::InstanceProfile", {"Roles": [ref("Role")]}),
    "Vpc": resource(
        "AWS::EC2::VPC",
        {
            "CidrBlock": ref("Cidr"),
            "EnableDnsSupport": True,
            "EnableDnsHostnames": True,
            "Tags": [{"Key": "Name", "Value": "v"}],
        },
    ),
    "Subnet": resource(
        "AWS::EC2::Subnet",
        {
            "VpcId": ref("Vpc"),
            "CidrBlock": {"Fn::Select": [0, {"Fn::Cidr": [att("Vpc", "CidrBlock"), 4, 8]}]},
            "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
            "MapPublicIpOnLaunch": False,
        },
    ),
    "Subnet2": resource(
        "AWS::EC2::Subnet",
        {
            "VpcId": ref("Vpc"),
            "CidrBlock": {"Fn::Select": [1, {"Fn::Cidr": [att("Vpc", "CidrBlock"), 4, 8]}]},
            "AvailabilityZone": {"Fn::Select": [1, {"Fn::GetAZs": ""}]},
        },
    ),
    "Routes": resource("AWS::EC2::RouteTable", {"VpcId": ref("Vpc")}),
    "Assoc": resource(
        "AWS::EC2::SubnetRouteTableAssociation", {"RouteTableId": ref("Routes"), "SubnetId": ref("Subnet")}
    ),
    "Sg": resource(
        "AWS::EC2::SecurityGroup",
        {
            "GroupDescription": "g",
            "VpcId": ref("Vpc"),
            "SecurityGroupEgress": [
                {
                    "CidrIp": "255.255.255.255/32",
                    "Description": "none",
                    "IpProtocol": "icmp",
                    "FromPort": 252,
                    "ToPort": 86,
                }
            ],
        },
    ),
    "Sg2": resource(
        "AWS::EC2::SecurityGroup",
        {
            "GroupDescription": "g2",
            "VpcId": ref("Vpc"),
            "SecurityGroupIngress": [
                {"CidrIp": ref("Cidr"), "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "Description": "x"}
            ],
        },
    ),
    "In": resource(
        "AWS::EC2::SecurityGroupIngress",
        {
            "GroupId": att("Sg2", "GroupId"),
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "SourceSecurityGroupId": att("Sg", "GroupId"),
            "Description": "caller",
        },
    ),
    "Out": resource(
        "AWS::EC2::SecurityGroupEgress",
        {
            "GroupId": att("Sg", "GroupId"),
            "IpProtocol": "tcp",
            "FromPort": 443,
            "ToPort": 443,
            "DestinationSecurityGroupId": att("Sg2", "GroupId"),
            "Description": "caller",
        },
    ),
    "S3Endpoint": resource(
        "AWS::EC2::VPCEndpoint",
        {
            "VpcId": ref("Vpc"),
            "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
            "VpcEndpointType": "Gateway",
            "RouteTableIds": [ref("Routes")],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}],
            },
        },
    ),
    "Runtime": resource(
        "AWS::EC2::VPCEndpoint",
        {
            "VpcId": ref("Vpc"),
            "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.sagemaker.runtime"},
            "VpcEndpointType": "Interface",
            "PrivateDnsEnabled": True,
            "SubnetIds": [ref("Subnet")],
            "SecurityGroupIds": [att("Sg2", "GroupId")],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": "*", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
                ],
            },
            "Tags": [{"Key": "n", "Value": "1"}],
        },
    ),
    "FlowGroup": resource(
        "AWS::Logs::LogGroup",
        {"RetentionInDays": 7, "KmsKeyId": att("Key", "Arn"), "Tags": [{"Key": "a", "Value": "b"}]},
    ),
    "Flow": resource(
        "AWS::EC2::FlowLog",
        {
            "ResourceId": ref("Vpc"),
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogDestinationType": "cloud-watch-logs",
            "LogGroupName": ref("FlowGroup"),
            "DeliverLogsPermissionArn": att("Role", "Arn"),
            "MaxAggregationInterval": 60,
        },
    ),
    "LogPolicy": resource(
        "AWS::Logs::ResourcePolicy",
        {"PolicyName": "labs-x", "PolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": []})},
    ),
    "Filter": resource(
        "AWS::Logs::MetricFilter",
        {
            "LogGroupName": ref("FlowGroup"),
            "FilterPattern": "REJECT",
            "MetricTransformations": [{"MetricName": "m", "MetricNamespace": "Labs", "MetricValue": "1"}],
        },
    ),
    "Query": resource(
        "AWS::Logs::QueryDefinition",
        {"Name": "labs/q", "QueryString": "fields @message", "LogGroupNames": [ref("FlowGroup")]},
    ),
    "Topic": resource(
        "AWS::SNS::Topic",
        {"KmsMasterKeyId": att("Key", "Arn"), "DisplayName": "d", "Tags": [{"Key": "a", "Value": "b"}]},
    ),
    "TopicPolicy": resource(
        "AWS::SNS::TopicPolicy",
        {
            "Topics": [ref("Topic")],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudwatch.amazonaws.com"},
                        "Action": "sns:Publish",
                        "Resource": ref("Topic"),
                    }
                ],
            },
        },
    ),
    "Queue": resource(
        "AWS::SQS::Queue",
        {
            "KmsMasterKeyId": att("Key", "Arn"),
            "MessageRetentionPeriod": 3600,
            "RedrivePolicy": {"deadLetterTargetArn": att("Dead", "Arn"), "maxReceiveCount": 3},
        },
    ),
    "Dead": resource("AWS::SQS::Queue", {"SqsManagedSseEnabled": True}),
    "QueuePolicy": resource(
        "AWS::SQS::QueuePolicy",
        {
            "Queues": [ref("Queue")],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "sns.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": att("Queue", "Arn"),
                    }
                ],
            },
        },
    ),
    "Sub": resource(
        "AWS::SNS::Subscription",
        {"TopicArn": ref("Topic"), "Protocol": "sqs", "Endpoint": att("Queue", "Arn"), "RawMessageDelivery": True},
    ),
    "Model": resource(
        "AWS::SageMaker::Model",
        {
            "ExecutionRoleArn": att("Role", "Arn"),
            "EnableNetworkIsolation": True,
            "PrimaryContainer": {
                "Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5",
                "ModelDataUrl": "s3://x/y.tar.gz",
                "Environment": {"A": "b"},
            },
            "VpcConfig": {"SecurityGroupIds": [att("Sg", "GroupId")], "Subnets": [ref("Subnet")]},
            "Tags": [{"Key": "a", "Value": "b"}],
        },
        DependsOn=["Policy"],
    ),
    "Config": resource(
        "AWS::SageMaker::EndpointConfig",
        {
            "KmsKeyId": att("Key", "Arn"),
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "ModelName": att("Model", "ModelName"),
                    "InitialInstanceCount": ref("Count"),
                    "InstanceType": "ml.m5.large",
                    "InitialVariantWeight": 1,
                }
            ],
            "DataCaptureConfig": {
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": {"Fn::Sub": "s3://${Bucket}/capture"},
                "KmsKeyId": att("Key", "Arn"),
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
            },
        },
    ),
    "Group": resource(
        "AWS::SageMaker::ModelPackageGroup", {"ModelPackageGroupName": "labs-x", "ModelPackageGroupDescription": "d"}
    ),
    "Alarm": resource(
        "AWS::CloudWatch::Alarm",
        {
            "AlarmDescription": "e",
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation5XXErrors",
            "Dimensions": [{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "AllTraffic"}],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 5,
            "DatapointsToAlarm": 3,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [ref("Topic")],
        },
    ),
    "MathAlarm": resource(
        "AWS::CloudWatch::Alarm",
        {
            "Metrics": [
                {"Id": "e", "Expression": "a/b", "Label": "rate", "ReturnData": True},
                {
                    "Id": "a",
                    "MetricStat": {
                        "Metric": {"Namespace": "N", "MetricName": "A", "Dimensions": [{"Name": "x", "Value": "y"}]},
                        "Period": 60,
                        "Stat": "Sum",
                    },
                    "ReturnData": False,
                },
                {
                    "Id": "b",
                    "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "B"}, "Period": 60, "Stat": "Sum"},
                    "ReturnData": False,
                },
            ],
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
        },
    ),
    "Both": resource(
        "AWS::CloudWatch::CompositeAlarm",
        {"AlarmRule": {"Fn::Sub": 'ALARM("${Alarm}") OR ALARM("${MathAlarm}")'}, "AlarmActions": [ref("Topic")]},
    ),
    "Dash": resource(
        "AWS::CloudWatch::Dashboard",
        {
            "DashboardBody": {
                "Fn::Sub": '{"widgets":[{"type":"text","x":0,"y":0,"width":6,"height":6,"properties":{"markdown":"${Alarm}"}}]}'
            }
        },
    ),
    "Fn": resource(
        "AWS::Lambda::Function",
        {
            "Code": {"ZipFile": "import json\ndef handler(event, context):\n    return {'got': event}\n"},
            "Handler": "index.handler",
            "Runtime": "python3.12",
            "Role": att("Role", "Arn"),
            "MemorySize": 256,
            "Timeout": 30,
            "KmsKeyArn": att("Key", "Arn"),
            "Environment": {"Variables": {"A": "b"}},
            "VpcConfig": {"SecurityGroupIds": [att("Sg", "GroupId")], "SubnetIds": [ref("Subnet")]},
            "TracingConfig": {"Mode": "Active"},
            "ReservedConcurrentExecutions": 2,
            "DeadLetterConfig": {"TargetArn": att("Dead", "Arn")},
            "LoggingConfig": {"LogGroup": ref("FlowGroup"), "LogFormat": "JSON"},
            "Tags": [{"Key": "a", "Value": "b"}],
        },
    ),
    "FnVersion": resource("AWS::Lambda::Version", {"FunctionName": ref("Fn"), "Description": "one"}),
    "FnAlias": resource(
        "AWS::Lambda::Alias",
        {"FunctionName": ref("Fn"), "FunctionVersion": att("FnVersion", "Version"), "Name": "live"},
    ),
    "Permit": resource(
        "AWS::Lambda::Permission",
        {
            "FunctionName": att("Fn", "Arn"),
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
            "SourceArn": att("Rule", "Arn"),
            "SourceAccount": ACCOUNT,
        },
    ),
    "Invoke": resource(
        "AWS::Lambda::EventInvokeConfig",
        {"FunctionName": ref("Fn"), "Qualifier": "$LATEST", "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
    ),
    "Rule": resource(
        "AWS::Events::Rule",
        {
            "EventPattern": {"source": ["aws.sagemaker"]},
            "State": "ENABLED",
            "Targets": [{"Id": "t", "Arn": att("Queue", "Arn")}],
        },
    ),
    "SchedGroup": resource("AWS::Scheduler::ScheduleGroup", {"Name": "labs-x"}),
    "Sched": resource(
        "AWS::Scheduler::Schedule",
        {
            "GroupName": ref("SchedGroup"),
            "ScheduleExpression": "at(2030-01-01T00:00:00)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "KmsKeyArn": att("Key", "Arn"),
            "Target": {
                "Arn": {"Fn::Sub": "arn:${AWS::Partition}:scheduler:::aws-sdk:cloudformation:deleteStack"},
                "RoleArn": att("Role", "Arn"),
                "Input": "{}",
                "RetryPolicy": {"MaximumRetryAttempts": 3},
            },
        },
    ),
    "Database": resource(
        "AWS::Glue::Database", {"CatalogId": ACCOUNT, "DatabaseInput": {"Name": "labs_x", "Description": "d"}}
    ),
    "Table": resource(
        "AWS::Glue::Table",
        {
            "CatalogId": ACCOUNT,
            "DatabaseName": ref("Database"),
            "TableInput": {
                "Name": "t",
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"classification": "csv"},
                "StorageDescriptor": {
                    "Columns": [{"Name": "a", "Type": "string"}],
                    "Location": {"Fn::Sub": "s3://${Bucket}/t"},
                    "InputFormat": "x",
                    "SerdeInfo": {"SerializationLibrary": "y"},
                },
            },
        },
    ),
    "Security": resource(
        "AWS::Glue::SecurityConfiguration",
        {
            "Name": "labs-x",
            "EncryptionConfiguration": {
                "S3Encryptions": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": att("Key", "Arn")}],
                "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": att("Key", "Arn")},
                "JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "CSE-KMS", "KmsKeyArn": att("Key", "Arn")},
            },
        },
    ),
    "Crawler": resource(
        "AWS::Glue::Crawler",
        {
            "Role": att("Role", "Arn"),
            "DatabaseName": ref("Database"),
            "CrawlerSecurityConfiguration": ref("Security"),
            "Targets": {"S3Targets": [{"Path": {"Fn::Sub": "s3://${Bucket}/t"}}]},
            "SchemaChangePolicy": {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"},
            "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_EVERYTHING"},
            "Schedule": {"ScheduleExpression": "cron(0 3 * * ? *)"},
            "Tags": {"lab": "x"},
            "Configuration": '{"Version":1.0}',
        },
    ),
    "Work": resource(
        "AWS::Athena::WorkGroup",
        {
            "Name": "labs-x",
            "RecursiveDeleteOption": True,
            "Description": "d",
            "WorkGroupConfiguration": {
                "EnforceWorkGroupConfiguration": True,
                "PublishCloudWatchMetricsEnabled": True,
                "BytesScannedCutoffPerQuery": 10485760,
                "ResultConfiguration": {
                    "OutputLocation": {"Fn::Sub": "s3://${Bucket}/r"},
                    "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS", "KmsKey": att("Key", "Arn")},
                },
            },
        },
    ),
    "Named": resource(
        "AWS::Athena::NamedQuery",
        {"Name": "q", "Database": ref("Database"), "QueryString": "select 1", "WorkGroup": ref("Work")},
    ),
    "Machine": resource(
        "AWS::StepFunctions::StateMachine",
        {
            "RoleArn": att("Role", "Arn"),
            "DefinitionString": '{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}',
            "TracingConfiguration": {"Enabled": True},
            "LoggingConfiguration": {
                "Level": "ALL",
                "IncludeExecutionData": True,
                "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": att("FlowGroup", "Arn")}}],
            },
        },
    ),
    "Secret": resource(
        "AWS::SecretsManager::Secret",
        {
            "KmsKeyId": att("Key", "Arn"),
            "Description": "s",
            "GenerateSecretString": {
                "PasswordLength": 20,
                "SecretStringTemplate": '{"user":"a"}',
                "GenerateStringKey": "password",
            },
        },
    ),
    "Param": resource("AWS::SSM::Parameter", {"Type": "String", "Value": ref("Bucket"), "Description": "p"}),
    "Build": resource(
        "AWS::CodeBuild::Project",
        {
            "ServiceRole": att("Role", "Arn"),
            "Source": {"Type": "CODEPIPELINE"},
            "Artifacts": {"Type": "CODEPIPELINE"},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "ComputeType": "BUILD_GENERAL1_SMALL",
                "Image": "aws/codebuild/standard:7.0",
            },
            "EncryptionKey": att("Key", "Arn"),
        },
    ),
    "PipeRole": resource(
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "codepipeline.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        },
    ),
    "Pipe": resource(
        "AWS::CodePipeline::Pipeline",
        {
            "RoleArn": att("PipeRole", "Arn"),
            "ArtifactStore": {
                "Type": "S3",
                "Location": ref("Bucket"),
                "EncryptionKey": {"Id": att("Key", "Arn"), "Type": "KMS"},
            },
            "Stages": [
                {
                    "Name": "Source",
                    "Actions": [
                        {
                            "Name": "S",
                            "ActionTypeId": {"Category": "Source", "Owner": "AWS", "Provider": "S3", "Version": "1"},
                            "Configuration": {"S3Bucket": ref("Bucket"), "S3ObjectKey": "k"},
                            "OutputArtifacts": [{"Name": "a"}],
                        }
                    ],
                },
                {
                    "Name": "Build",
                    "Actions": [
                        {
                            "Name": "B",
                            "ActionTypeId": {
                                "Category": "Build",
                                "Owner": "AWS",
                                "Provider": "CodeBuild",
                                "Version": "1",
                            },
                            "Configuration": {"ProjectName": ref("Build")},
                            "InputArtifacts": [{"Name": "a"}],
                        }
                    ],
                },
            ],
        },
    ),
    "Steps": resource(
        "AWS::SageMaker::Pipeline",
        {
            "PipelineName": "labs-steps",
            "RoleArn": att("Role", "Arn"),
            "PipelineDescription": "p",
            "ParallelismConfiguration": {"MaxParallelExecutionSteps": 2},
            "PipelineDefinition": {
                "PipelineDefinitionBody": {
                    "Fn::Sub": '{"Version": "2020-12-01", "Steps": [{"Name": "No", "Type": "Fail", '
                    '"Arguments": {"ErrorMessage": "${Bucket}"}}]}'
                }
            },
        },
    ),
    "Bus": resource("AWS::Events::EventBus", {"Name": "labs-x"}),
    "Job": resource(
        "AWS::Glue::Job",
        {
            "Role": att("Role", "Arn"),
            "Command": {"Name": "glueetl", "ScriptLocation": {"Fn::Sub": "s3://${Bucket}/job.py"}},
            "Tags": {"lab": "x"},
            "GlueVersion": "5.0",
            "SecurityConfiguration": ref("Security"),
        },
    ),
    "Source": resource(
        "AWS::Lambda::EventSourceMapping",
        {"FunctionName": ref("Fn"), "EventSourceArn": att("Queue", "Arn"), "BatchSize": 5},
    ),
    "Application": resource("AWS::CodeDeploy::Application", {"ComputePlatform": "Lambda"}),
    "DeployRole": resource("AWS::IAM::Role", {"AssumeRolePolicyDocument": trust("codedeploy.amazonaws.com")}),
    "Deployments": resource(
        "AWS::CodeDeploy::DeploymentGroup",
        {
            "ApplicationName": ref("Application"),
            "ServiceRoleArn": att("DeployRole", "Arn"),
            "DeploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce",
        },
    ),
    "Maybe": resource("AWS::SQS::Queue", {}, Condition="Want"),
}
TEMPLATE: dict[str, Any] = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {
        "Cidr": {"Type": "String", "Default": "10.0.0.0/16"},
        "Count": {"Type": "Number", "Default": 1},
        "Extra": {"Type": "String", "Default": "no", "AllowedValues": ["yes", "no"]},
        "BootstrapVersion": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/cdk-bootstrap/hnb659fds/version",
        },
    },
    "Rules": {
        "CheckBootstrapVersion": {
            "Assertions": [
                {
                    "Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2", "3", "4", "5"], ref("BootstrapVersion")]}]},
                    "AssertDescription": "old",
                }
            ]
        }
    },
    "Conditions": {"Want": {"Fn::Equals": [ref("Extra"), "yes"]}},
    "Resources": RESOURCES,
    "Outputs": {
        "Vpc": {"Value": ref("Vpc")},
        "Cond": {"Condition": "Want", "Value": ref("Maybe")},
        "Arn": {"Value": att("Bucket", "Arn"), "Description": "b"},
    },
}
