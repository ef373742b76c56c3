"""Resources that fail by themselves: names, options, schedules, content, limits."""

from __future__ import annotations

from tests.review.deployability.parts import (
    Case,
    allow,
    arn,
    depending,
    document,
    function,
    having,
    key,
    one,
    ref,
    role,
    sub,
)

VARIANT = {"VariantName": "main", "ModelName": "model", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}


def config(**properties: object) -> dict:
    return one(
        "AWS::SageMaker::EndpointConfig",
        ProductionVariants=[VARIANT | dict(properties.pop("variant", {}))],
        **properties,
    )


GROUP = one(
    "AWS::SageMaker::FeatureGroup", FeatureGroupName="flights", RecordIdentifierFeatureName="id", EventTimeFeatureName="at",
    FeatureDefinitions=[{"FeatureName": "id", "FeatureType": "String"}],
    OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://b/p"}, "DataCatalogConfig": {"TableName": "t", "Catalog": "c", "Database": "d"}},
)  # fmt: skip
ENDPOINT = one(
    "AWS::SageMaker::Endpoint", EndpointName="flights", EndpointConfigName=arn("Config", "EndpointConfigName")
)
SCALED = one(
    "AWS::ApplicationAutoScaling::ScalableTarget", MinCapacity=1, MaxCapacity=2, ServiceNamespace="sagemaker",
    ScalableDimension="sagemaker:variant:DesiredInstanceCount", ResourceId=sub("endpoint/${Endpoint.EndpointName}/variant/main"),
)  # fmt: skip


def watch(expression: str, **more: object) -> dict:
    return one("AWS::SageMaker::MonitoringSchedule", MonitoringScheduleName="watch-flights", MonitoringScheduleConfig={
        "ScheduleConfig": {"ScheduleExpression": expression}} | more)  # fmt: skip


HOURLY = "cron(0 * ? * * *)"
JOB = one(
    "AWS::SageMaker::DataQualityJobDefinition", JobDefinitionName="flights-quality", RoleArn="arn:aws:iam::1:role/x"
)
REPOSITORY = one("AWS::ECR::Repository", RepositoryName="models", EmptyOnDelete=True)
DAGS = one("AWS::S3::Bucket", VersioningConfiguration={"Status": "Enabled"}, PublicAccessBlockConfiguration={
    "BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True})  # fmt: skip
MACHINE = one("AWS::StepFunctions::StateMachine", RoleArn="arn:aws:iam::1:role/x", DefinitionString="{}", LoggingConfiguration={
    "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": arn("Logs")}}]})  # fmt: skip
BASE = one(
    "AWS::Bedrock::KnowledgeBase", Name="base", RoleArn="arn:aws:iam::1:role/x",
    KnowledgeBaseConfiguration={"Type": "VECTOR", "VectorKnowledgeBaseConfiguration": {
        "EmbeddingModelArn": sub("arn:${AWS::Partition}:bedrock:${AWS::Region}::foundation-model/amazon.titan-embed-text-v2:0")}},
    StorageConfiguration={"Type": "OPENSEARCH_SERVERLESS", "OpensearchServerlessConfiguration": {
        "CollectionArn": arn("Vectors"), "VectorIndexName": "index-of-flights",
        "FieldMapping": {"VectorField": "vector", "TextField": "text", "MetadataField": "metadata"}}},
)  # fmt: skip
VECTORS = one("AWS::OpenSearchServerless::Collection", Name=sub("vectors-${Random}"))


def index(dimension: int = 1024) -> dict:
    return one("AWS::OpenSearchServerless::Index", CollectionEndpoint=arn("Vectors", "CollectionEndpoint"), IndexName="index-of-flights",
               Mappings={"Properties": {"vector": {"Type": "knn_vector", "Dimension": dimension}, "text": {"Type": "text"}, "metadata": {"Type": "text"}}})  # fmt: skip


