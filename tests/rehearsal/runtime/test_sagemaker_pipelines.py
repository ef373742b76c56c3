"""A SageMaker pipeline's steps run: jobs, conditions, registration, functions, with cache, stop and retry."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import time
import uuid
import zipfile
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labkit.rehearsal.context import Context
from labkit.rehearsal.runtime.pipelines import Executions
from labkit.rehearsal.runtime.pipelines_definition import DefinitionError, parse
from labkit.rehearsal.runtime.pipelines_steps import StepFailed, Steps, cache_key, retry_policy
from labkit.rehearsal.runtime.pipelines_values import ValueMissing, Values, duration, find

BUCKET = "steps-data"
PROCESSOR = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
PREPARE = """
import pathlib, sys
text = pathlib.Path("/opt/ml/processing/input/rows.csv").read_text()
pathlib.Path("/opt/ml/processing/train/rows.csv").write_text(text * int(sys.argv[1]))
"""
TRAIN = """
import json, os, pathlib, sys
rows = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "rows.csv").read_text().split()
if pathlib.Path(os.environ["SM_CHANNEL_CODE"], "broken").exists():
    sys.exit(3)
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps({"rows": len(rows)}))
"""
EVALUATE = """
import json, pathlib, tarfile, time, sys
with tarfile.open("/opt/ml/processing/model/model.tar.gz") as tar:
    rows = json.load(tar.extractfile("model.json"))["rows"]
report = {"metrics": {"accuracy": {"value": rows / 10}}}
pathlib.Path("/opt/ml/processing/evaluation/evaluation.json").write_text(json.dumps(report))
time.sleep(float(sys.argv[1]))
"""
FUNCTION = "def handler(event, context):\n    return {'said': 'heard ' + event['package'].rsplit('/', 1)[-1]}\n"


def get(path: str) -> dict[str, str]:
    """A reference."""
    return {"Get": path}


def packed(files: dict[str, str]) -> bytes:
    """A tar.gz with these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


