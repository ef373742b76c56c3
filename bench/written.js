// The flagship lab as a user of CDK's own constructs writes it in JavaScript: same architecture, same kind and
// number of resources. It is what the lab's Python is measured against; `floor.js` is the least that it could cost.
//   node written.js N OUT CODE_FOLDER
const cdk = require("aws-cdk-lib");
const { aws_ec2: ec2, aws_kms: kms, aws_s3: s3, aws_iam: iam, aws_lambda: lambda, aws_logs: logs, aws_sns: sns } = cdk;
const { aws_sagemaker: sagemaker, aws_cloudwatch: cw, aws_applicationautoscaling: scaling, aws_scheduler: scheduler } = cdk;
const { aws_cloudwatch_actions: actions, aws_s3_assets: assets } = cdk;
const [, , count, out, code] = process.argv;

class Lab extends cdk.Stack {
  constructor(scope, id) {
    super(scope, id, { env: { region: "us-east-1" }, analyticsReporting: false });
    cdk.Tags.of(this).add("lab", id);
    const key = new kms.Key(this, "Key", { enableKeyRotation: true, pendingWindow: cdk.Duration.days(7) });
    key.addToResourcePolicy(new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal("logs.us-east-1.amazonaws.com")], resources: ["*"],
      actions: ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
    }));
    key.addToResourcePolicy(new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal("cloudwatch.amazonaws.com")], resources: ["*"],
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
    }));
    const group = (name) => new logs.LogGroup(this, name, {
      encryptionKey: key, retention: logs.RetentionDays.ONE_MONTH, removalPolicy: cdk.RemovalPolicy.DESTROY,
    });
    const vpc = new ec2.Vpc(this, "Vpc", {
      maxAzs: 2, natGateways: 0, restrictDefaultSecurityGroup: true,
      subnetConfiguration: [{ name: "isolated", subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
    });
    vpc.addFlowLog("FlowLog", { destination: ec2.FlowLogDestination.toCloudWatchLogs(group("FlowLogs")) });
    vpc.addGatewayEndpoint("S3", { service: ec2.GatewayVpcEndpointAwsService.S3 });
    const workload = new ec2.SecurityGroup(this, "Workload", { vpc, allowAllOutbound: false });
    workload.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.HTTPS);
    const entrance = new ec2.SecurityGroup(this, "Entrance", { vpc, allowAllOutbound: false });
    entrance.addIngressRule(workload, ec2.Port.HTTPS);
    const service = ec2.InterfaceVpcEndpointAwsService;
    for (const s of [service.SAGEMAKER_RUNTIME, service.CLOUDWATCH_LOGS, service.CLOUDWATCH_MONITORING, service.ECR,
      service.ECR_DOCKER]) {
      vpc.addInterfaceEndpoint(s.shortName, { service: s, open: false, securityGroups: [entrance] })
        .addToPolicy(new iam.PolicyStatement({ principals: [new iam.AnyPrincipal()], actions: ["logs:PutLogEvents"], resources: ["*"] }));
    }
    const common = { blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL, enforceSSL: true, versioned: true,
      removalPolicy: cdk.RemovalPolicy.DESTROY, autoDeleteObjects: true };
    const access = new s3.Bucket(this, "AccessLogs", { ...common, encryption: s3.BucketEncryption.S3_MANAGED });
    const capture = new s3.Bucket(this, "Capture", { ...common, encryption: s3.BucketEncryption.KMS, encryptionKey: key,
      bucketKeyEnabled: true, serverAccessLogsBucket: access, serverAccessLogsPrefix: "capture/",
      lifecycleRules: [{ expiration: cdk.Duration.days(30) }] });
    const artefacts = [1, 2].map((n) => new assets.Asset(this, `Version${n}`, { path: code }));
    const role = new iam.Role(this, "ModelRole", { assumedBy: new iam.ServicePrincipal("sagemaker.amazonaws.com") });
    const allow = (who, names, on) => who.addToPrincipalPolicy(new iam.PolicyStatement({ actions: names, resources: on }));
    artefacts.forEach((a) => a.grantRead(role));
    capture.grantPut(role, "capture/*");
    allow(role, ["ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:CreateNetworkInterface"], ["*"]);
    allow(role, ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetAuthorizationToken"], ["*"]);
    group("EndpointLogs").grantWrite(role);
    const model = new sagemaker.CfnModel(this, "Model", {
      executionRoleArn: role.roleArn, enableNetworkIsolation: true,
      vpcConfig: { subnets: vpc.isolatedSubnets.map((s) => s.subnetId), securityGroupIds: [workload.securityGroupId] },
      primaryContainer: { image: "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0",
        modelDataUrl: artefacts[0].s3ObjectUrl, environment: { SAGEMAKER_PROGRAM: "inference.py" } },
    });
    model.node.addDependency(role);
    const configuration = new sagemaker.CfnEndpointConfig(this, "Configuration", {
      kmsKeyId: key.keyArn,
      productionVariants: [{ variantName: "main", modelName: model.attrModelName, instanceType: "ml.m5.large",
        initialInstanceCount: 2, initialVariantWeight: 1 }],
      dataCaptureConfig: { enableCapture: true, initialSamplingPercentage: 100, kmsKeyId: key.keyArn,
        destinationS3Uri: capture.s3UrlForObject("capture"),
        captureOptions: [{ captureMode: "Input" }, { captureMode: "Output" }] },
    });
    const endpoint = new sagemaker.CfnEndpoint(this, "Endpoint", {
      endpointName: id.toLowerCase(), endpointConfigName: configuration.attrEndpointConfigName });
    const name = endpoint.attrEndpointName;
    const dimensionsMap = { EndpointName: name, VariantName: "main" };
    const target = new scaling.ScalableTarget(this, "Scaling", {
      serviceNamespace: scaling.ServiceNamespace.SAGEMAKER, minCapacity: 2, maxCapacity: 4,
      scalableDimension: "sagemaker:variant:DesiredInstanceCount", resourceId: `endpoint/${name}/variant/main` });
    target.scaleToTrackMetric("Invocations", { targetValue: 120,
      predefinedMetric: scaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE });
    const metric = (namespace, metricName, statistic) => new cw.Metric({ namespace, metricName, statistic, dimensionsMap, period: cdk.Duration.minutes(1) });
    target.scaleToTrackMetric("Latency", { targetValue: 200000, customMetric: metric("AWS/SageMaker", "ModelLatency", "Average") });
    target.scaleToTrackMetric("Cpu", { targetValue: 70, customMetric: metric("/aws/sagemaker/Endpoints", "CPUUtilization", "Average") });
    target.scaleOnSchedule("Down", { schedule: scaling.Schedule.expression("cron(0 20 * * ? *)"), minCapacity: 1, maxCapacity: 1 });
    target.scaleOnSchedule("Up", { schedule: scaling.Schedule.expression("cron(0 6 * * ? *)"), minCapacity: 2, maxCapacity: 4 });
    const topic = new sns.Topic(this, "Alerts", { masterKey: key, enforceSSL: true });
    const watched = [["Invocation5XXErrors", "Sum", 0], ["Invocation4XXErrors", "Sum", 10], ["ModelLatency", "p99", 500000], ["Invocations", "Sum", 0]];
    watched.forEach(([m, stat, threshold]) => {
      const alarm = new cw.Alarm(this, `Alarm${m}`, { metric: metric("AWS/SageMaker", m, stat), threshold,
        evaluationPeriods: 3, treatMissingData: cw.TreatMissingData.NOT_BREACHING });
      alarm.addAlarmAction(new actions.SnsAction(topic));
      alarm.addOkAction(new actions.SnsAction(topic));
    });
    const dashboard = new cw.Dashboard(this, "Dashboard", { widgets: [watched.map(([m, stat]) =>
      new cw.GraphWidget({ title: m, left: [metric("AWS/SageMaker", m, stat)] }))] });
    const caller = new lambda.Function(this, "Caller", {
      runtime: lambda.Runtime.PYTHON_3_14, handler: "caller.handler", code: lambda.Code.fromAsset(code), vpc,
      vpcSubnets: { subnets: vpc.isolatedSubnets }, securityGroups: [workload], environmentEncryption: key,
      environment: { ENDPOINT_NAME: name }, tracing: lambda.Tracing.ACTIVE, logGroup: group("CallerLogs") });
    allow(caller.role, ["sagemaker:InvokeEndpoint"], [endpoint.ref]);
    const cleaner = new iam.Role(this, "ExpiryRole", { assumedBy: new iam.ServicePrincipal("scheduler.amazonaws.com") });
    allow(cleaner, ["cloudformation:DeleteStack"], [this.stackId]);
    new scheduler.CfnSchedule(this, "Expiry", { scheduleExpression: "at(2027-01-01T00:00:00)", flexibleTimeWindow: { mode: "OFF" },
      target: { arn: `arn:${this.partition}:scheduler:::aws-sdk:cloudformation:deleteStack`, roleArn: cleaner.roleArn } });
    const given = { EndpointName: name, ConfigName: configuration.attrEndpointConfigName, ModelName: model.attrModelName,
      RoleArn: role.roleArn, Caller: caller.functionName, Capture: capture.bucketName, KeyArn: key.keyArn, Topic: topic.topicArn,
      Variant: "main", Zones: "2", Prefix: "capture", Dashboard: dashboard.dashboardName, PerInstance: "120",
      Least: "2", Most: "4", VpcId: vpc.vpcId, Subnets: vpc.isolatedSubnets.map((s) => s.subnetId).join(","), Group: workload.securityGroupId,
      V1: artefacts[0].s3ObjectUrl, V2: artefacts[1].s3ObjectUrl };
    Object.entries(given).forEach(([k, value]) => new cdk.CfnOutput(this, `Out${k}`, { value }));
  }
}

const app = new cdk.App({ outdir: out, analyticsReporting: false, treeMetadata: false,
  context: { "aws:cdk:disable-stack-trace": true, "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": true } });
for (let i = 0; i < +count; i++) new Lab(app, `Written${i}`);
const assembly = app.synth();
console.log(Object.keys(assembly.stacks[0].template.Resources).length);
