"""Keys that lack whoever must use them."""

from __future__ import annotations

from tests.review.deployability.parts import (
    ADMIN,
    ALL_OF_KEY,
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
)  # fmt: skip

LOGS = "logs.us-east-1.amazonaws.com"
GROUP = one("AWS::Logs::LogGroup", KmsKeyId=arn("Key"), LogGroupName="/labs/one")
CONTEXT = "kms:EncryptionContext:aws:logs:arn"
TRAIL = one("AWS::CloudTrail::Trail", KMSKeyId=arn("Key"), IsLogging=True, S3BucketName="trail-of-the-account")
QUEUE = one("AWS::SQS::Queue", KmsMasterKeyId=arn("Key"))
TOPIC = one("AWS::SNS::Topic", KmsMasterKeyId=arn("Key"))
RULE = one("AWS::Events::Rule", EventPattern={"source": ["aws.s3"]}, Targets=[{"Id": "queue", "Arn": arn("Queue")}])
SEND = one(
    "AWS::SQS::QueuePolicy",
    Queues=[ref("Queue")],
    PolicyDocument=document(
        *(
            allow("sqs:SendMessage", arn("Queue"), Principal={"Service": f"{name}.amazonaws.com"})
            for name in ("events", "sns", "s3")
        )
    ),
)
SUBSCRIPTION = one("AWS::SNS::Subscription", Protocol="sqs", TopicArn=ref("Topic"), Endpoint=arn("Queue"))
WORKER = role("lambda.amazonaws.com", allow("sqs:SendMessage", arn("Queue")))
PIPELINE = one(
    "AWS::CodePipeline::Pipeline",
    RoleArn=arn("Builder"),
    ArtifactStore={"Type": "S3", "Location": ref("Store"), "EncryptionKey": {"Type": "KMS", "Id": arn("Key")}},
    Stages=[
        {"Name": "Source", "Actions": [{
            "Name": "Read", "ActionTypeId": {"Category": "Source", "Owner": "AWS", "Provider": "S3", "Version": "1"},
            "Configuration": {"S3Bucket": "source", "S3ObjectKey": "code.zip"}, "OutputArtifacts": [{"Name": "Code"}]}]},
        {"Name": "Deploy", "Actions": [{
            "Name": "Stack", "ActionTypeId": {"Category": "Deploy", "Owner": "AWS", "Provider": "CloudFormation", "Version": "1"},
            "Configuration": {"ActionMode": "CREATE_UPDATE", "StackName": "app", "RoleArn": arn("Deployer"), "ParameterOverrides": '{"Bucket": {"Fn::GetArtifactAtt": ["Code", "BucketName"]}}', "TemplatePath": "Code::template.json"},
            "InputArtifacts": [{"Name": "Code"}]}]},
    ],
)  # fmt: skip
READING = allow(["s3:GetObject", "s3:PutObject"], sub("${Store.Arn}/*"))
USING = allow(["kms:Decrypt", "kms:GenerateDataKey"], arn("Key"))

