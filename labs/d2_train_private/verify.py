"""What the README claims, asked of the deployed lab after its steps."""

from __future__ import annotations

import csv
import json
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from labkit.session import Session

_STEPS = Path(__file__).parent / "steps"
_SHARED = runpy.run_path(str(_STEPS / "training.py"))
_GUARD = runpy.run_path(str(_STEPS / "guard.py"))


def test_every_job_of_the_lab_ran_isolated_and_encrypted(session: Session) -> None:
    """Every training job of this lab ran in its subnets, with network isolation and encrypted traffic, on its keys."""
    outputs, key = session.outputs, session.outputs["KeyArn"]
    assert len(jobs(session)) >= 6
    for job in jobs(session):
        name = job["TrainingJobName"]
        assert set(job.get("VpcConfig", {}).get("Subnets", ())) == set(outputs["SubnetIds"].split(",")), name
        assert job["VpcConfig"]["SecurityGroupIds"] == [outputs["WorkloadSecurityGroupId"]], name
        assert job["EnableNetworkIsolation"] is True, f"{name}: network isolation"
        assert job["EnableInterContainerTrafficEncryption"] is True, f"{name}: inter-container traffic encryption"
        assert job["ResourceConfig"].get("VolumeKmsKeyId") == key, f"{name}: volume key"
        assert job["OutputDataConfig"].get("KmsKeyId") == key, f"{name}: key of results"


def test_every_job_ran_on_spot_with_checkpoints_and_a_limit(session: Session) -> None:
    """Every job ran on managed spot, with checkpoints in the lab's prefix, and could not run for more than an hour."""
    checkpoints = f"s3://{session.outputs['DataBucketName']}/{session.outputs['DataPrefix']}checkpoints/"
    for job in jobs(session):
        name = job["TrainingJobName"]
        assert job["EnableManagedSpotTraining"] is True, f"{name}: managed spot"
        assert job.get("CheckpointConfig", {}).get("S3Uri", "").startswith(checkpoints), f"{name}: checkpoints"
        assert job["StoppingCondition"]["MaxRuntimeInSeconds"] <= 3600, f"{name}: time limit"
        assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"], f"{name}: billed time"


def test_the_code_comes_as_a_channel(session: Session) -> None:
    """The container gets its code in a channel and builds it without an index: with isolation it could fetch neither."""
    job = described(session, session.recall("first")["job"])
    channels = {one["ChannelName"]: one["DataSource"]["S3DataSource"]["S3Uri"] for one in job["InputDataConfig"]}
    assert channels["code"] == session.outputs["CodeUri"]
    place = json.loads(job["HyperParameters"]["sagemaker_submit_directory"])
    assert place == f"/opt/ml/input/data/code/{channels['code'].rsplit('/', 1)[-1]}"
    assert job["Environment"]["PIP_NO_BUILD_ISOLATION"] == "false"  # pip reads it as the value of build_isolation
    assert job["Environment"]["PIP_NO_INDEX"] == "true"


def test_everything_in_the_bucket_is_encrypted_with_the_labs_key(session: Session) -> None:
    """Data, checkpoints, models and evaluations in the bucket are encrypted with the lab's key."""
    s3, bucket = session.client("s3"), session.outputs["DataBucketName"]
    keys = [
        item["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for item in page.get("Contents", [])
    ]
    kinds = {key.removeprefix(session.outputs["DataPrefix"]).split("/")[0] for key in keys}
    assert kinds == {"input", "checkpoints", "output"}
    for key in keys:
        assert s3.head_object(Bucket=bucket, Key=key).get("SSEKMSKeyId") == session.outputs["KeyArn"], key


def test_the_bucket_is_private(session: Session) -> None:
    """Public access to the bucket and to that of its access logs is blocked in all four ways."""
    s3, bucket = session.client("s3"), session.outputs["DataBucketName"]
    logs = s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetBucket"]
    for name in (bucket, logs):
        blocked = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        assert len(blocked) == 4
        assert all(blocked.values()), name


def test_the_network_has_no_way_out(session: Session) -> None:
    """No route of the VPC leads to an internet gateway, a NAT gateway or another network."""
    ec2 = session.client("ec2")
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [session.outputs["VpcId"]]}])
    routes = [route for table in tables["RouteTables"] for route in table["Routes"]]
    assert routes
    ways = {route.get("GatewayId", "other") for route in routes}
    assert all(way == "local" or way.startswith("vpce-") for way in ways), ways