FILES = one(
    "AWS::EFS::FileSystem",
    FileSystemPolicy=document(
        allow(["elasticfilesystem:ClientRootAccess", "elasticfilesystem:ClientWrite"], Principal={"AWS": "*"})
    ),
)


def mounting(transit: str = "ENABLED") -> dict:
    return one("AWS::ECS::TaskDefinition", TaskRoleArn=arn("Runs"), Volumes=[{"Name": "v", "EFSVolumeConfiguration": {
        "FilesystemId": ref("Files"), "TransitEncryption": transit, "AuthorizationConfig": {"IAM": "ENABLED"}}}])  # fmt: skip


MOUNTER = role("ecs-tasks.amazonaws.com", allow("elasticfilesystem:ClientMount", arn("Files")))
DELIVERED = one("AWS::Config::DeliveryChannel", S3BucketName=ref("Store"))
RECORDER = one("AWS::Config::ConfigurationRecorder", RoleARN="arn:aws:iam::1:role/x")
WRITES = one("AWS::S3::BucketPolicy", Bucket=ref("Store"), PolicyDocument=document(
    allow(["s3:GetBucketAcl", "s3:ListBucket", "s3:PutObject"], [arn("Store"), sub("${Store.Arn}/*")], Principal={"Service": "config.amazonaws.com"})))  # fmt: skip
TRAILS = one("AWS::S3::BucketPolicy", Bucket=ref("Store"), PolicyDocument=document(
    allow(["s3:GetBucketAcl", "s3:PutObject"], [arn("Store"), sub("${Store.Arn}/*")], Principal={"Service": "cloudtrail.amazonaws.com"})))  # fmt: skip
WRITER = role("lambda.amazonaws.com", allow("s3:PutObject", sub("${Store.Arn}/*")))
EMPTIED = one("Custom::Empty", ServiceToken="arn:aws:lambda:us-east-1:1:function:empty", Bucket=ref("Store"))
QUEUE = one("AWS::SQS::Queue", VisibilityTimeout=300)
FEED = one("AWS::Lambda::EventSourceMapping", EventSourceArn=arn("Queue"), FunctionName=ref("Worker"))
OPAQUE = one("AWS::OpenSearchServerless::SecurityPolicy", Name="vectors-policy", Type="encryption", Policy="{}")
COMPUTE = one("AWS::Batch::ComputeEnvironment", Type="MANAGED", ComputeEnvironmentName="workers")


def jobs(environment: object) -> dict:
    return one(
        "AWS::Batch::JobQueue", Priority=1, ComputeEnvironmentOrder=[{"Order": 1, "ComputeEnvironment": environment}]
    )


REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"