class Lab:
    """A pipeline that prepares, trains, evaluates, and registers what is good enough."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.sagemaker, self.s3 = emulator, emulator.client("sagemaker"), emulator.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        services = ["sagemaker.amazonaws.com", "lambda.amazonaws.com"]
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        self.role = emulator.client("iam").create_role(RoleName="steps", AssumeRolePolicyDocument=document)["Role"][
            "Arn"
        ]
        self.s3.put_object(Bucket=BUCKET, Key="raw/rows.csv", Body=b"1\n2\n3\n")
        self.s3.put_object(Bucket=BUCKET, Key="code/prepare.py", Body=PREPARE.encode())
        self.s3.put_object(Bucket=BUCKET, Key="code/evaluate.py", Body=EVALUATE.encode())
        self.s3.put_object(Bucket=BUCKET, Key="training/sourcedir.tar.gz", Body=packed({"train.py": TRAIN}))
        self.sagemaker.create_model_package_group(ModelPackageGroupName="steps")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("main.py", FUNCTION)
        self.function = emulator.client("lambda").create_function(
            FunctionName="tell",
            Runtime="python3.12",
            Handler="main.handler",
            Role=self.role,
            Timeout=30,
            Code={"ZipFile": out.getvalue()},
        )["FunctionArn"]

    def processing(self, script: str, arguments: list[Any], inputs: dict[str, Any], output: str) -> dict[str, Any]:
        """Arguments of a processing step."""
        places = {**inputs, "code": f"s3://{BUCKET}/code/{script}"}
        return {
            "RoleArn": self.role,
            "AppSpecification": {
                "ImageUri": PROCESSOR,
                "ContainerEntrypoint": ["python3", f"/opt/ml/processing/code/{script}"],
                "ContainerArguments": arguments,
            },
            "ProcessingInputs": [
                {
                    "InputName": name,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/{name}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
                for name, uri in places.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": output,
                        "S3Output": {
                            "S3Uri": {
                                "Std:Join": {
                                    "On": "/",
                                    "Values": [f"s3://{BUCKET}/runs", get("Execution.PipelineExecutionId"), output],
                                }
                            },
                            "LocalPath": f"/opt/ml/processing/{output}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.t3.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
            },
        }

    def definition(self) -> dict[str, Any]:
        """The whole definition."""
        accuracy = {
            "Std:JsonGet": {
                "PropertyFile": get("Steps.Evaluate.PropertyFiles.Report"),
                "Path": "metrics.accuracy.value",
            }
        }
        train = {
            "RoleArn": self.role,
            "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"',
            },
            "InputDataConfig": [
                {
                    "ChannelName": name,
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": uri,
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
                for name, uri in {
                    "train": get("Steps.Prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"),
                    "code": f"s3://{BUCKET}/training/",
                }.items()
            ],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            "Environment": {"PIP_NO_BUILD_ISOLATION": "false", "PIP_NO_INDEX": "true"},
        }
        register = {
            "ModelPackageGroupName": "steps",
            "ModelApprovalStatus": get("Parameters.Approval"),
            "InferenceSpecification": {
                "Containers": [{"Image": XGBOOST, "ModelDataUrl": get("Steps.Train.ModelArtifacts.S3ModelArtifacts")}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        }
        good = {"Type": "GreaterThanOrEqualTo", "LeftValue": accuracy, "RightValue": get("Parameters.Least")}
        return {
            "Version": "2020-12-01",
            "Metadata": {},
            "MlflowConfig": None,
            "Parameters": [
                {"Name": "Least", "Type": "Float", "DefaultValue": 0.5},
                {"Name": "Times", "Type": "String", "DefaultValue": "2"},
                {"Name": "Pause", "Type": "String", "DefaultValue": "0"},
                {
                    "Name": "Approval",
                    "Type": "String",
                    "DefaultValue": "PendingManualApproval",
                    "EnumValues": ["PendingManualApproval", "Approved"],
                },
            ],
            "Steps": [
                {
                    "Name": "Prepare",
                    "Type": "Processing",
                    "Arguments": self.processing(
                        "prepare.py", [get("Parameters.Times")], {"input": f"s3://{BUCKET}/raw/"}, "train"
                    ),
                    "CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"},
                },
                {"Name": "Train", "Type": "Training", "Arguments": train},
                {
                    "Name": "Evaluate",
                    "Type": "Processing",
                    "Arguments": self.processing(
                        "evaluate.py",
                        [get("Parameters.Pause")],
                        {"model": get("Steps.Train.ModelArtifacts.S3ModelArtifacts")},
                        "evaluation",
                    ),
                    "PropertyFiles": [
                        {"PropertyFileName": "Report", "OutputName": "evaluation", "FilePath": "evaluation.json"}
                    ],
                },
                {
                    "Name": "Good",
                    "Type": "Condition",
                    "Arguments": {
                        "Conditions": [
                            good,
                            {
                                "Type": "Not",
                                "Expression": {"Type": "In", "QueryValue": get("Parameters.Times"), "Values": ["0"]},
                            },
                        ],
                        "IfSteps": [
                            {"Name": "Register", "Type": "RegisterModel", "Arguments": register},
                            {
                                "Name": "Tell",
                                "Type": "Lambda",
                                "FunctionArn": self.function,
                                "Arguments": {"package": get("Steps.Register.ModelPackageArn")},
                                "OutputParameters": [{"OutputName": "said", "OutputType": "String"}],
                            },
                        ],
                        "ElseSteps": [
                            {
                                "Name": "TooBad",
                                "Type": "Fail",
                                "Arguments": {
                                    "ErrorMessage": {
                                        "Std:Join": {
                                            "On": " ",
                                            "Values": ["accuracy", accuracy, "is below", get("Parameters.Least")],
                                        }
                                    }
                                },
                            }
                        ],
                    },
                },
            ],
        }

    def create(self, name: str, definition: dict[str, Any]) -> str:
        """A pipeline."""
        self.sagemaker.create_pipeline(
            PipelineName=name,
            PipelineDefinition=json.dumps(definition),
            RoleArn=self.role,
            ClientRequestToken=uuid.uuid4().hex,
        )
        return name

    def start(self, name: str, **parameters: str) -> str:
        """Start it."""
        given = [{"Name": key, "Value": value} for key, value in parameters.items()]
        return str(
            self.sagemaker.start_pipeline_execution(PipelineName=name, PipelineParameters=given)["PipelineExecutionArn"]
        )

    def ended(self, arn: str) -> dict[str, Any]:
        """The execution when it is over."""

        def over() -> Any:
            found = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            return found if found["PipelineExecutionStatus"] not in ("Executing", "Stopping") else None

        return dict(self.emulator.wait(over))

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        """Its steps by name, in the order of their beginning."""
        found = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
        return {step["StepName"]: step for step in found["PipelineExecutionSteps"]}

    def fails(self, wanted: Callable[[], Any]) -> str:
        """The message of a refusal."""
        with pytest.raises(ClientError) as refusal:
            wanted()
        return str(refusal.value)


@pytest.fixture(scope="module")
def lab(emulator: Any) -> Lab:
    """The lab with its pipeline."""
    lab = Lab(emulator)
    lab.create("steps", lab.definition())
    return lab


def test_steps_run_in_the_order_of_need_and_the_good_model_is_registered(lab: Lab) -> None:
    # GIVEN a rule on the end of executions
    events, queue = (
        lab.emulator.client("events"),
        lab.emulator.client("sqs").create_queue(QueueName="steps")["QueueUrl"],
    )
    kind = "SageMaker Model Building Pipeline Execution Status Change"
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": [kind],
        "detail": {"currentPipelineExecutionStatus": ["Succeeded"]},
    }
    events.put_rule(Name="steps", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="steps", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:steps"}])
    # WHEN the pipeline runs with a parameter
    arn = lab.start("steps", Times="3")
    execution = lab.ended(arn)
    # THEN its steps ran in order, each in its own job
    steps = lab.steps(arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded", steps
    assert list(steps) == ["Prepare", "Train", "Evaluate", "Good", "Register", "Tell"]
    assert steps["Good"]["Metadata"]["Condition"]["Outcome"] == "True"
    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[-1]
    assert job.startswith(f"pipelines-{arn.rsplit('/', 1)[-1]}-Train-")
    # AND the function heard of the package, which holds what the training made of nine rows
    package = steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
    found = lab.sagemaker.describe_model_package(ModelPackageName=package)
    assert found["ModelApprovalStatus"] == "PendingManualApproval"
    model = lab.sagemaker.describe_training_job(TrainingJobName=job)["ModelArtifacts"]["S3ModelArtifacts"]
    assert found["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == model
    said = [{"Name": "said", "Value": f"heard {package.rsplit('/', 1)[-1]}"}]
    assert steps["Tell"]["Metadata"]["Lambda"]["OutputParameters"] == said
    # AND the parameters and the end were told
    listed = lab.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert {"Name": "Times", "Value": "3"} in listed
    assert {"Name": "Least", "Value": "0.5"} in listed
    lab.emulator.advance(1)
    message = json.loads(lab.emulator.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert message["detail"]["pipelineExecutionArn"] == arn
    assert message["detail"]["previousPipelineExecutionStatus"] == "Executing"


def test_a_model_that_is_not_good_enough_fails_the_execution_with_its_reason(lab: Lab) -> None:
    arn = lab.start("steps", Times="1")
    execution = lab.ended(arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "accuracy 0.3 is below 0.5"
    steps = lab.steps(arn)
    assert "Register" not in steps
    assert steps["TooBad"]["FailureReason"] == "accuracy 0.3 is below 0.5"


def test_a_step_with_the_same_arguments_is_taken_from_the_cache_until_it_expires(lab: Lab) -> None:
    # GIVEN an execution
    first = lab.start("steps", Times="2")
    assert lab.ended(first)["PipelineExecutionStatus"] == "Succeeded"
    # WHEN it runs again THEN the cached step has the first one's job, and the next step used its output
    second = lab.start("steps", Times="2")
    assert lab.ended(second)["PipelineExecutionStatus"] == "Succeeded"
    prepared = lab.steps(second)["Prepare"]
    assert prepared["CacheHitResult"]["SourcePipelineExecutionArn"] == first
    assert prepared["Metadata"] == lab.steps(first)["Prepare"]["Metadata"]
    assert "CacheHitResult" not in lab.steps(second)["Train"]
    # AND WHEN a day has passed THEN it runs anew
    lab.emulator.advance(86400)
    third = lab.start("steps", Times="2")
    lab.ended(third)
    assert "CacheHitResult" not in lab.steps(third)["Prepare"]


def test_a_failed_execution_goes_on_from_the_failed_step(lab: Lab) -> None:
    # GIVEN a training that fails
    lab.s3.put_object(Bucket=BUCKET, Key="training/broken", Body=b"x")
    arn = lab.start("steps", Times="4")
    execution = lab.ended(arn)
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed."
    before = lab.steps(arn)
    assert list(before) == ["Prepare", "Train"]
    assert before["Train"]["FailureReason"].startswith("AlgorithmError")
    # WHEN the cause is gone and it is retried THEN only what failed runs again, and what comes after
    lab.s3.delete_object(Bucket=BUCKET, Key="training/broken")
    lab.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)
    assert lab.ended(arn)["PipelineExecutionStatus"] == "Succeeded"
    after = lab.steps(arn)
    assert after["Prepare"] == before["Prepare"]
    assert after["Train"]["Metadata"] != before["Train"]["Metadata"]


def test_a_stopped_execution_stops_its_job_and_can_be_retried(lab: Lab) -> None:
    # GIVEN an execution whose evaluation takes long
    arn = lab.start("steps", Times="2", Pause="50")
    lab.emulator.wait(lambda: "ProcessingJob" in lab.steps(arn).get("Evaluate", {}).get("Metadata", {}))
    # WHEN it is stopped THEN the job is, too
    lab.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)
    assert lab.ended(arn)["PipelineExecutionStatus"] == "Stopped"
    step = lab.steps(arn)["Evaluate"]
    assert step["StepStatus"] == "Stopped"
    job = step["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[-1]
    assert lab.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Stopped"


def test_wrong_parameters_and_wrong_definitions_are_refused(lab: Lab) -> None:
    assert "Unknown parameters: Nothing" in lab.fails(lambda: lab.start("steps", Nothing="1"))
    assert "a value of type Float is needed" in lab.fails(lambda: lab.start("steps", Least="much"))
    assert "allowed: PendingManualApproval, Approved" in lab.fails(lambda: lab.start("steps", Approval="Yes"))
    assert "does not exist" in lab.fails(lambda: lab.start("no-such"))
    wrong = lab.definition()
    wrong["Steps"][1]["Arguments"]["HyperParametres"] = {}
    assert "Arguments.HyperParametres: there is no such member" in lab.fails(lambda: lab.create("wrong", wrong))


def test_a_token_starts_an_execution_once_and_a_rule_starts_it_with_parameters(lab: Lab) -> None:
    # GIVEN a pipeline of one step that needs a function only, made by a template
    step = {
        "Name": "Tell",
        "Type": "Lambda",
        "FunctionArn": lab.function,
        "Arguments": {"package": get("Parameters.Word")},
    }
    definition = {"Version": "2020-12-01", "Parameters": [{"Name": "Word", "Type": "String"}], "Steps": [step]}
    lab.s3.put_object(Bucket=BUCKET, Key="definition.json", Body=json.dumps(definition).encode())
    place = {"PipelineDefinitionS3Location": {"Bucket": BUCKET, "Key": "definition.json"}}
    pipeline = {
        "PipelineName": "small",
        "RoleArn": lab.role,
        "PipelineDefinition": place,
        "PipelineDescription": "one step",
    }
    target = {
        "Id": "p",
        "Arn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/small",
        "RoleArn": lab.role,
        "SageMakerPipelineParameters": {"PipelineParameterList": [{"Name": "Word", "Value": "rule"}]},
    }
    rule = {"EventPattern": {"source": ["small"]}, "Targets": [target]}
    resources = {
        "Pipeline": {"Type": "AWS::SageMaker::Pipeline", "Properties": pipeline},
        "Rule": {"Type": "AWS::Events::Rule", "Properties": rule, "DependsOn": "Pipeline"},
    }
    stacks = lab.emulator.client("cloudformation")
    stacks.create_stack(StackName="small", TemplateBody=json.dumps({"Resources": resources}))
    lab.emulator.wait(
        lambda: not stacks.describe_stacks(StackName="small")["Stacks"][0]["StackStatus"].endswith("IN_PROGRESS")
    )
    entry = next(
        item for item in lab.emulator.call("ledger")["resources"] if item["type"] == "AWS::SageMaker::Pipeline"
    )
    assert (entry["status"], entry["label"], entry["dropped"]) == ("CREATE_COMPLETE", "executed", [])
    # WHEN it is started twice with a token THEN it runs once
    token = uuid.uuid4().hex
    given = [{"Name": "Word", "Value": "x"}]
    arns = {
        lab.sagemaker.start_pipeline_execution(
            PipelineName="small", PipelineParameters=given, ClientRequestToken=token
        )["PipelineExecutionArn"]
        for _ in range(2)
    }
    assert len(arns) == 1
    # AND WHEN the rule matches THEN it runs with the rule's parameter
    lab.emulator.client("events").put_events(Entries=[{"Source": "small", "DetailType": "x", "Detail": "{}"}])
    listed = lab.sagemaker.list_pipeline_executions(PipelineName="small")["PipelineExecutionSummaries"]
    assert len(listed) == 2
    found = lab.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=listed[0]["PipelineExecutionArn"])
    assert found["PipelineParameters"] == [{"Name": "Word", "Value": "rule"}]
    assert lab.ended(listed[0]["PipelineExecutionArn"])["PipelineExecutionStatus"] == "Succeeded"
    assert lab.fails(lambda: lab.start("small")).endswith("Parameter Word has no default value and none is given")
    stacks.delete_stack(StackName="small")
    lab.emulator.wait(
        lambda: (
            not [
                item
                for item in stacks.list_stacks()["StackSummaries"]
                if item["StackName"] == "small" and item["StackStatus"] != "DELETE_COMPLETE"
            ]
        )
    )
    assert "does not exist" in lab.fails(lambda: lab.start("small"))


def test_models_are_made_and_read_from_a_file_and_other_steps_say_that_they_are_not_rehearsed(lab: Lab) -> None:
    # GIVEN a model whose image stands in a file, which a transform job uses, and a step of another kind
    lab.s3.put_object(Bucket=BUCKET, Key="image.json", Body=json.dumps({"images": [{"uri": XGBOOST}]}).encode())
    image = {"Std:JsonGet": {"S3Uri": f"s3://{BUCKET}/image.json", "Path": "images[0].uri"}}
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/raw/"}}}
    steps = [
        {
            "Name": "Make",
            "Type": "Model",
            "Arguments": {"ExecutionRoleArn": lab.role, "PrimaryContainer": {"Image": image}},
        },
        {
            "Name": "Predict",
            "Type": "Transform",
            "Arguments": {
                "ModelName": get("Steps.Make.ModelName"),
                "TransformInput": source,
                "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/predicted"},
                "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            },
        },
        {"Name": "Ask", "Type": "Callback", "DependsOn": ["Predict"], "Arguments": {}},
    ]
    lab.create("models", {"Version": "2020-12-01", "Steps": steps})
    # WHEN it runs THEN the model is there with its image, and the last step says why it failed
    arn = lab.start("models")
    assert lab.ended(arn)["PipelineExecutionStatus"] == "Failed"
    found = lab.steps(arn)
    model = lab.sagemaker.describe_model(ModelName=found["Make"]["Metadata"]["Model"]["Arn"].rsplit("/", 1)[-1])
    assert model["PrimaryContainer"]["Image"] == XGBOOST
    assert found["Predict"]["StepStatus"] == "Succeeded"
    assert found["Ask"]["FailureReason"] == "not rehearsed: a step of type Callback"
    notes = [note["text"] for note in lab.emulator.call("ledger")["notes"]]
    assert "a transform job is answered as finished at once; nothing runs" in notes


def test_a_build_starts_the_pipeline_and_waits_for_it_as_in_an_account(lab: Lab) -> None:
    # GIVEN a build whose script looks every half a minute
    script = """
