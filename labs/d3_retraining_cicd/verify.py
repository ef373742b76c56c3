"""The claims of the README, checked against what is deployed. Run the steps first: some claims are about them."""

import csv
import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from labkit.session import Session

APPROVING = {"codepipeline:PutApprovalResult", "sagemaker:UpdateModelPackage"}
DEPLOYING = {"sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint", "sagemaker:DeleteEndpoint"}


def test_artefacts_of_each_run_are_encrypted_with_the_labs_key(session: Session) -> None:
    """The pipelines are of type V2, newer executions supersede waiting ones, and what they hand on lies under the lab's key."""
    s3, outputs = session.client("s3"), session.outputs
    for pipeline in (structure(session, "Production"), structure(session, "Staging")):
        assert pipeline["pipelineType"] == "V2"
        assert pipeline["executionMode"] == "SUPERSEDED"
        assert pipeline["artifactStore"]["location"] == outputs["ArtifactsBucketName"]
        assert pipeline["artifactStore"]["encryptionKey"] == {"id": outputs["KeyArn"], "type": "KMS"}
    package = session.recall("first")["package"]
    container = describe_package(session, package)["InferenceSpecification"]["Containers"][0]
    bucket, _, model = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    artefacts = s3.list_objects_v2(Bucket=outputs["ArtifactsBucketName"])["Contents"]
    assert bucket == outputs["ModelsBucketName"]
    for place, key in [(bucket, model), *((outputs["ArtifactsBucketName"], one["Key"]) for one in artefacts[:3])]:
        found = s3.head_object(Bucket=place, Key=key)
        assert found["ServerSideEncryption"] == "aws:kms", key
        assert found["SSEKMSKeyId"] == outputs["KeyArn"], key