def test_an_interrupted_training_ends_at_the_same_model(session: Session) -> None:
    """A training that was stopped and resumed by another job ends at the uninterrupted one's model, byte for byte."""
    resume = session.recall("resume")
    interrupted, resumed = (described(session, resume[name]) for name in ("interrupted", "resumed"))
    assert interrupted["TrainingJobStatus"] == "Stopped"
    assert interrupted["CheckpointConfig"]["S3Uri"] == resumed["CheckpointConfig"]["S3Uri"]
    told = [line for line in _SHARED["log"](session, resume["resumed"]) if line.startswith("resuming after")]
    assert told
    assert int(told[0].split()[2]) >= 5
    first = described(session, session.recall("first")["job"])
    assert _SHARED["model"](session, resumed) == _SHARED["model"](session, first)


def test_metrics_come_from_the_log(session: Session) -> None:
    """The metric definitions took the last round's losses and AUCs from the log, and CloudWatch has them."""
    job = session.recall("first")["job"]
    last = output(session, job)["history"]["rounds"][-1]
    final = _SHARED["metrics"](described(session, job))
    for name, value in last.items():
        assert abs(final[name.replace("-", ":")] - value) < 1e-5, name
    known = session.client("cloudwatch").list_metrics(
        Namespace="/aws/sagemaker/TrainingJobs", Dimensions=[{"Name": "TrainingJobName", "Value": job}]
    )["Metrics"]
    assert {metric["MetricName"] for metric in known} >= {name.replace("-", ":") for name in last}


def test_early_stopping_ends_a_training_that_gets_no_better(session: Session) -> None:
    """With early stopping a job ends 20 rounds after its best one and keeps that; without, it does all 150 and keeps the last."""
    for name, job in session.recall("compared").items():
        history = output(session, job)["history"]
        done, best = len(history["rounds"]), history["best_round"]
        if name in ("no early stopping", "neither"):
            assert (done, best) == (150, 149), name
        else:
            assert done == best + 1 + 20 < 150, name


def test_without_regularization_a_model_learns_by_heart(session: Session) -> None:
    """Without both the loss falls below 0.15 on the training days and rises on the validation days; with both it does neither."""
    curves = {name: output(session, job)["history"]["rounds"] for name, job in session.recall("compared").items()}
    neither, both = curves["neither"], curves["both"]
    assert neither[-1]["train-logloss"] < 0.15
    assert neither[-1]["validation-logloss"] > min(one["validation-logloss"] for one in neither) + 0.05
    kept = both[output(session, session.recall("compared")["both"])["history"]["best_round"]]
    assert kept["validation-logloss"] - kept["train-logloss"] < 0.15
    assert (session.folder / "learning_curves.png").stat().st_size > 10_000


