"""Training jobs train with the lab's own script, and everything around a job is as the service has it."""

from __future__ import annotations

import io
import json
import tarfile
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
BUCKET = "training-data"

# Counts the rows of its channel, keeps a checkpoint per round, tells a metric, ends early when it is asked to.
SCRIPT = """
import argparse, json, os, pathlib, signal, socket, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int)
parser.add_argument("--mode", default="ok")
given = parser.parse_args()

stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(True) or print("asked to end", flush=True))
rows = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text().split()
kept = pathlib.Path("/opt/ml/checkpoints/round.json")
first = json.loads(kept.read_text())["round"] if kept.exists() else 0
print("first round:", first)
if given.mode == "fail":
    pathlib.Path("/opt/ml/output/failure").write_text("my own words")
    sys.exit(3)
if given.mode == "call out":
    socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), timeout=2)
for round in range(first + 1, given.rounds + 1):
    print(f"[{round}] loss:{1 / round:.4f}", flush=True)
    kept.write_text(json.dumps({"round": round}))
    if given.mode == "slow":
        time.sleep(0.1)
    if stop:
        sys.exit(0)
seen = {name: value for name, value in os.environ.items()}
out = pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json")
out.write_text(json.dumps({"rows": len(rows), "rounds": given.rounds, "environment": seen, "arguments": sys.argv[1:]}))
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "history.json").write_text("[]")
"""