def test_each_stage_has_a_role_of_its_own(session: Session) -> None:
    """Each stage that does something acts with a role of its own, which only the pipeline's role can take on."""
    pipeline = structure(session, "Production")
    roles: dict[str, set[str]] = {}
    for stage in pipeline["stages"]:
        for action in stage["actions"]:
            if action["actionTypeId"]["provider"] != "Manual":
                roles.setdefault(action["roleArn"], set()).add(action["actionTypeId"]["provider"] + action["name"])
    assert len(roles) == 8
    assert all(len(doing) == 1 for doing in roles.values())
    for arn in roles:
        trust = document(
            session.client("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
        )
        assert [statement["Principal"] for statement in trust] == [{"AWS": pipeline["roleArn"]}]


def test_a_branch_reaches_only_its_environment(session: Session) -> None:
    """The branch main leads to production; the branch develop leads through the same stages and ends in staging."""
    production, staging = structure(session, "Production"), structure(session, "Staging")
    names = [stage["name"] for stage in production["stages"]]
    assert names == ["Source", "Validate", "Train", "Evaluate", "Register", "Staging", "Test", "Approval", "Production"]
    assert [stage["name"] for stage in staging["stages"]] == names[:-2]
    keys = [one["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] for one in (production, staging)]
    assert keys == ["main/source.zip", "develop/source.zip"]


def test_builds_run_in_the_vpc_without_privileges(session: Session) -> None:
    """Every build stands in the lab's subnets, is not privileged, and logs to a group under the lab's key."""
    builds = session.client("codebuild")
    names = {
        action["configuration"]["ProjectName"]
        for stage in structure(session, "Production")["stages"]
        for action in stage["actions"]
        if action["actionTypeId"]["provider"] == "CodeBuild"
    }
    projects = builds.batch_get_projects(names=sorted(names))["projects"]
    assert len(projects) == 5
    for project in projects:
        assert set(project["vpcConfig"]["subnets"]) == set(session.outputs["SubnetIds"].split(","))
        assert not project["environment"].get("privilegedMode")
        assert project["encryptionKey"] == session.outputs["KeyArn"]
        group = project["logsConfig"]["cloudWatchLogs"]["groupName"]
        found = session.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
        assert found["kmsKeyId"] == session.outputs["KeyArn"]


def test_five_things_start_the_pipeline(session: Session) -> None:
    """New data, pushed code, a drift alarm, an approved model and the clock start the pipeline; what fails to is kept."""
    events, target = session.client("events"), session.outputs["PipelineProductionName"]
    arn = f":{target}"
    rules = [
        (rule, entry)
        for page in events.get_paginator("list_rules").paginate()
        for rule in page["Rules"]
        for entry in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        if entry["Arn"].endswith(arn)
    ]
    assert all("DeadLetterConfig" in entry and rule["State"] == "ENABLED" for rule, entry in rules)
    kinds = sorted(
        json.loads(rule["EventPattern"])["detail-type"][0] if "EventPattern" in rule else "clock" for rule, _ in rules
    )
    assert kinds == [
        "CloudWatch Alarm State Change",
        "Object Created",
        "Object Created",
        "SageMaker Model Package State Change",
        "clock",
    ]  # fmt: skip
    patterns = [json.loads(rule["EventPattern"]) for rule, _ in rules if "EventPattern" in rule]
    drift = next(pattern["detail"] for pattern in patterns if "alarmName" in pattern["detail"])
    assert drift == {"alarmName": [{"prefix": "Lab-d4-model-monitor"}], "state": {"value": ["ALARM"]}}


def test_every_job_is_isolated(session: Session) -> None:
    """Every job of the training pipeline, as defined and as it ran: VPC, no network, keys for volume and output, encrypted traffic."""
    sagemaker, outputs = session.client("sagemaker"), session.outputs
    defined = json.loads(
        sagemaker.describe_pipeline(PipelineName=outputs["TrainingPipelineName"])["PipelineDefinition"]
    )
    jobs = [step["Arguments"] for step in defined["Steps"] if step["Type"] in ("Processing", "Training")]
    assert len(jobs) == 3
    execution = note(session, session.recall("first")["execution"], "train")["execution"]
    ran = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)["PipelineExecutionSteps"]
    for step in ran:
        if "TrainingJob" in step["Metadata"]:
            name = step["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
            jobs.append(sagemaker.describe_training_job(TrainingJobName=name))
        if "ProcessingJob" in step["Metadata"]:
            name = step["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
            jobs.append(sagemaker.describe_processing_job(ProcessingJobName=name))
    assert len(jobs) == 6
    for job in jobs:
        network = job.get("NetworkConfig", job)
        assert set(network["VpcConfig"]["Subnets"]) == set(outputs["SubnetIds"].split(","))
        assert network["VpcConfig"]["SecurityGroupIds"] == [outputs["SecurityGroupId"]]
        assert network["EnableNetworkIsolation"] is True
        assert network["EnableInterContainerTrafficEncryption"] is True
        machine = job["ProcessingResources"]["ClusterConfig"] if "ProcessingResources" in job else job["ResourceConfig"]
        output = job["ProcessingOutputConfig"] if "ProcessingOutputConfig" in job else job["OutputDataConfig"]
        assert machine["VolumeKmsKeyId"] == output["KmsKeyId"] == outputs["KeyArn"]


def test_a_broken_delivery_is_quarantined(session: Session) -> None:
    """A delivery with the wrong columns lies in quarantine with the reasons, never among the training data, and stays as it came."""
    s3, bucket = session.client("s3"), session.outputs["DataBucketName"]
    keys = {one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert {"quarantine/broken.csv", "incoming/broken.csv"} <= keys
    assert {key for key in keys if key.startswith("accepted/")} == {"accepted/winter.csv", "accepted/summer.csv"}
    assert (
        s3.get_object(Bucket=bucket, Key="incoming/broken.csv")["Body"].read()
        == (session.data / "broken.csv").read_bytes()
    )
    assert any("pressure" in reason for reason in session.recall("broken")["reasons"])


def test_a_worse_model_is_refused_with_both_figures(session: Session) -> None:
    """A worse model was trained, judged on the same flights as the champion, refused with both figures, and not registered."""
    worse = session.recall("worse")
    assert worse["auc"] < worse["champion_auc"]
    assert f"{worse['auc']:.3f}" in worse["told"]
    assert f"{worse['champion_auc']:.3f}" in worse["told"]
    paths = [
        container["ModelDataUrl"]
        for one in packages(session)
        for container in one["InferenceSpecification"]["Containers"]
    ]
    assert not [path for path in paths if worse["execution"] in path]


def test_a_rejected_execution_went_on_from_where_it_failed(session: Session) -> None:
    """The execution that was rejected is the one that was released: it went on after the retry and trained once."""
    rejected, better = session.recall("rejected"), session.recall("better")
    assert rejected["execution"] == better["execution"]
    assert note(session, better["execution"], "train")["attempt"] == 1


def test_the_better_model_was_registered_with_its_figures(session: Session) -> None:
    """The registry holds each released model with its evaluation, and the second one beat the first on the same flights."""
    better = session.recall("better")
    assert better["gain"] > 0
    assert better["failed"] == 0
    for release in (session.recall("first"), better):
        package = describe_package(session, release["package"])
        uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        report = json.loads(session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        assert report["binary_classification_metrics"]["auc"]["value"] == pytest.approx(release["auc"])


def test_a_bad_version_rolled_back_by_itself(session: Session) -> None:
    """The bad version passed staging and failed in production: its alarm took it back, and the version before serves all callers."""
    bad, outputs = session.recall("bad"), session.outputs
    assert bad["status"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "server-errors" in bad["told"]
    assert 0 < bad["failed"] < bad["sent"]
    assert bad["good"] == session.recall("better")["package"]
    stack = session.client("cloudformation").describe_stacks(StackName=outputs["ProductionStackName"])["Stacks"][0]
    served = {entry["OutputKey"]: entry["OutputValue"] for entry in stack["Outputs"]}["ModelPackage"]
    assert served == bad["good"]
    assert describe_package(session, bad["package"])["ModelApprovalStatus"] == "Rejected"


def test_production_knows_the_summer(session: Session) -> None:
    """Production ranks the late flights of the summer's last days before the punctual ones: its AUC is at least 0.65."""
    with (session.data / "summer.csv").open(newline="") as file:
        rows = [row for row in list(csv.reader(file))[1:] if int(row[0][-2:]) > 25]
    late = np.array([row[1] == "1" for row in rows])
    scores = np.array(ask(session, "text/csv", "".join(",".join(row[2:]) + "\n" for row in rows)))
    above = scores[late][:, None] - scores[~late][None, :]
    assert len(scores) == len(rows) > 400
    assert (above > 0).mean() + (above == 0).mean() / 2 >= 0.65


def test_production_is_isolated_and_guarded(session: Session) -> None:
    """Production stands in the lab's subnets with network isolation, captures its traffic, and shifts by canary with alarms."""
    sagemaker, outputs = session.client("sagemaker"), session.outputs
    endpoint = sagemaker.describe_endpoint(EndpointName=outputs["ProductionEndpointName"])
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    assert endpoint["EndpointStatus"] == "InService"
    assert config["DataCaptureConfig"]["EnableCapture"] is True
    assert model["EnableNetworkIsolation"] is True
    assert set(model["VpcConfig"]["Subnets"]) == set(outputs["SubnetIds"].split(","))
    last = endpoint["LastDeploymentConfig"]
    assert last["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    alarms = {alarm["AlarmName"] for alarm in last["AutoRollbackConfiguration"]["Alarms"]}
    found = session.client("cloudwatch").describe_alarms(AlarmNames=sorted(alarms))["MetricAlarms"]
    assert len(alarms) == len(found) == 2
    assert all(alarm["ActionsEnabled"] and alarm["AlarmActions"] for alarm in found)


def test_only_the_release_role_approves(session: Session) -> None:
    """One role alone is allowed to approve, the two roles of CloudFormation alone to deploy; all others are denied both."""
    iam = session.client("iam")
    release = session.outputs["ReleaseRoleArn"].rpartition("/")[2]
    approving, deploying, free = set(), set(), set()
    for name in roles(session):
        allowed: set[str] = set()
        denied: set[str] = set()
        for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
            content = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
            for statement in document(content["PolicyVersion"]["Document"]):
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                (allowed if statement["Effect"] == "Allow" else denied).update(actions)
        approving |= {name} if APPROVING & allowed - denied else set()
        deploying |= {name} if DEPLOYING & allowed - denied else set()
        if not allowed | denied >= (APPROVING | DEPLOYING):
            free.add(name)
    assert approving == {release}
    assert len(deploying) == 2
    assert not approving & deploying
    # What has to do with logs, expiry and cleaning up has neither right, and needs no denial.
    assert all(any(part in name for part in ("FlowLog", "Expiry", "Housekeeping")) for name in free), free


def test_the_registry_denies_approval_to_everybody_else(session: Session) -> None:
    """The registry's own policy denies the approval of a model to every principal but the release role."""
    policy = session.client("sagemaker").get_model_package_group_policy(
        ModelPackageGroupName=session.outputs["ModelPackageGroupName"]
    )["ResourcePolicy"]
    (statement,) = document(policy)
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "sagemaker:UpdateModelPackage",
    )
    assert statement["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": session.outputs["ReleaseRoleArn"]}}


@cache
def structure(session: Session, last: str) -> dict[str, Any]:
    name = session.outputs[f"Pipeline{last}Name"]
    return dict(session.client("codepipeline").get_pipeline(name=name)["pipeline"])


@cache
def describe_package(session: Session, arn: str) -> dict[str, Any]:
    return dict(session.client("sagemaker").describe_model_package(ModelPackageName=arn))


def packages(session: Session) -> list[dict[str, Any]]:
    group = session.outputs["ModelPackageGroupName"]
    listed = session.client("sagemaker").list_model_packages(ModelPackageGroupName=group, MaxResults=100)
    return [describe_package(session, one["ModelPackageArn"]) for one in listed["ModelPackageSummaryList"]]


def note(session: Session, execution: str, name: str) -> dict[str, Any]:
    key = f"runs/{execution}/{name}.json"
    found = session.client("s3").get_object(Bucket=session.outputs["ModelsBucketName"], Key=key)
    return dict(json.loads(found["Body"].read()))


def roles(session: Session) -> list[str]:
    pages = session.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=session.stack)
    found = [entry for page in pages for entry in page["StackResourceSummaries"]]
    return [entry["PhysicalResourceId"] for entry in found if entry["ResourceType"] == "AWS::IAM::Role"]


def document(policy: Any) -> list[dict[str, Any]]:
    statements = (json.loads(policy) if isinstance(policy, str) else policy)["Statement"]
    return statements if isinstance(statements, list) else [statements]


def ask(session: Session, content: str, body: str) -> list[float]:
    answer = session.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=session.outputs["ProductionEndpointName"], Body=body, ContentType=content, Accept="text/csv"
    )
    return [float(line) for line in answer["Body"].read().decode().split()]