def test_the_registered_model_is_as_good_as_it_says(session: Session) -> None:
    """The registered model, read from the bucket, has the AUC on the holdout days that it was registered with, and beats guessing."""
    found = package(session)
    container = found["InferenceSpecification"]["Containers"][0]
    files = _SHARED["files"](session, container["ModelDataUrl"])
    rows, late = holdout(session)
    booster = xgb.Booster(model_file=bytearray(files["xgboost-model.json"]))
    scores = booster.predict(xgb.DMatrix(rows, feature_names=booster.feature_names, nthread=1))
    pairs = scores[late][:, None] - scores[~late][None, :]
    auc = (pairs > 0).mean() + (pairs == 0).mean() / 2
    assert abs(auc - float(found["CustomerMetadataProperties"]["holdout_auc"])) < 1e-5
    assert auc > 0.6
    # And what serves it is beside it.
    assert container["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"
    assert "code/inference.py" in files


def test_the_registered_version_is_approved_with_metrics(session: Session) -> None:
    """The version in the lab's group is approved, says why, and names its quality report and the job that made it."""
    found = package(session)
    assert found["ModelPackageGroupName"] == session.outputs["ModelPackageGroupName"]
    assert found["ModelApprovalStatus"] == "Approved"
    assert "log loss" in found["ApprovalDescription"]
    assert found["MetadataProperties"]["GeneratedBy"].endswith(session.recall("registered")["job"])
    bucket, _, key = found["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].removeprefix("s3://").partition("/")
    quality = json.loads(session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    stated = quality["binary_classification_metrics"]["auc"]["value"]
    assert abs(stated - float(found["CustomerMetadataProperties"]["holdout_auc"])) < 1e-5


def test_lineage_leads_from_the_version_to_its_data_and_code(session: Session) -> None:
    """Lineage leads from the registered version back to the model, the training, the data and the code."""
    ends = session.recall("lineage")
    found = session.client("sagemaker").query_lineage(
        StartArns=[ends["version"]], Direction="Ascendants", IncludeEdges=True
    )
    assert {vertex["Arn"] for vertex in found["Vertices"]} >= {
        ends["model"],
        ends["training"],
        ends["data"],
        ends["code"],
    }


def test_the_guard_denies_every_job_without_protection(session: Session) -> None:
    """The guard, bound to the launcher, denies a job that lacks any one of 13 protections, and only such a job."""
    policy, definition = _GUARD["statements"](session), _SHARED["ask"](session, {"show": True})["definition"]
    assert _GUARD["denied_by"](policy, definition) == []
    tried = _GUARD["variations"](definition)
    assert len(tried) == 13
    assert [name for name, request in tried.items() if not _GUARD["denied_by"](policy, request)] == []
    roles = session.client("iam").list_entities_for_policy(PolicyArn=session.outputs["GuardPolicyArn"])["PolicyRoles"]
    function = session.client("lambda").get_function_configuration(FunctionName=session.outputs["LauncherFunctionName"])
    assert [role["RoleName"] for role in roles] == [function["Role"].rsplit("/", 1)[-1]]


def test_the_role_of_the_jobs_reaches_one_prefix_and_one_key(session: Session) -> None:
    """The jobs' role reads and writes one prefix of one bucket, reads the code archive, and uses one key.

    It may also decrypt by way of S3 with the key that the account's bootstrap may have for archives.
    """
    outputs = session.outputs
    partition, bucket = outputs["KeyArn"].split(":")[1], outputs["DataBucketName"]
    code = outputs["CodeUri"].removeprefix("s3://")
    objects = f"arn:{partition}:s3:::"
    allowed = {
        "s3": {f"{objects}{name}" for name in (bucket, f"{bucket}/{outputs['DataPrefix']}*", code, code.split("/")[0])},
        "kms": {outputs["KeyArn"]},
    }
    seen: dict[str, set[str]] = {service: set() for service in allowed}
    for statement in permissions(session, outputs["TrainingRoleArn"]):
        actions = listed(statement["Action"])
        if "kms:ResourceAliases" in str(statement.get("Condition")):
            assert actions == ["kms:Decrypt"], statement
            assert "assets-key" in str(statement["Condition"]), statement
            continue
        for service, resources in seen.items():
            if any(action.startswith(f"{service}:") for action in actions):
                resources.update(listed(statement["Resource"]))
        if "s3:ListBucket" in actions:
            assert "s3:prefix" in str(statement.get("Condition")), f"lists all of {statement['Resource']}"
    assert seen == allowed


def test_the_launcher_lets_nothing_else_be_changed(session: Session) -> None:
    """The launcher refuses, with a reason, to change anything of a job but its name, hyperparameters and checkpoints."""
    ask = _SHARED["ask"]
    for event, reason in (
        ({"start": "a", "VpcConfig": {}}, "Unknown member VpcConfig"),
        ({"start": "a", "hyperparameters": {"sagemaker_program": "other.py"}}, "Unknown hyperparameter"),
        ({"start": "a", "hyperparameters": {"eta": "fast"}}, "eta must be a number"),
        ({"start": "a", "checkpoints": "../b"}, "checkpoints must be"),
        ({"stop": "another-job"}, "no job of this stack"),
    ):
        answer = ask(session, event)
        assert answer["status"] == 400, event
        assert reason in answer["error"]


@cache
def jobs(session: Session) -> list[dict[str, Any]]:
    pages = session.client("sagemaker").get_paginator("list_training_jobs")
    prefix = f"{session.stack.lower()}-"
    names = [
        job["TrainingJobName"]
        for page in pages.paginate(NameContains=prefix)
        for job in page["TrainingJobSummaries"]
        if job["TrainingJobName"].startswith(prefix)
    ]
    return [described(session, name) for name in names]


@cache
def described(session: Session, job: str) -> dict[str, Any]:
    return dict(_SHARED["describe"](session, job))


@cache
def output(session: Session, job: str) -> dict[str, Any]:
    return dict(_SHARED["output"](session, described(session, job)))


def package(session: Session) -> dict[str, Any]:
    name = session.recall("registered")["package"]
    return dict(session.client("sagemaker").describe_model_package(ModelPackageName=name))


def permissions(session: Session, role: str) -> list[dict[str, Any]]:
    iam = session.client("iam")
    attached = iam.list_attached_role_policies(RoleName=role.rsplit("/", 1)[-1])["AttachedPolicies"]
    found = []
    for policy in attached:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        found += document["Statement"]
    return found


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def holdout(session: Session) -> tuple[np.ndarray, np.ndarray]:
    with (session.data / "holdout.csv").open(newline="") as file:
        table = list(csv.reader(file))[1:]
    rows = [[float(cell) if cell else np.nan for cell in row[1:]] for row in table]
    return np.array(rows, dtype=np.float32), np.array([row[0] == "1" for row in table])
