"""Roles that lack permissions, trust or time."""

from __future__ import annotations

import json

from tests.review.deployability.parts import (
    Case,
    allow,
    arn,
    depending,
    document,
    function,
    having,
    one,
    policy,
    ref,
    role,
    sub,
    subnet_refs,
    subnets,
)  # fmt: skip

MODEL = one("AWS::SageMaker::Model", ExecutionRoleArn=arn("Runs"), PrimaryContainer={"Image": "1.dkr.ecr/x"})
READ = allow("s3:GetObject")
INTERFACES = allow(
    [
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:DeleteNetworkInterface",
        "ec2:Describe*",
    ]
)
BUILD = one(
    "AWS::CodeBuild::Project", ServiceRole=arn("Runs"), Artifacts={"Type": "NO_ARTIFACTS"}, Source={"Type": "NO_SOURCE"},
    Environment={"Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": "aws/codebuild/standard:7.0"},
    VpcConfig={"VpcId": "vpc-1", "Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
)  # fmt: skip
FLINK = one(
    "AWS::KinesisAnalyticsV2::Application", RuntimeEnvironment="FLINK-1_20", ServiceExecutionRole=arn("Runs"),
    ApplicationConfiguration={"VpcConfigurations": [{"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}]},
)  # fmt: skip


def machine(*tasks: str) -> dict:
    states = {
        f"S{place}": {"Type": "Task", "Resource": f"arn:aws:states:::{task}", "End": True}
        for place, task in enumerate(tasks)
    }
    return one(
        "AWS::StepFunctions::StateMachine",
        RoleArn=arn("Runs"),
        DefinitionString=json.dumps({"StartAt": "S0", "States": states}),
    )


def released(**action: object) -> dict:
    """A pipeline of one action."""
    type_ = {"Category": "Deploy", "Owner": "AWS", "Provider": "CloudFormation", "Version": "1"}
    stage = {"Name": "Deploy", "Actions": [{"Name": "Deploy", "ActionTypeId": type_} | action]}
    return one("AWS::CodePipeline::Pipeline", RoleArn="arn:aws:iam::1:role/x", Stages=[stage])


TRAIN = allow(["sagemaker:CreateTrainingJob", "sagemaker:AddTags", "iam:PassRole"])
RULES = allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"])
SCHEDULE = one(
    "AWS::Scheduler::Schedule", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"},
    Target={"Arn": "arn:aws:lambda:us-east-1:1:function:x", "RoleArn": arn("Runs")},
)  # fmt: skip


def trusting(service: str, **condition: object) -> dict:
    trust = document(
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": condition}
    )
    return one("AWS::IAM::Role", AssumeRolePolicyDocument=trust)


MWAA = one(
    "AWS::MWAA::Environment",
    Name="flows",
    ExecutionRoleArn=arn("Runs"),
    DagS3Path="dags",
    SourceBucketArn="arn:aws:s3:::dags",
)
GROUP = one(
    "AWS::SageMaker::FeatureGroup", FeatureGroupName="flights", RecordIdentifierFeatureName="id", EventTimeFeatureName="at", RoleArn=arn("Runs"),
    FeatureDefinitions=[{"FeatureName": "id", "FeatureType": "String"}], OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://b/p"}},
)  # fmt: skip
FILTER = one(
    "AWS::Logs::SubscriptionFilter",
    LogGroupName="group",
    FilterPattern="",
    DestinationArn=arn("Stream"),
    RoleArn=arn("Runs"),
)
SCALED = one("AWS::ApplicationAutoScaling::ScalableTarget", MinCapacity=1, MaxCapacity=2, ResourceId="endpoint/e/variant/v",
             ScalableDimension="sagemaker:variant:DesiredInstanceCount", ServiceNamespace="sagemaker")  # fmt: skip
MANY = [
    allow("s3:GetObject", f"arn:aws:s3:::bucket-with-a-long-name-{place:04}/and/a/long/prefix/*")
    for place in range(120)
]
FIREHOSE = one("AWS::KinesisFirehose::DeliveryStream", DeliveryStreamType="DirectPut")

CASES = [
    Case("a model that does not wait for its role's policy", "deploy-policy-before-resource",
         {"Runs": role("sagemaker.amazonaws.com"), "Policy": policy("Runs", READ), "Model": MODEL}, {"Model": depending(MODEL, "Policy")},
         "Could not access model data", "DF-021", on="Model"),
    Case("an Airflow environment that does not wait for its role's policy", "deploy-policy-before-resource",
         {"Runs": role("airflow-env.amazonaws.com"), "Policy": policy("Runs", READ), "Flows": MWAA}, {"Flows": depending(MWAA, "Policy")},
         "does not have sufficient permissions for s3 location", "DF-035"),
    Case("a custom resource that does not wait for its handler's policy", "deploy-policy-before-resource",
         {"Runs": role("lambda.amazonaws.com"), "Policy": policy("Runs", READ), "Handler": function("Runs"), "Thing": one("Custom::Thing", ServiceToken=arn("Handler"))},
         {"Handler": depending(function("Runs"), "Policy")}),
    Case("a pipeline that does not wait for the policy of an action's role", "deploy-policy-before-resource",
         {"Runs": role("codepipeline.amazonaws.com"), "Policy": policy("Runs", READ), "Release": released(RoleArn=arn("Runs"))},
         {"Release": depending(released(RoleArn=arn("Runs")), "Policy")}, "Stages.0.Actions.0.RoleArn", on="Release"),
    Case("a pipeline that does not wait for the policy of CloudFormation's role", "deploy-policy-before-resource",
         {"Runs": role("cloudformation.amazonaws.com"), "Policy": policy("Runs", READ), "Release": released(Configuration={"RoleArn": arn("Runs")})},
         {"Runs": role("cloudformation.amazonaws.com", READ), "Policy": None}, "Actions.0.Configuration.RoleArn"),
    Case("a knowledge base that does not wait for a managed policy", "deploy-policy-before-resource",
         {"Runs": role("bedrock.amazonaws.com"), "Policy": one("AWS::IAM::ManagedPolicy", PolicyDocument=document(READ), Roles=[ref("Runs")]),
          "Base": one("AWS::Bedrock::KnowledgeBase", Name="base", RoleArn=arn("Runs"), KnowledgeBaseConfiguration={"Type": "VECTOR"})},
         {"Runs": role("bedrock.amazonaws.com", READ), "Policy": None}),
    Case("a build in a VPC whose role may not make interfaces", "deploy-role-permits-creation",
         {"Runs": role("codebuild.amazonaws.com", READ), "Build": BUILD}, {"Runs": role("codebuild.amazonaws.com", INTERFACES)},
         "Not authorized to perform DescribeSecurityGroups", "DF-023"),
    Case("a build in a VPC whose role may make interfaces and not use them", "deploy-role-permits-creation",
         {"Runs": role("codebuild.amazonaws.com", allow(["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:Describe*"])), "Build": BUILD},
         {"Runs": role("codebuild.amazonaws.com", INTERFACES)}, "may not call ec2:CreateNetworkInterfacePermission"),
    Case("a Flink application in a VPC whose role may not describe it", "deploy-role-permits-creation",
         {"Runs": role("kinesisanalytics.amazonaws.com", READ), "Application": FLINK}, {"Runs": role("kinesisanalytics.amazonaws.com", INTERFACES)},
         "unable to fetch the details for your Subnet", "DF-025"),
    Case("a function that may not send to its dead-letter queue", "deploy-role-permits-creation",
         {"Queue": one("AWS::SQS::Queue"), "Runs": role("lambda.amazonaws.com", READ), "Worker": function("Runs", DeadLetterConfig={"TargetArn": arn("Queue")})},
         {"Runs": role("lambda.amazonaws.com", allow("sqs:SendMessage", arn("Queue")))}, "SendMessage on SQS", "DF-027"),
    Case("a function that may not publish to its dead-letter topic", "deploy-role-permits-creation",
         {"Topic": one("AWS::SNS::Topic"), "Runs": role("lambda.amazonaws.com", READ), "Worker": function("Runs", DeadLetterConfig={"TargetArn": ref("Topic")})},
         {"Runs": role("lambda.amazonaws.com", allow("sns:Publish", ref("Topic")))}),
    Case("a function in a VPC that may not make interfaces", "deploy-role-permits-creation",
         {"Runs": role("lambda.amazonaws.com", READ), "Worker": function("Runs", VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})},
         {"Runs": role("lambda.amazonaws.com", ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"])}),
    Case("a permission that an unknown managed policy may give", "deploy-role-permits-creation",
         {"Runs": role("lambda.amazonaws.com", ManagedPolicyArns=["arn:aws:iam::123456789012:policy/OfTheCompany"]),
          "Worker": function("Runs", VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})},
         {"Runs": role("lambda.amazonaws.com", INTERFACES)}, "not in the template", unknown=True),
    Case("a feature group whose role may not make its catalogue table", "deploy-role-permits-creation",
         {"Runs": role("sagemaker.amazonaws.com", allow("s3:PutObject")), "Group": GROUP},
         {"Runs": role("sagemaker.amazonaws.com", allow("s3:PutObject"), allow("glue:*"))}, "Required Create Database on Catalog", "DF-041"),
    Case("a log subscription whose role may not write to its Firehose stream", "deploy-role-permits-creation",
         {"Stream": FIREHOSE, "Runs": role("logs.amazonaws.com", READ), "Filter": FILTER},
         {"Runs": role("logs.amazonaws.com", allow("firehose:PutRecord*", arn("Stream")))}, "Could not deliver test message", "DF-147"),
    Case("a log subscription that does not wait for its role's policy", "deploy-role-permits-creation",
         {"Stream": one("AWS::Kinesis::Stream", ShardCount=1), "Runs": role("logs.amazonaws.com"), "Policy": policy("Runs", allow("kinesis:PutRecord", arn("Stream"))), "Filter": FILTER},
         {"Filter": depending(FILTER, "Policy")}, "nothing waits for"),
    Case("a queue's consumer that may not receive from it", "deploy-role-permits-creation",
         {"Queue": one("AWS::SQS::Queue"), "Runs": role("lambda.amazonaws.com", READ), "Worker": function("Runs"),
          "Feed": one("AWS::Lambda::EventSourceMapping", EventSourceArn=arn("Queue"), FunctionName=ref("Worker"))},
         {"Runs": role("lambda.amazonaws.com", allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], arn("Queue")))}),
    Case("a model whose role may not read its artefact", "deploy-role-permits-creation",
         {"Runs": role("sagemaker.amazonaws.com", allow("s3:GetObject", "arn:aws:s3:::other/*")), "Model": having(MODEL, PrimaryContainer={"ModelDataUrl": "s3://models/one.tar.gz"})},
         {"Runs": role("sagemaker.amazonaws.com", allow("s3:GetObject", "arn:aws:s3:::models/*"))}, "Could not access model data"),
    Case("a schedule that calls an API which its role may not", "deploy-role-permits-creation",
         {"Runs": role("scheduler.amazonaws.com", READ), "Schedule": having(SCHEDULE, Target={"Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:stopPipelineExecution", "RoleArn": arn("Runs")})},
         {"Runs": role("scheduler.amazonaws.com", allow("sagemaker:StopPipelineExecution"))}, "sagemaker:StopPipelineExecution"),
    Case("a state machine that may not follow its training job", "deploy-state-machine-permitted",
         {"Runs": role("states.amazonaws.com", TRAIN), "Machine": machine("sagemaker:createTrainingJob.sync")},
         {"Runs": role("states.amazonaws.com", TRAIN, RULES)}, "is not authorized to create managed-rule", "DF-029"),
    Case("a state machine that may not tag its training job", "deploy-state-machine-permitted",
         {"Runs": role("states.amazonaws.com", RULES, allow(["sagemaker:CreateTrainingJob", "iam:PassRole"])), "Machine": machine("sagemaker:createTrainingJob.sync")},
         {"Runs": role("states.amazonaws.com", RULES, TRAIN)}, "sagemaker:AddTags", "DF-031"),
    Case("a state machine that may not follow a container task", "deploy-state-machine-permitted",
         {"Runs": role("states.amazonaws.com", allow(["ecs:RunTask", "ecs:DescribeTasks", "iam:PassRole"])), "Machine": machine("ecs:runTask.sync")},
         {"Runs": role("states.amazonaws.com", allow(["ecs:RunTask", "ecs:DescribeTasks", "iam:PassRole"]), RULES)}),
    Case("a schedule whose role trusts EventBridge rules instead", "deploy-role-trusts-service",
         {"Runs": role("events.amazonaws.com"), "Schedule": SCHEDULE}, {"Runs": role("scheduler.amazonaws.com")},
         "must allow AWS EventBridge Scheduler to assume the role", "DF-033"),
    Case("a schedule whose role expects the schedule's ARN instead of its group's", "deploy-role-trusts-service",
         {"Runs": trusting("scheduler.amazonaws.com", ArnLike={"aws:SourceArn": sub("arn:aws:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/default/*")}), "Schedule": SCHEDULE},
         {"Runs": trusting("scheduler.amazonaws.com", ArnLike={"aws:SourceArn": sub("arn:aws:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/default")})}),
    Case("a Glue job whose role trusts SageMaker", "deploy-role-trusts-service",
         {"Runs": role("sagemaker.amazonaws.com"), "Job": one("AWS::Glue::Job", Role=arn("Runs"), Command={"Name": "glueetl", "ScriptLocation": "s3://b/a.py"})},
         {"Runs": role("glue.amazonaws.com")}),
    Case("a role whose inline policies are too long together", "deploy-policies-within-size",
         {"Runs": role("lambda.amazonaws.com", *MANY[:60]), "Policy": policy("Runs", *MANY[60:])}, {"Runs": role("lambda.amazonaws.com"), "Policy": policy("Runs", *MANY[:60])},
         "Maximum policy size of 10240 bytes exceeded", "DF-037"),
    Case("a managed policy that is too long", "deploy-policies-within-size",
         {"Policy": one("AWS::IAM::ManagedPolicy", PolicyDocument=document(*MANY))}, {"Policy": one("AWS::IAM::ManagedPolicy", PolicyDocument=document(*MANY[:20]))}, "6144"),
    Case("a database where Lake Formation may rule", "deploy-lake-permissions-stated",
         {"Data": one("AWS::Glue::Database", CatalogId=ref("AWS::AccountId"), DatabaseInput={"Name": "flights"})},
         {"Data": one("AWS::Glue::Database", "Grant", CatalogId=ref("AWS::AccountId"), DatabaseInput={"Name": "flights"}),
          "Grant": one("AWS::LakeFormation::PrincipalPermissions", Permissions=["CREATE_DATABASE"], PermissionsWithGrantOption=[],
                       Principal={"DataLakePrincipalIdentifier": "arn:aws:iam::1:role/cfn"}, Resource={"Catalog": {}})},
         "Required Create Database on Catalog", "DF-039", unknown=True),
    Case("a table where Lake Formation may rule", "deploy-lake-permissions-stated",
         {"Table": one("AWS::Glue::Table", CatalogId="1", DatabaseName="flights", TableInput={"Name": "table"})},
         {"Table": one("AWS::Glue::Table", "Lake", CatalogId="1", DatabaseName="flights", TableInput={"Name": "table"}),
          "Lake": one("AWS::LakeFormation::DataLakeSettings", Admins=[{"DataLakePrincipalIdentifier": "arn:aws:iam::1:role/cfn"}])}, unknown=True),
    Case("a role that deletes endpoints and cannot deregister their scaling", "deploy-scaling-deregistered",
         {"Target": SCALED, "Cleaner": role("lambda.amazonaws.com", allow("sagemaker:DeleteEndpoint"))},
         {"Cleaner": role("lambda.amazonaws.com", allow(["sagemaker:DeleteEndpoint", "application-autoscaling:DeregisterScalableTarget"]))},
         "DeregisterScalableTarget permission", "DF-047", on="Cleaner"),
    Case("a role that updates endpoints and cannot deregister their scaling", "deploy-scaling-deregistered",
         {"Target": SCALED, "Updater": role("codebuild.amazonaws.com", allow("sagemaker:*"))},
         {"Updater": role("codebuild.amazonaws.com", allow(["sagemaker:*", "application-autoscaling:*"]))}),
    Case("a compute environment whose service role loses its policy first", "deploy-role-outlives-resource",
         {"Runs": role("batch.amazonaws.com"), "Policy": policy("Runs", allow("ec2:*")), "Compute": one("AWS::Batch::ComputeEnvironment", Type="MANAGED", ServiceRole=arn("Runs"))},
         {"Compute": depending(one("AWS::Batch::ComputeEnvironment", Type="MANAGED", ServiceRole=arn("Runs")), "Policy")}, "DELETING", "DF-129"),
    Case("a cluster whose role loses its policy first", "deploy-role-outlives-resource",
         {"Runs": role("eks.amazonaws.com"), "Policy": policy("Runs", allow("eks:*")), "Cluster": one("AWS::EKS::Cluster", RoleArn=arn("Runs"), ResourcesVpcConfig={"SubnetIds": ["subnet-1", "subnet-2"]})},
         {"Cluster": depending(one("AWS::EKS::Cluster", RoleArn=arn("Runs"), ResourcesVpcConfig={"SubnetIds": ["subnet-1", "subnet-2"]}), "Policy")}),
    Case("a security group that goes after the policy by which Lambda removes its interfaces", "deploy-network-outlives-interfaces",
         subnets() | {"Runs": role("lambda.amazonaws.com"), "Joins": policy("Runs", INTERFACES),
                      "Worker": depending(function("Runs", VpcConfig={"SubnetIds": subnet_refs(), "SecurityGroupIds": [arn("Group", "GroupId")]}), "Joins")},
         {"Group": depending(subnets()["Group"], "Joins")}, "has a dependent object (DependencyViolation)", "DF-123", on="Worker"),
    Case("a model's security group that goes after the policy by which its interfaces go", "deploy-network-outlives-interfaces",
         subnets() | {"Runs": role("sagemaker.amazonaws.com"), "Joins": policy("Runs", INTERFACES),
                      "Model": depending(having(MODEL, VpcConfig={"Subnets": subnet_refs(), "SecurityGroupIds": [arn("Group", "GroupId")]}), "Joins")},
         {"Group": depending(subnets()["Group"], "Joins")}),
    Case("a job's security group that goes after the policy by which its interfaces go", "deploy-network-outlives-interfaces",
         subnets() | {"Runs": role("sagemaker.amazonaws.com"), "Joins": policy("Runs", INTERFACES),
                      "Launcher": function(Environment={"Variables": {"ROLE": arn("Runs"), "GROUP": arn("Group", "GroupId")}})},
         {"Group": depending(subnets()["Group"], "Joins")}, "Launcher gives Runs and Group to jobs or hosts", on="Group"),
    Case("a host's security group that a stack of its own is told", "deploy-network-outlives-interfaces",
         subnets() | {"Runs": role("sagemaker.amazonaws.com"), "Joins": policy("Runs", INTERFACES),
                      "Child": one("AWS::CloudFormation::Stack", TemplateURL="https://b.s3.amazonaws.com/t", Parameters={"Role": arn("Runs"), "Group": arn("Group", "GroupId")})},
         {"Group": depending(subnets()["Group"], "Joins")}, "Child gives Runs and Group to jobs or hosts", on="Group"),
    Case("a kept notebook in a subnet that goes", "deploy-network-outlives-interfaces",
         subnets() | {"Book": one("AWS::SageMaker::NotebookInstance", policy="Retain", InstanceType="ml.t3.medium", RoleArn="arn:aws:iam::1:role/x", SubnetId=ref("Subnet0"), SecurityGroupIds=["sg-1"])},
         {"Book": one("AWS::SageMaker::NotebookInstance", InstanceType="ml.t3.medium", RoleArn="arn:aws:iam::1:role/x", SubnetId=ref("Subnet0"), SecurityGroupIds=["sg-1"])},
         "has dependencies and cannot be deleted", "DF-125"),
]  # fmt: skip