def packed(files: dict[str, str]) -> bytes:
    """A tar.gz with these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


class Trainer:
    """Starts training jobs the way a lab does."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.sagemaker, self.s3 = emulator, emulator.client("sagemaker"), emulator.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
            ],
        }
        iam = emulator.client("iam")
        self.role = iam.create_role(RoleName="trainer", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        self.key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.s3.put_object(Bucket=BUCKET, Key="train/rows.csv", Body=b"1\n2\n3\n")
        self.s3.put_object(Bucket=BUCKET, Key="code/sourcedir.tar.gz", Body=packed({"train.py": SCRIPT}))

    def request(self, name: str, **more: Any) -> dict[str, Any]:
        """A complete request; ``more`` replaces members, None removes them."""
        hyperparameters = {
            "sagemaker_program": json.dumps("train.py"),
            "sagemaker_submit_directory": json.dumps("/opt/ml/input/data/code/sourcedir.tar.gz"),
            "rounds": "4",
            **more.pop("hyperparameters", {}),
        }
        request = {
            "TrainingJobName": name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {
                "TrainingImage": XGBOOST,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "loss", "Regex": r"loss:([0-9.]+)"}],
            },
            "InputDataConfig": [self.channel("train", "train/"), self.channel("code", "code/sourcedir.tar.gz")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output/", "KmsKeyId": self.key},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
            "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints/{name}"},
            "EnableManagedSpotTraining": True,
            "EnableNetworkIsolation": True,
            "HyperParameters": hyperparameters,
            "Environment": {"PIP_NO_BUILD_ISOLATION": "false", "PIP_NO_INDEX": "true"},
            **more,
        }
        return {member: value for member, value in request.items() if value is not None}

    def channel(self, name: str, key: str) -> dict[str, Any]:
        """A channel from the bucket."""
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://{BUCKET}/{key}",
            "S3DataDistributionType": "FullyReplicated",
        }
        return {"ChannelName": name, "DataSource": {"S3DataSource": source}}

    def train(self, name: str, **more: Any) -> dict[str, Any]:
        """Run a job to its end and describe it."""
        self.sagemaker.create_training_job(**self.request(name, **more))
        return self.wait(name)

    def wait(self, name: str, *statuses: str) -> dict[str, Any]:
        """The description of the job once it is over, or in one of ``statuses``."""

        def over() -> Any:
            job = self.sagemaker.describe_training_job(TrainingJobName=name)
            wanted = statuses or ("Completed", "Failed", "Stopped")
            return job if job["TrainingJobStatus"] in wanted or job["SecondaryStatus"] in statuses else None

        return dict(self.emulator.wait(over))

    def refused(self, name: str, **more: Any) -> str:
        """How the service refuses a job."""
        with pytest.raises(ClientError) as refusal:
            self.sagemaker.create_training_job(**self.request(name, **more))
        error = refusal.value.response["Error"]
        return f"{error['Code']}: {error['Message']}"

    def file(self, url: str, name: str) -> bytes:
        """A file of an archive in S3."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            member = tar.extractfile(name)
            assert member is not None
            return member.read()

    def log(self, job: str) -> list[str]:
        """What a job printed."""
        logs = self.emulator.client("logs")
        group = "/aws/sagemaker/TrainingJobs"
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
        assert len(streams) == 1
        assert streams[0]["logStreamName"].startswith(f"{job}/algo-1-")
        events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])["events"]
        return [event["message"] for event in events]


@pytest.fixture(scope="module")
def trainer(emulator: Any) -> Trainer:
    """What starts jobs."""
    return Trainer(emulator)


def test_the_script_trains_on_its_channel_and_its_model_lands_encrypted_in_s3(trainer: Trainer) -> None:
    # GIVEN rows in a channel and a script in another
    # WHEN the job has run
    job = trainer.train("plain")
    # THEN what the script wrote is in the archive, on the job's key
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    url = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert url == f"s3://{BUCKET}/output/plain/output/model.tar.gz"
    model = json.loads(trainer.file(url, "model.json"))
    assert (model["rows"], model["rounds"]) == (3, 4)
    head = trainer.s3.head_object(Bucket=BUCKET, Key="output/plain/output/model.tar.gz")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", trainer.key)
    assert trainer.file(f"s3://{BUCKET}/output/plain/output/output.tar.gz", "history.json") == b"[]"


def test_the_script_finds_the_contract_of_script_mode_and_no_setting_of_this_machine(trainer: Trainer) -> None:
    # GIVEN a job with a hyperparameter of its own
    job = trainer.train("contract")
    # WHEN the script looks around
    model = json.loads(trainer.file(job["ModelArtifacts"]["S3ModelArtifacts"], "model.json"))
    seen = model["environment"]
    # THEN it finds its arguments and places as in the container
    assert model["arguments"] == ["--rounds", "4"]
    assert seen["SM_CHANNEL_TRAIN"].endswith("/opt/ml/input/data/train")
    assert json.loads(seen["SM_HPS"]) == {"rounds": 4}
    assert seen["SM_CURRENT_HOST"] == "algo-1"
    assert json.loads(seen["SM_CHANNELS"]) == ["code", "train"]
    assert seen["PIP_NO_INDEX"] == "true"
    # AND nothing that could reach an account
    assert [name for name in seen if "SECRET" in name or "KEY" in name or "ENDPOINT" in name] == []


def test_metrics_come_from_the_log_into_the_description_and_into_cloudwatch(trainer: Trainer) -> None:
    # GIVEN a metric definition
    before = trainer.emulator.now()
    job = trainer.train("measured")
    # THEN the last value is final
    assert [(one["MetricName"], one["Value"]) for one in job["FinalMetricDataList"]] == [("loss", 0.25)]
    assert "[4] loss:0.2500" in trainer.log("measured")
    # AND CloudWatch has them all
    found = trainer.emulator.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="loss",
        Dimensions=[{"Name": "TrainingJobName", "Value": "measured"}],
        StartTime=before.replace(second=0),
        EndTime=trainer.emulator.advance(60),
        Period=3600,
        Statistics=["SampleCount", "Maximum"],
    )["Datapoints"]
    assert sum(point["SampleCount"] for point in found) == 4
    assert max(point["Maximum"] for point in found) == 1.0


def test_a_stopped_job_gets_sigterm_and_a_new_one_resumes_from_its_checkpoints(trainer: Trainer) -> None:
    # GIVEN a slow job that has written checkpoints
    shared = {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints/shared", "LocalPath": "/opt/ml/checkpoints"}}
    slow = {"rounds": "3000", "mode": json.dumps("slow")}
    trainer.sagemaker.create_training_job(**trainer.request("interrupted", hyperparameters=slow, **shared))
    trainer.emulator.wait(
        lambda: trainer.s3.list_objects_v2(Bucket=BUCKET, Prefix="checkpoints/shared/").get("Contents")
    )
    # WHEN it is stopped
    trainer.sagemaker.stop_training_job(TrainingJobName="interrupted")
    job = trainer.wait("interrupted")
    # THEN the script has been asked, and the job is stopped
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert "asked to end" in trainer.log("interrupted")
    assert [one["Status"] for one in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Stopping",
        "Stopped",
    ]
    # AND a new job goes on where it ended
    kept = json.loads(trainer.s3.get_object(Bucket=BUCKET, Key="checkpoints/shared/round.json")["Body"].read())
    assert kept["round"] >= 1
    resumed = trainer.train("resumed", hyperparameters={"rounds": str(kept["round"] + 2)}, **shared)
    assert resumed["TrainingJobStatus"] == "Completed"
    assert trainer.log("resumed")[0] == f"first round: {kept['round']}"


def test_a_job_that_runs_too_long_is_stopped(trainer: Trainer) -> None:
    # GIVEN ten emulated seconds for a job that wants minutes
    limits = {"MaxRuntimeInSeconds": 10, "MaxWaitTimeInSeconds": 20}
    # WHEN time goes on
    job = trainer.train(
        "long", hyperparameters={"rounds": "3000", "mode": json.dumps("slow")}, StoppingCondition=limits
    )
    # THEN it is stopped for that
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_failing_script_fails_its_job_in_the_toolkits_words(trainer: Trainer) -> None:
    # WHEN the script ends with another code than 0
    job = trainer.train("failing", hyperparameters={"mode": json.dumps("fail")})
    # THEN the reason names the command, as the image's toolkit does, and there is no model
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        'AlgorithmError: ExecuteUserScriptError:\nCommand "/miniconda3/bin/python3 -m train --mode fail --rounds 4", '
        "exit code: 3"
    )
    assert "ModelArtifacts" not in job


def test_an_isolated_script_reaches_nothing_not_even_this_machine(trainer: Trainer) -> None:
    # GIVEN a script that calls the emulator itself
    port = trainer.emulator.url.rpartition(":")[2]
    variables = {"PORT": port, "PIP_NO_BUILD_ISOLATION": "false"}
    call = {"mode": json.dumps("call out")}
    # WHEN it is isolated
    job = trainer.train("isolated", hyperparameters=call, Environment=variables)
    # THEN the call fails
    assert job["TrainingJobStatus"] == "Failed"
    assert any("unreachable" in line or "refused" in line for line in trainer.log("isolated"))
    # AND the same script passes when it is not: it was the isolation
    job = trainer.train("connected", hyperparameters=call, Environment=variables, EnableNetworkIsolation=False)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def test_code_that_needs_an_index_does_not_start_without_a_network(trainer: Trainer) -> None:
    # GIVEN an isolated job whose pip is to build in isolation
    job = trainer.train("no-pip", Environment=None)
    # THEN the installation of the code fails
    assert job["FailureReason"].startswith("AlgorithmError: InstallModuleError:")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 60}}, "MaxWaitTimeInSeconds is required"),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}},
            "greater than or equal to MaxRuntimeInSeconds",
        ),
        ({"EnableManagedSpotTraining": False}, "only supported when EnableManagedSpotTraining"),
        ({"VpcConfig": {"Subnets": ["subnet-00000000"], "SecurityGroupIds": ["sg-00000000"]}}, "subnet-00000000"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://no-such-bucket-here/"}}, "does not exist"),
        ({"OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/", "KmsKeyId": "alias/none"}}, "KMS key not found"),
        (
            {"ResourceConfig": {"InstanceType": "ml.x9.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
            "Member must satisfy",
        ),
    ],
)
def test_a_request_that_the_service_refuses_is_refused(trainer: Trainer, more: dict[str, Any], message: str) -> None:
    # WHEN one member is wrong THEN the answer is a validation error that names it
    answer = trainer.refused("refused", **more)
    assert answer.startswith("ValidationException: ")
    assert message in answer


def test_an_empty_channel_is_refused(trainer: Trainer) -> None:
    # WHEN a channel's prefix holds nothing THEN the answer names it
    assert "No S3 objects found" in trainer.refused("empty", InputDataConfig=[trainer.channel("train", "nothing/")])


def test_a_name_is_used_once(trainer: Trainer) -> None:
    # GIVEN a job
    trainer.train("once")
    # WHEN another takes its name THEN it is refused
    assert trainer.refused("once").startswith("ResourceInUse: ")


def test_jobs_are_listed_tagged_and_announced(trainer: Trainer) -> None:
    # GIVEN a rule for failed and completed trainings, and a tagged job
    queue = trainer.emulator.client("sqs").create_queue(QueueName="training-events")["QueueUrl"]
    events = trainer.emulator.client("events")
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Training Job State Change"]}
    events.put_rule(Name="trainings", EventPattern=json.dumps({**pattern, "detail": {"TrainingJobName": ["listed"]}}))
    arn = "arn:aws:sqs:us-east-1:123456789012:training-events"
    events.put_targets(Rule="trainings", Targets=[{"Id": "1", "Arn": arn}])
    job = trainer.train("listed", Tags=[{"Key": "team", "Value": "a"}])
    # THEN it is found by name, with its tags
    found = trainer.sagemaker.list_training_jobs(NameContains="listed")["TrainingJobSummaries"]
    assert [(one["TrainingJobName"], one["TrainingJobStatus"]) for one in found] == [("listed", "Completed")]
    assert trainer.sagemaker.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"] == [{"Key": "team", "Value": "a"}]
    # AND its states were told
    messages = trainer.emulator.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(message["Body"])["detail"] for message in messages]
    assert {"Starting", "Training", "Completed"} <= {one["SecondaryStatus"] for one in told}
    events.remove_targets(Rule="trainings", Ids=["1"])
    events.delete_rule(Name="trainings")


def test_time_goes_on_while_a_job_runs_but_not_faster_than_the_job_can_follow(trainer: Trainer) -> None:
    # GIVEN a job of about a second
    slow = {"rounds": "10", "mode": json.dumps("slow")}
    trainer.sagemaker.create_training_job(**trainer.request("paced", hyperparameters=slow))
    begun, really = trainer.emulator.now(), time.monotonic()
    # WHEN somebody lets an hour pass, which at the pace of jobs is two minutes of the machine
    trainer.emulator.advance(3600)
    # THEN the job is over in that time, and nobody waited for the whole of it
    job = trainer.sagemaker.describe_training_job(TrainingJobName="paced")
    assert job["TrainingJobStatus"] == "Completed"
    assert (trainer.emulator.now() - begun).total_seconds() >= 3600
    assert time.monotonic() - really < 100