CASES = [
    Case("an encrypted log group whose key does not know CloudWatch Logs", "deploy-key-lets-service",
         {"Key": key(), "Group": GROUP}, {"Key": key(LOGS)}, "logs.us-east-1.amazonaws.com lacks", "DF-001"),
    Case("a log group that the key's encryption context does not cover", "deploy-key-lets-service",
         {"Key": key(LOGS, when={"ArnLike": {CONTEXT: "arn:aws:logs:us-east-1:123456789012:log-group:/other/*"}}), "Group": GROUP},
         {"Key": key(LOGS, when={"ArnLike": {CONTEXT: sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/labs/*")}})}),
    Case("a key for the logs of another region", "deploy-key-lets-service",
         {"Key": key("logs.eu-west-1.amazonaws.com"), "Group": GROUP}, {"Key": key(sub("logs.${AWS::Region}.${AWS::URLSuffix}"))}),
    Case("Glue logs encrypted with a key that does not know CloudWatch Logs", "deploy-key-lets-service",
         {"Key": key(), "Security": one("AWS::Glue::SecurityConfiguration", Name="security", EncryptionConfiguration={
             "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": arn("Key")}})}, {"Key": key(LOGS)}),
    Case("a trail whose key lets CloudTrail do nothing", "deploy-key-lets-service",
         {"Key": key(), "Trail": TRAIL}, {"Key": key("cloudtrail.amazonaws.com")}, "InsufficientEncryptionPolicyException", "DF-009"),
    Case("a trail into a bucket with a bucket key, without decrypt", "deploy-key-lets-service",
         {"Key": one("AWS::KMS::Key", KeyPolicy=document(ADMIN, allow(["kms:GenerateDataKey*", "kms:DescribeKey"], Principal={"Service": "cloudtrail.amazonaws.com"}))),
          "Store": one("AWS::S3::Bucket", BucketEncryption={"ServerSideEncryptionConfiguration": [{"BucketKeyEnabled": True}]}),
          "Trail": having(TRAIL, S3BucketName=ref("Store"))}, {"Key": key("cloudtrail.amazonaws.com")}, "kms:Decrypt"),
    Case("an event bus whose key does not know EventBridge", "deploy-key-lets-service",
         {"Key": key(), "Bus": one("AWS::Events::EventBus", Name="bus", KmsKeyIdentifier=arn("Key"))}, {"Key": key("events.amazonaws.com")}),
    Case("a launch template for scaling whose key does not know the scaling's role", "deploy-key-lets-service",
         {"Key": key(), "Template": one("AWS::EC2::LaunchTemplate", LaunchTemplateData={"BlockDeviceMappings": [{"Ebs": {"KmsKeyId": arn("Key")}}]}),
          "Fleet": one("AWS::AutoScaling::AutoScalingGroup", MinSize="1", MaxSize="2", LaunchTemplate={"LaunchTemplateId": ref("Template"), "Version": "1"})},
         {"Key": one("AWS::KMS::Key", KeyPolicy=document(ADMIN, allow(ALL_OF_KEY, Principal={"AWS": sub(
             "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")})))}),
    Case("a database whose key leaves its use to nobody in the account", "deploy-key-lets-service",
         {"Key": key("rds.amazonaws.com", admin=False), "Data": one("AWS::RDS::DBCluster", Engine="aurora-mysql", KmsKeyId=arn("Key"), StorageEncrypted=True)},
         {"Key": key()}, "kms:CreateGrant"),
    Case("a log group with a key that is not in the template", "deploy-key-lets-service",
         {"Group": having(GROUP, KmsKeyId="arn:aws:kms:us-east-1:123456789012:key/1")},
         {"Key": key(LOGS), "Group": GROUP}, "not known", unknown=True),
    Case("a rule's queue encrypted with the key that AWS manages", "deploy-target-key-editable",
         {"Queue": one("AWS::SQS::Queue", KmsMasterKeyId="alias/aws/sqs"), "Send": SEND, "Rule": RULE},
         {"Queue": one("AWS::SQS::Queue", SqsManagedSseEnabled=True)}, "can never use this key", "DF-003"),
    Case("an alarm's topic encrypted with the key that AWS manages", "deploy-target-key-editable",
         {"Topic": one("AWS::SNS::Topic", KmsMasterKeyId="alias/aws/sns"),
          "Alarm": one("AWS::CloudWatch::Alarm", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, AlarmActions=[ref("Topic")])},
         {"Key": key("cloudwatch.amazonaws.com"), "Topic": TOPIC}),
    Case("a rule's queue encrypted with a key that does not know EventBridge", "deploy-target-key-lets-sender",
         {"Key": key(), "Queue": QUEUE, "Send": SEND, "Rule": RULE}, {"Key": key("events.amazonaws.com")},
         "User: <service>.amazonaws.com is not authorized to perform: kms:GenerateDataKey", "DF-005"),
    Case("a topic's queue encrypted with a key that does not know SNS", "deploy-target-key-lets-sender",
         {"Key": key(), "Queue": QUEUE, "Send": SEND, "Topic": one("AWS::SNS::Topic"), "Subscription": SUBSCRIPTION},
         {"Key": key("sns.amazonaws.com")}, "sns.amazonaws.com lacks", "DF-007"),
    Case("a subscription whose key knows SNS for another topic only", "deploy-target-key-lets-sender",
         {"Key": key("sns.amazonaws.com", when={"ArnEquals": {"aws:SourceArn": ref("Other")}}), "Queue": QUEUE, "Send": SEND,
          "Topic": one("AWS::SNS::Topic"), "Other": one("AWS::SNS::Topic"), "Subscription": SUBSCRIPTION},
         {"Key": key("sns.amazonaws.com", when={"ArnEquals": {"aws:SourceArn": ref("Topic")}})}),
    Case("a bucket's notification to a queue whose key does not know S3", "deploy-target-key-lets-sender",
         {"Key": key(), "Queue": QUEUE, "Send": SEND, "Store": depending(one("AWS::S3::Bucket", NotificationConfiguration={
             "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": arn("Queue")}]}), "Send")}, {"Key": key("s3.amazonaws.com")}),
    Case("a budget's topic that trusts another service only", "deploy-target-lets-sender",
         {"Topic": one("AWS::SNS::Topic"),
          "Publish": one("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument=document(
              allow("sns:Publish", ref("Topic"), Principal={"Service": "cloudwatch.amazonaws.com"}))),
          "Budget": one("AWS::Budgets::Budget", Budget={"BudgetType": "COST", "TimeUnit": "MONTHLY"}, NotificationsWithSubscribers=[
              {"Notification": {"ComparisonOperator": "GREATER_THAN", "NotificationType": "ACTUAL", "Threshold": 80},
               "Subscribers": [{"SubscriptionType": "SNS", "Address": ref("Topic")}]}])},
         {"Publish": one("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument=document(
             allow("sns:Publish", ref("Topic"), Principal={"Service": "budgets.amazonaws.com"})))},
         "lets budgets.amazonaws.com call sns:Publish", "DF-011"),
    Case("a cost anomaly's topic that nobody may publish to", "deploy-target-lets-sender",
         {"Topic": one("AWS::SNS::Topic"),
          "Anomalies": one("AWS::CE::AnomalySubscription", SubscriptionName="costs", Frequency="IMMEDIATE", MonitorArnList=["arn:aws:ce::1:x"],
                           Subscribers=[{"Type": "SNS", "Address": ref("Topic")}])},
         {"Publish": one("AWS::SNS::TopicPolicy", Topics=[ref("Topic")], PolicyDocument=document(
             allow("sns:Publish", ref("Topic"), Principal={"Service": "costalerts.amazonaws.com"})))}),
    Case("a rule's function without a permission for EventBridge", "deploy-target-lets-sender",
         {"Worker": function(), "Rule": having(RULE, Targets=[{"Id": "worker", "Arn": arn("Worker")}])},
         {"Invoke": one("AWS::Lambda::Permission", FunctionName=ref("Worker"), Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=arn("Rule"))}),
    Case("a function's permission for another rule", "deploy-target-lets-sender",
         {"Worker": function(), "Rule": having(RULE, Targets=[{"Id": "worker", "Arn": arn("Worker")}]), "Other": having(RULE, Targets=[]),
          "Invoke": one("AWS::Lambda::Permission", FunctionName=ref("Worker"), Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=arn("Other"))},
         {"Invoke": one("AWS::Lambda::Permission", FunctionName=ref("Worker"), Action="lambda:InvokeFunction", Principal="events.amazonaws.com", SourceArn=arn("Rule"))}),
    Case("a bucket's notification that does not wait for the queue's policy", "deploy-target-lets-sender",
         {"Queue": one("AWS::SQS::Queue"), "Send": SEND, "Store": one("AWS::S3::Bucket", NotificationConfiguration={
             "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": arn("Queue")}]})},
         {"Store": depending(one("AWS::S3::Bucket", NotificationConfiguration={
             "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": arn("Queue")}]}), "Send")}, "Unable to validate the following destination"),
    Case("a rule that starts a state machine without a role", "deploy-target-lets-sender",
         {"Machine": one("AWS::StepFunctions::StateMachine", RoleArn="arn:aws:iam::1:role/x", DefinitionString="{}"),
          "Rule": having(RULE, Targets=[{"Id": "machine", "Arn": ref("Machine")}])},
         {"Rule": having(RULE, Targets=[{"Id": "machine", "Arn": ref("Machine"), "RoleArn": "arn:aws:iam::1:role/x"}])}, "RoleArn is required"),
    Case("a function that may not encrypt for its dead-letter queue", "deploy-key-lets-role",
         {"Key": key(), "Queue": QUEUE, "Runs": WORKER, "Worker": function("Runs", DeadLetterConfig={"TargetArn": arn("Queue")})},
         {"Runs": role("lambda.amazonaws.com", allow("sqs:SendMessage", arn("Queue")), USING)}, "kms:GenerateDataKey", "DF-013"),
    Case("a schedule whose role may not encrypt for its topic", "deploy-key-lets-role",
         {"Key": key(), "Topic": TOPIC, "Runs": role("scheduler.amazonaws.com", allow("sns:Publish", ref("Topic"))),
          "Schedule": one("AWS::Scheduler::Schedule", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"},
                          Target={"Arn": ref("Topic"), "RoleArn": arn("Runs")})},
         {"Runs": role("scheduler.amazonaws.com", allow("sns:Publish", ref("Topic")), USING)}),
    Case("an endpoint whose model's role may not encrypt captured data", "deploy-key-lets-role",
         {"Key": key(), "Runs": role("sagemaker.amazonaws.com"), "Model": one("AWS::SageMaker::Model", ExecutionRoleArn=arn("Runs")),
          "Config": one("AWS::SageMaker::EndpointConfig", ProductionVariants=[{"VariantName": "a", "ModelName": arn("Model", "ModelName"), "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
                        DataCaptureConfig={"KmsKeyId": arn("Key"), "DestinationS3Uri": "s3://b/p", "InitialSamplingPercentage": 100, "CaptureOptions": [{"CaptureMode": "Input"}]})},
         {"Runs": role("sagemaker.amazonaws.com", USING)}),
    Case("a key that names a service-linked role which a new account does not have", "deploy-principals-exist",
         {"Key": one("AWS::KMS::Key", KeyPolicy=document(ADMIN, allow(ALL_OF_KEY, Principal={"AWS": sub(
             "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")})))},
         {"Key": depending(one("AWS::KMS::Key", KeyPolicy=document(ADMIN, allow(ALL_OF_KEY, Principal={"AWS": sub(
             "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")}))), "Linked"),
          "Linked": one("AWS::IAM::ServiceLinkedRole", AWSServiceName="autoscaling.amazonaws.com")}, "invalid principals", "DF-015"),
    Case("a bucket's policy that names a role by name before it exists", "deploy-principals-exist",
         {"Reader": role("lambda.amazonaws.com", RoleName="reader"), "Store": one("AWS::S3::Bucket"),
          "Read": one("AWS::S3::BucketPolicy", Bucket=ref("Store"), PolicyDocument=document(
              allow("s3:GetObject", sub("${Store.Arn}/*"), Principal={"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/reader")})))},
         {"Read": one("AWS::S3::BucketPolicy", Bucket=ref("Store"), PolicyDocument=document(
             allow("s3:GetObject", sub("${Store.Arn}/*"), Principal={"AWS": arn("Reader")})))}, "does not wait"),
    Case("a key that nobody may administer", "deploy-key-policy-administered",
         {"Key": key(LOGS, admin=False)}, {"Key": key(LOGS)}, "will not allow you to update the key policy", "DF-017"),
    Case("a key whose account statement is narrowed to one role", "deploy-key-policy-administered",
         {"Key": one("AWS::KMS::Key", KeyPolicy=document(ADMIN | {"Condition": {"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::1:role/admin"}}}))},
         {"Key": key()}, "may exclude the deploying role"),
    Case("a key and a bucket that wait for each other", "deploy-references-acyclic",
         {"Key": one("AWS::KMS::Key", KeyPolicy=document(ADMIN, allow(ALL_OF_KEY, Principal={"Service": "s3.amazonaws.com"}, Condition={"ArnEquals": {"aws:SourceArn": arn("Store")}}))),
          "Store": one("AWS::S3::Bucket", BucketEncryption={"ServerSideEncryptionConfiguration": [
              {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn("Key")}}]})},
         {"Key": key("s3.amazonaws.com", when={"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}})}, "Circular dependency", "DF-019"),
    Case("two security groups that wait for each other", "deploy-references-acyclic",
         {"A": one("AWS::EC2::SecurityGroup", GroupDescription="a", SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "SourceSecurityGroupId": ref("B")}]),
          "B": one("AWS::EC2::SecurityGroup", GroupDescription="b", SecurityGroupIngress=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "SourceSecurityGroupId": ref("A")}])},
         {"B": one("AWS::EC2::SecurityGroup", GroupDescription="b")}),
    Case("a pipeline whose deployment role may not decrypt the artefacts", "deploy-artefacts-readable",
         {"Key": key(), "Store": one("AWS::S3::Bucket"), "Builder": role("codepipeline.amazonaws.com", READING, USING),
          "Deployer": role("cloudformation.amazonaws.com", READING), "Pipeline": PIPELINE},
         {"Deployer": role("cloudformation.amazonaws.com", READING, USING)}, "Deployer may not call kms:Decrypt", "DF-135"),
    Case("a build's role that may not read the artefacts", "deploy-artefacts-readable",
         {"Store": one("AWS::S3::Bucket"), "Builder": role("codepipeline.amazonaws.com", READING), "Deployer": role("cloudformation.amazonaws.com"),
          "Pipeline": having(PIPELINE, ArtifactStore={"Type": "S3", "Location": ref("Store")})},
         {"Deployer": role("cloudformation.amazonaws.com", READING)}, "Deployer may not call s3:GetObject"),
    Case("a bucket deployment that may not decrypt with the bootstrap's key", "deploy-assets-readable",
         {"Runs": role("lambda.amazonaws.com", allow("s3:GetObject")), "Handler": function("Runs"),
          "Deployment": one("Custom::CDKBucketDeployment", ServiceToken=arn("Handler"), SourceBucketNames=["cdk-hnb659fds-assets-1-us-east-1"])},
         {"Runs": role("lambda.amazonaws.com", allow("s3:GetObject"), allow("kms:Decrypt", "arn:aws:kms:us-east-1:1:key/bootstrap"))},
         "The ciphertext refers to a customer master key", "DF-137", unknown=True),
    Case("a Glue job's role that may not decrypt its script, an asset", "deploy-assets-readable",
         {"Runs": role("glue.amazonaws.com", allow("s3:GetObject", sub("arn:${AWS::Partition}:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/*")))},
         {"Runs": role("glue.amazonaws.com", allow("s3:GetObject", sub("arn:${AWS::Partition}:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/*")),
                       allow("kms:Decrypt", "arn:aws:kms:us-east-1:1:key/bootstrap"))}, unknown=True),
    Case("a misspelt action", "deploy-actions-exist",
         {"Runs": role("lambda.amazonaws.com", allow("s3:GetObjects"))}, {"Runs": role("lambda.amazonaws.com", allow("s3:GetObject"))}, "s3 has no such action"),
    Case("a misspelt service principal", "deploy-actions-exist",
         {"Runs": role("sagmaker.amazonaws.com")}, {"Runs": role("sagemaker.amazonaws.com")}, "sagemaker.amazonaws.com is one"),
]  # fmt: skip