CASES = [
    Case("a catalogue table of one's own beside an automatic one", "deploy-options-agree", {"Group": GROUP},
         {"Group": having(GROUP, OfflineStoreConfig=GROUP["Properties"]["OfflineStoreConfig"] | {"DisableGlueTableCreation": True})}, "exclude each other", "DF-043"),
    Case("managed instance scaling of a variant with a model", "deploy-options-agree",
         {"Config": config(variant={"ManagedInstanceScaling": {"Status": "ENABLED"}}, ExecutionRoleArn="arn:aws:iam::1:role/x")}, {"Config": config()},
         "only supported for inference component endpoints", "DF-051"),
    Case("a serverless variant with instances", "deploy-options-agree", {"Config": config(variant={"ServerlessConfig": {"MaxConcurrency": 5, "MemorySizeInMB": 1024}})}, {"Config": config()}),
    Case("a queue encrypted twice", "deploy-options-agree", {"Queue": one("AWS::SQS::Queue", KmsMasterKeyId="alias/mine", SqsManagedSseEnabled=True)}, {"Queue": one("AWS::SQS::Queue", KmsMasterKeyId="alias/mine")}),
    Case("an alarm with more breaching points than points", "deploy-options-agree",
         {"Alarm": one("AWS::CloudWatch::Alarm", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=2, DatapointsToAlarm=3)},
         {"Alarm": one("AWS::CloudWatch::Alarm", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=3, DatapointsToAlarm=3)}),
    Case("a storage key for instances with local disks", "deploy-storage-key-fits-instance", {"Config": config(variant={"InstanceType": "ml.g5.xlarge"}, KmsKeyId="alias/mine")},
         {"Config": config(variant={"InstanceType": "ml.g5.xlarge"})}, "local NVMe disks"),
    Case("a volume key for a monitoring job on local disks", "deploy-storage-key-fits-instance",
         {"Job": having(JOB, JobResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5d.large", "VolumeSizeInGB": 20, "VolumeKmsKeyId": "alias/mine"}})},
         {"Job": having(JOB, JobResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20, "VolumeKmsKeyId": "alias/mine"}})}),
    Case("an endpoint configuration with a fixed name", "deploy-name-free-on-replacement", {"Config": config(EndpointConfigName="flights")}, {"Config": config()},
         "Cannot create already existing endpoint configuration", "DF-045"),
    Case("a model with a name of the stack", "deploy-name-free-on-replacement",
         {"Model": one("AWS::SageMaker::Model", ModelName=sub("${AWS::StackName}-model"), ExecutionRoleArn="arn:aws:iam::1:role/x")},
         {"Model": one("AWS::SageMaker::Model", ModelName=sub("${AWS::StackName}-model-3f9a01bc"), ExecutionRoleArn="arn:aws:iam::1:role/x")}),
    Case("a monitoring job definition with a fixed name", "deploy-name-free-on-replacement", {"Job": JOB}, {"Job": having(JOB, JobDefinitionName="flights-quality-3f9a01bc")}),
    Case("scaling of burstable instances", "deploy-scalable-target-valid", {"Config": config(variant={"InstanceType": "ml.t2.medium"}), "Endpoint": ENDPOINT, "Target": SCALED}, {"Config": config()},
         "burstable", "DF-049"),
    Case("scaling of a variant that is not there", "deploy-scalable-target-valid", {"Config": config(variant={"VariantName": "other"}), "Endpoint": ENDPOINT, "Target": SCALED}, {"Config": config()}, "no variant main"),
    Case("scaling of a serverless variant's instances", "deploy-scalable-target-valid",
         {"Config": one("AWS::SageMaker::EndpointConfig", ProductionVariants=[{"VariantName": "main", "ModelName": "m", "ServerlessConfig": {"MaxConcurrency": 5, "MemorySizeInMB": 1024}}]),
          "Endpoint": ENDPOINT, "Target": SCALED}, {"Target": having(SCALED, ScalableDimension="sagemaker:variant:DesiredProvisionedConcurrency")}),
    Case("scaling of a table by a dimension of another service", "deploy-scalable-target-valid",
         {"Target": having(SCALED, ServiceNamespace="dynamodb", ResourceId="table/flights", ScalableDimension="ecs:service:DesiredCount")},
         {"Target": having(SCALED, ServiceNamespace="dynamodb", ResourceId="table/flights", ScalableDimension="dynamodb:table:ReadCapacityUnits")}),
    Case("a model whose image the stack does not push", "deploy-image-there",
         {"Repository": REPOSITORY, "Model": one("AWS::SageMaker::Model", PrimaryContainer={"Image": sub("${Repository.RepositoryUri}:latest")})},
         {"Model": one("AWS::SageMaker::Model", PrimaryContainer={"Image": sub("${AWS::AccountId}.dkr.ecr.us-east-1.amazonaws.com/cdk-assets:1")})}, "is empty", "DF-055"),
    Case("a function whose image the stack does not push", "deploy-image-there",
         {"Repository": REPOSITORY, "Worker": having(function(), Code={"ImageUri": sub("${AWS::AccountId}.dkr.ecr.us-east-1.amazonaws.com/models:1")})}, {"Repository": None}),
    Case("an image from the registry of another region", "deploy-image-there",
         {"Model": one("AWS::SageMaker::Model", PrimaryContainer={"Image": "683313688378.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1"})},
         {"Model": one("AWS::SageMaker::Model", PrimaryContainer={"Image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1"})}),
    Case("an image from a repository that SageMaker's registry does not have", "deploy-image-there",
         {"Model": one("AWS::SageMaker::Model", PrimaryContainer={"Image": f"{REGISTRY}/sagemaker-xxgboost:3.2-0"})},
         {"Model": one("AWS::SageMaker::Model", PrimaryContainer={"Image": f"{REGISTRY}/sagemaker-sparkml-serving:3.3"})}, "sagemaker-xgboost", unknown=True),
    Case("a repository that is asked for by digest", "deploy-image-there",
         {"Model": one("AWS::SageMaker::Model", Containers=[{"Image": f"{REGISTRY}/xgboost@sha256:{'0' * 64}"}])},
         {"Model": one("AWS::SageMaker::Model", Containers=[{"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/xgboost:1"}])}, unknown=True),
    Case("a monitoring schedule that names its job definition", "deploy-referred-not-named",
         {"Job": JOB, "Watch": watch(HOURLY, MonitoringJobDefinitionName="flights-quality")}, {"Watch": watch(HOURLY, MonitoringJobDefinitionName=arn("Job", "JobDefinitionName"))},
         "DeleteMonitoringSchedule ValidationException", "DF-057"),
    Case("a job queue that names its environment", "deploy-referred-not-named", {"Compute": COMPUTE, "Jobs": jobs("workers")}, {"Jobs": jobs(ref("Compute"))},
         "found existing JobQueue relationship", "DF-127"),
    Case("an endpoint that names its configuration", "deploy-referred-not-named",
         {"Config": config(EndpointConfigName="flights-1"), "Endpoint": one("AWS::SageMaker::Endpoint", EndpointConfigName="flights-1")}, {"Endpoint": ENDPOINT}),
    Case("a crawler that names its database", "deploy-referred-not-named",
         {"Group": one("AWS::Athena::WorkGroup", Name="analysts-of-flights"), "Query": one("AWS::Athena::NamedQuery", Database="d", QueryString="select 1", WorkGroup="analysts-of-flights")},
         {"Query": one("AWS::Athena::NamedQuery", Database="d", QueryString="select 1", WorkGroup=ref("Group"))}),
    Case("a monitoring schedule every five minutes", "deploy-schedule-valid", {"Watch": watch("cron(0/5 * ? * * *)")}, {"Watch": watch(HOURLY)}, "hourly", "DF-059"),
    Case("a monitoring schedule as a rate", "deploy-schedule-valid", {"Watch": watch("rate(1 hour)")}, {"Watch": watch("cron(0 8 ? * * *)")}),
    Case("a rule whose schedule names both days", "deploy-schedule-valid", {"Rule": one("AWS::Events::Rule", ScheduleExpression="cron(0 8 * * * *)")}, {"Rule": one("AWS::Events::Rule", ScheduleExpression="cron(0 8 * * ? *)")}),
    Case("a rule every 1 hours", "deploy-schedule-valid", {"Rule": one("AWS::Events::Rule", ScheduleExpression="rate(1 hours)")}, {"Rule": one("AWS::Events::Rule", ScheduleExpression="rate(1 hour)")}),
    Case("a crawler at a rate", "deploy-schedule-valid", {"Crawler": one("AWS::Glue::Crawler", Role="r", Schedule={"ScheduleExpression": "rate(1 day)"})}, {"Crawler": one("AWS::Glue::Crawler", Role="r", Schedule={"ScheduleExpression": "cron(0 3 * * ? *)"})}),
    Case("a fleet's recurrence with six fields", "deploy-schedule-valid", {"Night": one("AWS::AutoScaling::ScheduledAction", AutoScalingGroupName="g", Recurrence="cron(0 8 * * ? *)")}, {"Night": one("AWS::AutoScaling::ScheduledAction", AutoScalingGroupName="g", Recurrence="0 8 * * *")}),
    Case("a schedule in a time zone that is none", "deploy-schedule-valid",
         {"S": one("AWS::Scheduler::Schedule", ScheduleExpression="rate(1 hour)", ScheduleExpressionTimezone="Europe/Entenhausen")}, {"S": one("AWS::Scheduler::Schedule", ScheduleExpression="at(2027-01-01T00:00:00)", ScheduleExpressionTimezone="Europe/Berlin")}),
    Case("a file system whose policy lets its task not mount", "deploy-file-system-mountable",
         {"Files": FILES, "Runs": role("ecs-tasks.amazonaws.com"), "Task": mounting()}, {"Runs": MOUNTER}, "ClientMount", "DF-085"),
    Case("a file system mounted without TLS", "deploy-file-system-mountable", {"Files": FILES, "Runs": MOUNTER, "Task": mounting("DISABLED")}, {"Task": mounting()}),
    Case("an Airflow bucket that the public may reach", "deploy-bucket-fits-service",
         {"Dags": one("AWS::S3::Bucket", VersioningConfiguration={"Status": "Enabled"}), "Flows": one("AWS::MWAA::Environment", Name="f", SourceBucketArn=arn("Dags"))}, {"Dags": DAGS},
         "does not have BlockPublicAccess set", "DF-089"),
    Case("a pipeline's source bucket without versions", "deploy-bucket-fits-service",
         {"Source": one("AWS::S3::Bucket"), "Pipeline": one("AWS::CodePipeline::Pipeline", RoleArn="r", Stages=[{"Name": "S", "Actions": [{"Name": "A", "Configuration": {"S3Bucket": ref("Source")}}]}])}, {"Source": DAGS}),
    Case("concurrency that a new account does not have", "deploy-concurrency-within-account", {"Worker": function(ReservedConcurrentExecutions=5)}, {"Worker": function(ReservedConcurrentExecutions=0)},
         "below its minimum value of [10]", "DF-099", unknown=True),
    Case("provisioned concurrency of an alias", "deploy-concurrency-within-account",
         {"Live": one("AWS::Lambda::Alias", FunctionName="f", FunctionVersion="1", Name="live", ProvisionedConcurrencyConfig={"ProvisionedConcurrentExecutions": 2})},
         {"Live": one("AWS::Lambda::Alias", FunctionName="f", FunctionVersion="1", Name="live")}, unknown=True),
    Case("a second detector in the account", "deploy-one-per-account", {"Detector": one("AWS::GuardDuty::Detector", Enable=True)},
         {"Detector": one("AWS::GuardDuty::Detector", Enable=True) | {"Condition": "First"}}, "a detector already exists", "DF-103", unknown=True),
    Case("two recorders in one stack", "deploy-one-per-account", {"A": RECORDER, "B": RECORDER}, {"A": RECORDER | {"Condition": "First"}, "B": None}, "is one too"),
    Case("a recorder that waits for its channel", "deploy-recorder-beside-channel", {"Recorder": depending(RECORDER, "Channel"), "Channel": one("AWS::Config::DeliveryChannel", S3BucketName="b")}, {"Recorder": RECORDER},
         "NoAvailableDeliveryChannelException", "DF-105"),
    Case("a channel that waits for its recorder by way of a rule", "deploy-recorder-beside-channel",
         {"Recorder": RECORDER, "Rule": one("AWS::Config::ConfigRule", "Recorder", Source={"Owner": "AWS", "SourceIdentifier": "X"}), "Channel": one("AWS::Config::DeliveryChannel", "Rule", S3BucketName="b")},
         {"Channel": one("AWS::Config::DeliveryChannel", S3BucketName="b")}),
    Case("a delivery channel into a bucket that Config may not write to", "deploy-delivery-bucket-writable", {"Store": one("AWS::S3::Bucket"), "Channel": DELIVERED},
         {"Writes": WRITES, "Channel": depending(DELIVERED, "Writes")}, "Insufficient delivery policy to s3 bucket", "DF-107"),
    Case("a delivery channel that is given the bucket's ARN", "deploy-delivery-bucket-writable",
         {"Store": one("AWS::S3::Bucket"), "Writes": WRITES, "Channel": depending(having(DELIVERED, S3BucketName=arn("Store")), "Writes")}, {"Channel": depending(DELIVERED, "Writes")}, "name is needed"),
    Case("a trail that does not wait for its bucket's policy", "deploy-delivery-bucket-writable",
         {"Store": one("AWS::S3::Bucket"), "Writes": TRAILS, "Trail": one("AWS::CloudTrail::Trail", IsLogging=True, S3BucketName=ref("Store"))},
         {"Trail": one("AWS::CloudTrail::Trail", "Writes", IsLogging=True, S3BucketName=ref("Store"))}),
    Case("flow logs into a bucket that may not be written to", "deploy-delivery-bucket-writable",
         {"Store": one("AWS::S3::Bucket"), "Flow": one("AWS::EC2::FlowLog", ResourceId="vpc-1", ResourceType="VPC", LogDestinationType="s3", LogDestination=arn("Store"))},
         {"Flow": one("AWS::EC2::FlowLog", ResourceId="vpc-1", ResourceType="VPC", LogDestinationType="cloud-watch-logs", LogGroupName="g")}),
    Case("a state machine's log group with a made-up name", "deploy-vended-logs-named", {"Logs": one("AWS::Logs::LogGroup"), "Machine": MACHINE},
         {"Logs": one("AWS::Logs::LogGroup", LogGroupName=sub("/aws/vendedlogs/states/${AWS::StackName}"))}, "Resource Policy size was exceeded", "DF-109"),
    Case("access logs of an HTTP API in a log group of any name", "deploy-vended-logs-named",
         {"Logs": one("AWS::Logs::LogGroup", LogGroupName="/api/access"), "Stage": one("AWS::ApiGatewayV2::Stage", ApiId="a", StageName="s", AccessLogSettings={"DestinationArn": arn("Logs")})},
         {"Logs": one("AWS::Logs::LogGroup", LogGroupName="/aws/vendedlogs/http-api/access")}),
    Case("a knowledge base whose index nobody makes", "deploy-vector-index-ready", {"Vectors": VECTORS, "Base": BASE}, {"Index": index(), "Base": depending(BASE, "Index")},
         "no such index", "DF-111"),
    Case("a knowledge base that does not wait for its index", "deploy-vector-index-ready", {"Vectors": VECTORS, "Index": index(), "Base": BASE}, {"Base": depending(BASE, "Index")}, "does not wait for Index"),
    Case("an index of another dimension", "deploy-vector-index-ready", {"Vectors": VECTORS, "Index": index(1536), "Base": depending(BASE, "Index")}, {"Index": index()}, "vectors of 1024"),
    Case("a security policy that a rollback leaves behind", "deploy-leftovers-do-not-collide", {"Policy": OPAQUE, "Base": BASE},
         {"Policy": having(OPAQUE, Name={"Fn::Join": ["-", ["v", {"Fn::Select": [2, {"Fn::Split": ["/", ref("AWS::StackId")]}]}]]})}, "already exists", "DF-113"),
    Case("a kept table with a fixed name", "deploy-leftovers-do-not-collide",
         {"Table": one("AWS::DynamoDB::Table", policy="Retain", TableName="flights", KeySchema=[])}, {"Table": one("AWS::DynamoDB::Table", TableName="flights", KeySchema=[])}),
    Case("a function that outlives its log group", "deploy-log-group-owned", {"Worker": function(FunctionName="worker"), "Logs": one("AWS::Logs::LogGroup", LogGroupName="/aws/lambda/worker")},
         {"Worker": function(FunctionName="worker", LoggingConfig={"LogGroup": ref("Logs")})}, "already exists", "DF-115"),
    Case("a log group that is made after its function", "deploy-log-group-owned", {"Worker": function(), "Logs": one("AWS::Logs::LogGroup", LogGroupName=sub("/aws/lambda/${Worker}"))},
         {"Worker": function(LoggingConfig={"LogGroup": ref("Logs")}), "Logs": one("AWS::Logs::LogGroup")}, "may write the group first"),
    Case("an endpoint that outlives its log group", "deploy-log-group-owned",
         {"Endpoint": one("AWS::SageMaker::Endpoint", EndpointName="flights", EndpointConfigName="c"), "Logs": one("AWS::Logs::LogGroup", LogGroupName="/aws/sagemaker/Endpoints/flights")},
         {"Endpoint": one("AWS::SageMaker::Endpoint", "Logs", EndpointName="flights", EndpointConfigName="c")}),
    Case("a bucket that is written to and never emptied", "deploy-contents-removed", {"Store": one("AWS::S3::Bucket"), "Writer": WRITER}, {"Emptied": EMPTIED}, "is not empty", "DF-117"),
    Case("a bucket whose emptying handler may not delete", "deploy-contents-removed",
         {"Store": one("AWS::S3::Bucket"), "Writer": WRITER, "Runs": role("lambda.amazonaws.com", allow("s3:ListBucket")), "Handler": function("Runs"), "Emptied": having(EMPTIED, ServiceToken=arn("Handler"))},
         {"Runs": role("lambda.amazonaws.com", allow(["s3:ListBucketVersions", "s3:DeleteObject*"]))}),
    Case("a workgroup that keeps its queries", "deploy-contents-removed", {"Group": one("AWS::Athena::WorkGroup", Name="g")}, {"Group": one("AWS::Athena::WorkGroup", Name="g", RecursiveDeleteOption=True)},
         "WorkGroup <name> is not empty", "DF-119"),
    Case("a repository that keeps its images", "deploy-contents-removed", {"Images": one("AWS::ECR::Repository")}, {"Images": one("AWS::ECR::Repository", EmptyOnDelete=True)}, "still contains images", "DF-121"),
    Case("a model package group that fills up", "deploy-contents-removed",
         {"Models": one("AWS::SageMaker::ModelPackageGroup", ModelPackageGroupName="m"), "Registers": role("lambda.amazonaws.com", allow("sagemaker:CreateModelPackage", ref("Models")))},
         {"Emptied": one("Custom::Empty", ServiceToken="arn:aws:lambda:us-east-1:1:function:empty", Group=ref("Models"))}),
    Case("a security group's description with an arrow", "deploy-values-within-schema", {"Group": one("AWS::EC2::SecurityGroup", GroupDescription="workloads \u2192 endpoints")},
         {"Group": one("AWS::EC2::SecurityGroup", GroupDescription="workloads to endpoints")}, "Character sets beyond ASCII", "DF-139"),
    Case("a role's description with a dash, inside a function", "deploy-values-within-schema",
         {"Runs": one("AWS::IAM::Role", AssumeRolePolicyDocument={}, Description=sub("Runs ${AWS::StackName} \u2014 all of it"))},
         {"Runs": one("AWS::IAM::Role", AssumeRolePolicyDocument={}, Description=sub("Runs ${AWS::StackName} - all of it"))}, "Member must satisfy regular expression pattern", "DF-141"),
    Case("a function's name that is too long", "deploy-values-within-schema", {"Worker": function(FunctionName="w" * 150)}, {"Worker": function(FunctionName="w" * 60)}),
    Case("code that deployment does not upload", "deploy-code-uploaded", {"Worker": one("AWS::Lambda::Function", Code={"S3Bucket": sub("cdk-hnb659fds-assets-${AWS::AccountId}-us-east-1"), "S3Key": "gone.zip"})},
         {"Worker": one("AWS::Lambda::Function", Code={"S3Bucket": sub("cdk-hnb659fds-assets-${AWS::AccountId}-us-east-1"), "S3Key": "there.zip"})}, "NoSuchKey"),
    Case("a number that no service takes", "deploy-values-within-schema", {"Logs": one("AWS::Logs::LogGroup", RetentionInDays=31)}, {"Logs": one("AWS::Logs::LogGroup", RetentionInDays=30)}),
    Case("a number that is too small", "deploy-values-within-schema", {"Worker": function(MemorySize=64)}, {"Worker": function(MemorySize=128)}),
    Case("a function that runs longer than Lambda lets it", "deploy-values-within-schema", {"Worker": function(Timeout=1000)}, {"Worker": function(Timeout=900)}),
    Case("a workgroup's name with a space", "deploy-values-within-schema", {"Group": one("AWS::Athena::WorkGroup", Name="my group")}, {"Group": one("AWS::Athena::WorkGroup", Name="my-group")}),
    Case("a SageMaker pipeline's name with a space", "deploy-values-within-schema", {"Train": one("AWS::SageMaker::Pipeline", PipelineName="my training", PipelineDefinition={"PipelineDefinitionBody": "{}"}, RoleArn="arn:aws:iam::123456789012:role/x")},
         {"Train": one("AWS::SageMaker::Pipeline", PipelineName="my-training", PipelineDefinition={"PipelineDefinitionBody": "{}"}, RoleArn="arn:aws:iam::123456789012:role/x")}, on="Train"),
    Case("a Studio domain's name with an underscore", "deploy-values-within-schema", {"Studio": one("AWS::SageMaker::Domain", DomainName="my_studio", AuthMode="IAM", DefaultUserSettings={"ExecutionRole": "arn:aws:iam::123456789012:role/x"})},
         {"Studio": one("AWS::SageMaker::Domain", DomainName="my-studio", AuthMode="IAM", DefaultUserSettings={"ExecutionRole": "arn:aws:iam::123456789012:role/x"})}),
    Case("a feature group's name with a dot", "deploy-values-within-schema", {"Group": having(GROUP, FeatureGroupName="late.flights")}, {"Group": having(GROUP, FeatureGroupName="late_flights")}),
    Case("a type that no region has", "deploy-values-within-schema", {"Thing": one("AWS::SageMaker::Endpont", EndpointConfigName="c")}, {"Thing": one("AWS::SageMaker::Endpoint", EndpointConfigName="c")}),
    Case("a property that a type does not have", "deploy-values-within-schema", {"Thing": one("AWS::SageMaker::Endpoint", EndpointConfigName="c", Nmae="x")}, {"Thing": one("AWS::SageMaker::Endpoint", EndpointConfigName="c")}),
    Case("a queue that hands messages out again too early", "deploy-queue-outlasts-consumer", {"Queue": one("AWS::SQS::Queue"), "Worker": function(Timeout=300), "Feed": FEED}, {"Queue": QUEUE},
         "is less than Function timeout", "DF-145"),
    Case("a queue whose time is shorter than a longer function's", "deploy-queue-outlasts-consumer", {"Queue": QUEUE, "Worker": function(Timeout=301), "Feed": FEED}, {"Worker": function(Timeout=300)}),
    Case("a reference to nothing", "deploy-references-exist", {"Worker": function("Nobody")}, {"Worker": function()}, "Unresolved resource dependencies"),
    Case("an attribute that a type does not give", "deploy-references-exist", {"Key": key(), "Copy": one("AWS::SSM::Parameter", Type="String", Value=arn("Key", "Name"))},
         {"Copy": one("AWS::SSM::Parameter", Type="String", Value=arn("Key", "Arn"))}, "does not support attribute type"),
    Case("more resources than a stack may have", "deploy-template-within-limits", {f"Queue{place}": one("AWS::SQS::Queue") for place in range(501)}, {"Queue0": None}, "greater than maximum allowed, 500"),
    Case("a function with the wrong argument", "deploy-template-readable", {"Worker": function(Description={"Fn::Join": "x"})}, {"Worker": function(Description="x")}, "Fn::Join"),
]  # fmt: skip