import boto3, sys, time
client = boto3.client("sagemaker")
arn = client.start_pipeline_execution(PipelineName="steps", PipelineParameters=[{"Name": "Times", "Value": "5"}])["PipelineExecutionArn"]
while (status := client.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]) == "Executing":
    time.sleep(30)
print(status)
"""
    lab.s3.put_object(Bucket=BUCKET, Key="run/run.py", Body=script.encode())
    buildspec = "version: 0.2\nphases: {build: {commands: [python run.py]}}"
    builds = lab.emulator.client("codebuild")
    builds.create_project(
        name="starter",
        source={"type": "S3", "location": f"{BUCKET}/run/", "buildspec": buildspec},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "standard", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=lab.role,
    )
    # WHEN it is built while nobody else looks at the clock THEN the whole pipeline has run
    before, begun = lab.emulator.now(), time.monotonic()
    identifier = builds.start_build(projectName="starter")["build"]["id"]
    while not (build := builds.batch_get_builds(ids=[identifier])["builds"][0])["buildComplete"]:
        time.sleep(0.1)
    assert build["buildStatus"] == "SUCCEEDED"
    where = build["logs"]
    events = lab.emulator.client("logs").get_log_events(
        logGroupName=where["groupName"], logStreamName=where["streamName"]
    )
    assert "Succeeded" in [event["message"] for event in events["events"]]
    # AND the half minutes passed on the emulated clock alone
    really = time.monotonic() - begun
    assert (lab.emulator.now() - before).total_seconds() - really >= 30


def started(monkeypatch: pytest.MonkeyPatch, run: Callable[..., None], steps: list[Any], most: int = 0) -> Any:
    """An execution of steps that do what ``run`` does, and the clock."""
    context = Context(url="http://localhost:1", workdir=None)  # type: ignore[arg-type]
    executions = Executions(context)
    monkeypatch.setattr(Steps, "run", lambda self, *arguments: run(*arguments))
    definition = parse(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    return executions.start("p", "arn:p", "", definition, parameters={}, given=[], most=most), context.clock


def test_a_failed_step_is_tried_again_after_the_intervals_of_its_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a step that is refused twice, and a policy for that
    policy = {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 600, "BackoffRate": 2.0, "MaxAttempts": 3}
    tries: list[Any] = []

    def run(step: Any, arguments: Any, record: Any, identifier: str) -> None:
        tries.append(clock.now())
        if len(tries) < 3:
            raise StepFailed("slow down", "Step.THROTTLING")

    clock: Any = None
    ready = threading.Event()
    gated = lambda *arguments: (ready.wait(), run(*arguments))  # noqa: E731
    execution, clock = started(monkeypatch, gated, [fail("A", RetryPolicies=[policy])])  # type: ignore[arg-type]
    ready.set()
    # WHEN time passes THEN the third try succeeds, after one and two intervals
    for _ in range(60):
        clock.advance(60)
    assert (execution.status, execution.steps["A"].attempts) == ("Succeeded", 3)
    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(tries)]
    assert 600 <= waits[0] < 700
    assert 1200 <= waits[1] < 1300


def test_no_more_steps_run_at_once_than_the_execution_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN three steps that need nothing of each other, and room for one
    going, seen = [], []

    def run(step: Any, *more: Any) -> None:
        going.append(step["Name"])
        seen.append(len(going))
        time.sleep(0.02)
        going.remove(step["Name"])

    execution, clock = started(monkeypatch, run, [fail("A"), fail("B"), fail("C")], most=1)
    # WHEN they have run THEN never two at once
    while execution.status == "Executing":
        clock.advance(1)
    assert seen == [1, 1, 1]


def values(**steps: Any) -> Values:
    """Values of a definition without parameters."""
    definition = parse(
        '{"Version": "2020-12-01", "Steps": [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}]}'
    )
    context = Context(url="http://localhost:1", workdir=None)  # type: ignore[arg-type]
    return Values(context, definition, parameters={"One": 1, "Yes": True}, about={"PipelineName": "p"}, steps=steps)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"Type": "Equals", "LeftValue": get("Parameters.One"), "RightValue": 1}, True),
        ({"Type": "GreaterThan", "LeftValue": get("Parameters.One"), "RightValue": 1}, False),
        ({"Type": "GreaterThanOrEqualTo", "LeftValue": get("Steps.A.Metric"), "RightValue": 0.8}, True),
        ({"Type": "LessThan", "LeftValue": get("Steps.A.Metric"), "RightValue": 0.9}, False),
        ({"Type": "LessThanOrEqualTo", "LeftValue": get("Steps.A.Metric"), "RightValue": 0.9}, True),
        ({"Type": "In", "QueryValue": get("Execution.PipelineName"), "Values": ["q", "p"]}, True),
        ({"Type": "Not", "Expression": {"Type": "Equals", "LeftValue": 1, "RightValue": 1}}, False),
        (
            {
                "Type": "Or",
                "Conditions": [
                    {"Type": "Equals", "LeftValue": 1, "RightValue": 2},
                    {"Type": "Equals", "LeftValue": get("Parameters.Yes"), "RightValue": True},
                ],
            },
            True,
        ),
    ],
)
def test_every_type_of_condition_is_decided(condition: dict[str, Any], holds: bool) -> None:
    assert values(A={"Metric": 0.9}).holds(condition) is holds


def test_references_find_parts_of_answers_and_say_what_is_missing() -> None:
    answer = {
        "Outputs": [{"OutputName": "a", "Uri": "s3://a"}, {"OutputName": "b.c", "Uri": "s3://b"}],
        "List": [{"x": 5}],
    }
    assert find(answer, "Outputs['b.c'].Uri", "it") == "s3://b"
    assert find(answer, "List[0].x", "it") == 5
    assert (
        values().of({"Std:Join": {"On": "-", "Values": ["a", get("Parameters.One"), get("Parameters.Yes")]}})
        == "a-1-true"
    )
    for path in ("Nothing", "List[3].x", "Outputs['z'].Uri"):
        with pytest.raises(ValueMissing, match="it has no value"):
            find(answer, path, "it")
    with pytest.raises(ValueMissing, match="step A did not run"):
        values().of(get("Steps.A.Metric"))
    with pytest.raises(ValueMissing, match="cannot compare"):
        values().holds({"Type": "LessThan", "LeftValue": "a", "RightValue": 1})


def test_durations_are_read_as_iso_8601_and_as_the_guide_writes_them() -> None:
    assert duration("P30D") == duration("30d") == timedelta(days=30)
    assert duration("PT1H") == timedelta(hours=1)
    assert duration("T16m") == timedelta(minutes=16)
    assert duration("30dT5h") == timedelta(days=30, hours=5)
    with pytest.raises(ValueMissing, match="not an ISO 8601 duration"):
        duration("soon")


def test_the_cache_looks_only_at_the_documented_attributes() -> None:
    step = {"Name": "Train", "Type": "Training"}
    key = cache_key(step, {"HyperParameters": {"a": "1"}, "ResourceConfig": {"InstanceCount": 1}})
    assert key == cache_key(step, {"HyperParameters": {"a": "1"}, "ResourceConfig": {"InstanceCount": 2}})
    assert key != cache_key(step, {"HyperParameters": {"a": "2"}})
    assert cache_key({"Name": "Model", "Type": "Model"}, {}) == ""


def test_a_retry_policy_applies_to_the_exceptions_that_it_names() -> None:
    policies = [{"ExceptionType": ["Step.THROTTLING", "Step.SERVICE_FAULT"], "MaxAttempts": 3}]
    assert retry_policy({"RetryPolicies": policies}, StepFailed("slow down", "Step.THROTTLING")) == policies[0]
    assert retry_policy({"RetryPolicies": policies}, StepFailed("no room", "SageMaker.CAPACITY_ERROR")) is None
    assert retry_policy({"RetryPolicies": policies}, StepFailed("wrong")) is None


def fail(name: str, **more: Any) -> dict[str, Any]:
    """A step that fails."""
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": "x"}, **more}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([], "at least one step"),
        ([fail("a b")], "names have 1 to 64"),
        ([fail("A"), fail("A")], "are unique"),
        ([{"Name": "A", "Type": "Train"}], "Type Train given; allowed"),
        ([fail("A", DependsOn=["B"])], "there is no step B"),
        ([fail("A", DependsOn=["B"]), fail("B", DependsOn=["A"])], "wait for each other: A, B"),
        (
            [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": get("Parameters.X")}}],
            "Parameters.X: there is no such parameter",
        ),
        (
            [{"Name": "A", "Type": "Fail", "Arguments": {"ErrorMessage": get("Steps.X.Y")}}],
            "Steps.X.Y: there is no such step",
        ),
        ([{"Name": "A", "Type": "Model", "Arguments": {"ExecutionRoleArn": 5}}], "int given; string is needed"),
        ([{"Name": "A", "Type": "Model", "Arguments": {"ExecutionRoleArn": "x"}}], "it must match"),
        (
            [{"Name": "A", "Type": "RegisterModel", "Arguments": {"ModelApprovalStatus": "Maybe"}}],
            "Maybe given; allowed: Approved",
        ),
        ([{"Name": "A", "Type": "Training", "Arguments": {}}], "Arguments.OutputDataConfig is needed"),
    ],
)
def test_a_definition_is_refused_with_every_problem_by_its_place(steps: list[Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        parse(json.dumps({"Version": "2020-12-01", "Steps": steps}))
