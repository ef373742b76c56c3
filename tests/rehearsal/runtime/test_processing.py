"""Processing jobs run the lab's own program, and their inputs, outputs and ends are as the service has them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

BUCKET = "processing-data"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2"

PROGRAM = """
import json, os, pathlib, sys, time

place = pathlib.Path("/opt/ml/processing")
text = (place / "input" / "in.txt").read_text()
if "--fail" in sys.argv:
    pathlib.Path("/opt/ml/output/message").write_text("the input is not what it should be")
    sys.exit(4)
(place / "output" / "sub").mkdir()
(place / "output" / "sub" / "out.txt").write_text(text.upper())
found = {"arguments": sys.argv[1:], "names": sorted(os.environ), "mark": os.environ.get("MARK")}
(place / "output" / "found.json").write_text(json.dumps(found))
job = json.loads(pathlib.Path("/opt/ml/config/processingjobconfig.json").read_text())
print("job", job["ProcessingJobName"], flush=True)
pathlib.Path("/opt/ml/output/message").write_text("CompletedWithViolations: 2 found")
if "--wait" in sys.argv:
    time.sleep(60)
"""


class Processor:
    """Starts processing jobs the way a lab does."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.sagemaker, self.s3 = emulator, emulator.client("sagemaker"), emulator.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        trust = {"Statement": [{"Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}]}
        trust["Statement"][0]["Effect"] = "Allow"  # type: ignore[index]
        document = json.dumps({"Version": "2012-10-17", **trust})
        iam = emulator.client("iam")
        self.role = iam.create_role(RoleName="processor", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        self.key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.s3.put_object(Bucket=BUCKET, Key="in/in.txt", Body=b"words")
        self.s3.put_object(Bucket=BUCKET, Key="code/job.py", Body=PROGRAM.encode())

    def request(self, name: str, *arguments: str, upload: str = "EndOfJob", **more: Any) -> dict[str, Any]:
        """A complete request; ``more`` replaces members."""
        output = {
            "S3Uri": f"s3://{BUCKET}/out/{name}",
            "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": upload,
        }
        return {
            "ProcessingJobName": name,
            "RoleArn": self.role,
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/job.py"],
                **({"ContainerArguments": list(arguments)} if arguments else {}),
            },
            "Environment": {"MARK": "own"},
            "ProcessingInputs": [self.input("input", "in/"), self.input("code", "code/job.py")],
            "ProcessingOutputConfig": {
                "KmsKeyId": self.key,
                "Outputs": [{"OutputName": "result", "S3Output": output}],
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.t3.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
            },
            "NetworkConfig": {"EnableNetworkIsolation": True},
            **more,
        }

    def input(self, name: str, key: str) -> dict[str, Any]:
        """An input from the bucket at /opt/ml/processing/NAME."""
        place = f"/opt/ml/processing/{name}"
        source = {"S3Uri": f"s3://{BUCKET}/{key}", "LocalPath": place, "S3DataType": "S3Prefix", "S3InputMode": "File"}
        return {"InputName": name, "S3Input": source}

    def process(self, name: str, *arguments: str, **more: Any) -> dict[str, Any]:
        """Run a job to its end and describe it."""
        self.sagemaker.create_processing_job(**self.request(name, *arguments, **more))
        return self.wait(name)

    def wait(self, name: str) -> dict[str, Any]:
        """The description of the job once it is over."""

        def over() -> Any:
            job = self.sagemaker.describe_processing_job(ProcessingJobName=name)
            return job if job["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        return dict(self.emulator.wait(over))

    def read(self, key: str) -> bytes:
        """An object of the bucket."""
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


@pytest.fixture(scope="module")
def processor(emulator: Any) -> Processor:
    """What starts jobs."""
    return Processor(emulator)


def test_the_program_reads_its_inputs_and_its_outputs_land_encrypted_in_s3(processor: Processor) -> None:
    # WHEN a job has run
    job = processor.process("plain", "--a", "1")
    # THEN its output is in S3 with its folders, on the job's key
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert processor.read("out/plain/sub/out.txt") == b"WORDS"
    assert processor.s3.head_object(Bucket=BUCKET, Key="out/plain/found.json")["SSEKMSKeyId"] == processor.key
    # AND what it said at its end is told
    assert job["ExitMessage"] == "CompletedWithViolations: 2 found"
    # AND it found its arguments and its own variables only
    found = json.loads(processor.read("out/plain/found.json"))
    assert found["arguments"] == ["--a", "1"]
    assert found["mark"] == "own"
    assert not [name for name in found["names"] if "KEY" in name or "ENDPOINT" in name]


def test_a_failing_program_fails_its_job_and_leaves_its_message(processor: Processor) -> None:
    # WHEN the program ends with another code than 0
    job = processor.process("failing", "--fail")
    # THEN the job failed, with what the program said
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert job["ExitMessage"] == "the input is not what it should be"


def test_a_continuous_output_lands_while_the_job_runs_and_a_stopped_job_is_stopped(processor: Processor) -> None:
    # GIVEN a job that writes its output and goes on for a minute
    processor.sagemaker.create_processing_job(**processor.request("continuous", "--wait", upload="Continuous"))
    # WHEN its output is there
    prefix = "out/continuous/"
    processor.emulator.wait(lambda: processor.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"))
    # THEN the job still runs, and can be stopped
    running = processor.sagemaker.describe_processing_job(ProcessingJobName="continuous")
    assert running["ProcessingJobStatus"] == "InProgress"
    processor.sagemaker.stop_processing_job(ProcessingJobName="continuous")
    assert processor.wait("continuous")["ProcessingJobStatus"] == "Stopped"


def test_an_absent_program_fails_its_job(processor: Processor) -> None:
    # WHEN the entrypoint names nothing that exists THEN the job fails
    application = {"ImageUri": IMAGE, "ContainerEntrypoint": ["no-such-program"]}
    assert processor.process("absent", AppSpecification=application)["ProcessingJobStatus"] == "Failed"


def test_what_an_image_does_by_itself_is_not_pretended(processor: Processor) -> None:
    # WHEN no program is given THEN the job is refused as not rehearsed
    with pytest.raises(ClientError, match="not rehearsed"):
        processor.sagemaker.create_processing_job(**processor.request("monitor", AppSpecification={"ImageUri": IMAGE}))


def test_a_local_path_outside_of_the_jobs_place_is_refused(processor: Processor) -> None:
    # WHEN an input is to lie elsewhere THEN the answer names it
    wrong = processor.input("input", "in/")
    wrong["S3Input"]["LocalPath"] = "/etc/passwd"
    with pytest.raises(ClientError, match="/etc/passwd"):
        processor.sagemaker.create_processing_job(**processor.request("outside", ProcessingInputs=[wrong]))


def test_a_job_is_announced_logged_and_listed(processor: Processor) -> None:
    # GIVEN a rule
    queue = processor.emulator.client("sqs").create_queue(QueueName="processing-events")["QueueUrl"]
    events = processor.emulator.client("events")
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Processing Job State Change"]}
    events.put_rule(Name="processings", EventPattern=json.dumps(pattern))
    arn = "arn:aws:sqs:us-east-1:123456789012:processing-events"
    events.put_targets(Rule="processings", Targets=[{"Id": "1", "Arn": arn}])
    # WHEN a job has run
    processor.process("told")
    # THEN its end was told
    messages = processor.emulator.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(message["Body"])["detail"] for message in messages]
    assert ("told", "Completed") in [(one["ProcessingJobName"], one["ProcessingJobStatus"]) for one in told]
    events.remove_targets(Rule="processings", Ids=["1"])
    events.delete_rule(Name="processings")
    # AND it is listed, and its words are in the log
    listed = processor.sagemaker.list_processing_jobs(NameContains="told")["ProcessingJobSummaries"]
    assert [one["ProcessingJobStatus"] for one in listed] == ["Completed"]
    found = processor.emulator.client("logs").filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs")["events"]
    assert "job told" in [event["message"] for event in found]
