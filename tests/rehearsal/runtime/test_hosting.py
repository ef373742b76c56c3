"""Endpoints predict with the lab's own code, and everything around an invocation is as the service has it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import xgboost
from botocore.exceptions import ClientError
from sklearn.datasets import load_breast_cancer

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ROLE = "arn:aws:iam::123456789012:role/execution"

INFERENCE = """
import io, os, socket, subprocess, sys
import numpy as np, xgboost

def model_fn(folder):
    booster = xgboost.Booster()
    booster.load_model(os.path.join(folder, "model.json"))
    assert open("/opt/ml/model/model.json").read(1) == "{"
    return booster

def input_fn(body, content_type):
    if content_type != "text/csv":
        raise ValueError(f"{content_type} is not for me")
    if body == "call home":
        socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), timeout=2)
    if body == "send a child":
        call = f"import socket; socket.create_connection(('127.0.0.1', {os.environ['PORT']}), 2); print('child got out')"
        subprocess.run([sys.executable, "-c", call])
    if body == "die":
        os._exit(3)
    return xgboost.DMatrix(np.atleast_2d(np.loadtxt(io.StringIO(body), delimiter=",")))

def output_fn(prediction, accept):
    print(f"predicted {len(prediction)} rows")
    return "\\n".join(f"{value:.6f}" for value in prediction), "text/csv"
"""


# The same contract without a library that takes a second to import, for tests that are not about predicting.
ECHO = """
def model_fn(folder):
    return None

def transform_fn(model, body, kind, accept):
    return body, "text/csv"
"""


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    """A real data set."""
    features, target = load_breast_cancer(return_X_y=True)
    return features, target


@pytest.fixture(scope="module")
def booster(data: tuple[np.ndarray, np.ndarray]) -> xgboost.Booster:
    """A real model."""
    settings = {"objective": "binary:logistic", "max_depth": 3, "seed": 0, "nthread": 1}
    return xgboost.train(settings, xgboost.DMatrix(data[0], label=data[1]), 10)


def archive(files: dict[str, bytes]) -> bytes:
    """A tar.gz with these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


class Lab:
    """Deploys models and endpoints the way a lab does."""

    def __init__(self, emulator: Any, booster: xgboost.Booster) -> None:
        self.emulator, self.sagemaker = emulator, emulator.client("sagemaker")
        self.s3 = emulator.client("s3")
        self.bucket = "models-and-capture"
        self.s3.create_bucket(Bucket=self.bucket)
        self.model = bytes(booster.save_raw("json"))

    def create_model(self, name: str, content: bytes | None, *, isolated: bool = True, **environment: str) -> None:
        """A model of ``content``; None: its object does not exist."""
        if content is not None:
            self.s3.put_object(Bucket=self.bucket, Key=f"{name}/model.tar.gz", Body=content)
        variables = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            EnableNetworkIsolation=isolated,
            PrimaryContainer={
                "Image": XGBOOST,
                "ModelDataUrl": f"s3://{self.bucket}/{name}/model.tar.gz",
                "Environment": {**variables, **environment},
            },
        )

    def archive(self, inference: str = INFERENCE) -> bytes:
        """The model with this inference code."""
        return archive({"model.json": self.model, "code/inference.py": inference.encode()})

    def configure(self, name: str, variants: dict[str, tuple[str, float, int]], **more: Any) -> None:
        """An endpoint configuration: variant -> (model, weight, instances)."""
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": variant,
                    "ModelName": model,
                    "InitialInstanceCount": count,
                    "InstanceType": "ml.m5.large",
                    "InitialVariantWeight": weight,
                }
                for variant, (model, weight, count) in variants.items()
            ],
            **more,
        )

    def wait(self, name: str) -> dict[str, Any]:
        """The description of the endpoint once it is no longer in progress."""

        def done() -> Any:
            answer = self.sagemaker.describe_endpoint(EndpointName=name)
            return answer if answer["EndpointStatus"] not in ("Creating", "Updating") else None

        return self.emulator.wait(done)

    def endpoint(self, name: str) -> dict[str, Any]:
        """Create the endpoint and wait for it."""
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        return self.wait(name)

    def invoke(self, name: str, body: str | bytes, **more: Any) -> Any:
        """InvokeEndpoint with CSV."""
        arguments = {"ContentType": "text/csv", "Accept": "text/csv", **more}
        return self.emulator.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=body, **arguments)

    def metric(self, name: str, endpoint: str, statistic: str, namespace: str = "AWS/SageMaker") -> float:
        """One statistic over the last emulated hour."""
        now = self.emulator.now()
        points = self.emulator.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "all"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=7200,
            Statistics=[statistic],
        )["Datapoints"]
        assert points, f"{name} has no data"
        # The hour may lie in two periods.
        together = sum if statistic == "Sum" else max
        return float(together(point[statistic] for point in points))


@pytest.fixture(scope="module")
def lab(emulator: Any, booster: xgboost.Booster) -> Iterator[Lab]:
    """The lab with one endpoint ``served`` that captures all."""
    lab = Lab(emulator, booster)
    lab.create_model("good", lab.archive(), PORT=emulator.url.rsplit(":", 1)[1])
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{lab.bucket}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    lab.configure("served", {"all": ("good", 1.0, 2)}, DataCaptureConfig=capture)
    assert lab.endpoint("served")["EndpointStatus"] == "InService"
    lab.create_model("echo", lab.archive(ECHO))
    yield lab
    emulator.clear()


def csv(rows: np.ndarray) -> str:
    """Rows as the endpoint wants them."""
    return "\n".join(",".join(str(value) for value in row) for row in rows)


def test_an_endpoint_predicts_what_the_model_predicts(
    lab: Lab, data: tuple[np.ndarray, np.ndarray], booster: xgboost.Booster
) -> None:
    # WHEN three rows are sent
    answer = lab.invoke("served", csv(data[0][:3]))
    # THEN the lab's own code answered with the lab's own model
    got = [float(line) for line in answer["Body"].read().split()]
    assert got == pytest.approx(booster.predict(xgboost.DMatrix(data[0][:3])).tolist(), abs=1e-5)
    assert answer["InvokedProductionVariant"] == "all"
    assert answer["ContentType"] == "text/csv; charset=utf-8"


def test_a_description_has_the_shape_of_the_service(lab: Lab) -> None:
    # WHEN the endpoint is described
    answer = lab.sagemaker.describe_endpoint(EndpointName="served")
    # THEN counts, weights, image and capture are there and nothing is an empty structure
    (variant,) = answer["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"], variant["CurrentWeight"]) == (2, 2, 1.0)
    assert variant["DeployedImages"][0]["SpecifiedImage"] == XGBOOST
    assert "@sha256:" in variant["DeployedImages"][0]["ResolvedImage"]
    assert answer["DataCaptureConfig"]["CaptureStatus"] == "Started"
    assert "FailureReason" not in answer
    model = lab.sagemaker.describe_model(ModelName="good")
    assert model["EnableNetworkIsolation"] is True
    assert "VpcConfig" not in model


@pytest.mark.parametrize(
    ("name", "files", "reason"),
    [
        ("absent", None, "Failed to download model data"),
        ("not-an-archive", b"this is no archive", "valid tar.gz archive"),
        ("no-code", {"model.json": b"{}"}, "there is no inference code"),
        ("raises", {"code/inference.py": b"def model_fn(folder): raise RuntimeError('no weights')"}, "no weights"),
        ("escapes", {"../escaped": b"x"}, "valid tar.gz archive"),
    ],
)
def test_an_endpoint_that_cannot_serve_fails_with_its_reason(lab: Lab, name: str, files: Any, reason: str) -> None:
    # GIVEN model data that cannot be served
    lab.create_model(name, archive(files) if isinstance(files, dict) else files)
    lab.configure(name, {"all": (name, 1.0, 1)})
    # WHEN an endpoint is made of it
    answer = lab.endpoint(name)
    # THEN it fails and says why, and is not there to be invoked
    assert answer["EndpointStatus"] == "Failed"
    assert reason in answer["FailureReason"]
    with pytest.raises(ClientError, match=f"Endpoint {name} of account 123456789012 not found."):
        lab.invoke(name, "1,2")


def test_an_unknown_endpoint_is_a_validation_error(lab: Lab) -> None:
    with pytest.raises(ClientError) as caught:
        lab.invoke("nowhere", "1")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert caught.value.response["Error"]["Message"] == "Endpoint nowhere of account 123456789012 not found."


def test_a_body_above_the_limit_is_refused_before_the_container_sees_it(lab: Lab) -> None:
    with pytest.raises(ClientError) as caught:
        lab.invoke("served", b"1" * 6_291_457)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "6291456" in caught.value.response["Error"]["Message"]


def test_an_exception_in_the_users_code_is_a_model_error_and_its_traceback_is_in_the_log(lab: Lab) -> None:
    # WHEN the user's input_fn raises
    with pytest.raises(ClientError) as caught:
        lab.invoke("served", "1", ContentType="image/png")
    # THEN the caller sees the container's page, and the operator the traceback
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["OriginalStatusCode"]) == ("ModelError", 500)
    assert "Internal Server Error" in answer["OriginalMessage"]
    assert "image/png" not in answer["OriginalMessage"]
    events = lab.emulator.client("logs").filter_log_events(logGroupName="/aws/sagemaker/Endpoints/served")["events"]
    lines = [event["message"] for event in events]
    assert "ValueError: image/png is not for me" in lines
    assert lab.metric("InvocationModelErrors", "served", "Sum") >= 1


def test_network_isolation_lets_the_worker_reach_nothing(lab: Lab) -> None:
    # GIVEN an isolated model and the same model without isolation
    port = lab.emulator.url.rsplit(":", 1)[1]
    lab.create_model("open", lab.archive(), isolated=False, PORT=port)
    lab.configure("open", {"all": ("open", 1.0, 1)})
    lab.endpoint("open")
    # WHEN both try to connect to the emulator
    with pytest.raises(ClientError) as isolated:
        lab.invoke("served", "call home")
    with pytest.raises(ClientError):
        lab.invoke("open", "call home")  # connects, then fails on the text
    for name in ("served", "open"):
        with pytest.raises(ClientError):
            lab.invoke(name, "send a child")
    # THEN only the isolated one was refused by the guard, and so was a program that it starts
    assert isolated.value.response["Error"]["Code"] == "ModelError"
    logs = lab.emulator.client("logs")
    said = {
        name: "\n".join(
            event["message"]
            for event in logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{name}")["events"]
        )
        for name in ("served", "open")
    }
    assert "network isolation is on: socket." in said["served"]
    assert "network isolation" not in said["open"]
    assert "could not convert string" in said["open"]
    assert "child got out" in said["open"]
    assert "child got out" not in said["served"]
    lab.sagemaker.delete_endpoint(EndpointName="open")


def test_a_server_that_dies_is_started_again(lab: Lab, data: tuple[np.ndarray, np.ndarray]) -> None:
    # WHEN the user's code ends the process
    with pytest.raises(ClientError) as caught:
        lab.invoke("served", "die")
    # THEN this request fails as at a gateway and the next one is served
    assert caught.value.response["OriginalStatusCode"] == 502
    assert lab.invoke("served", csv(data[0][:1]))["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_invocations_are_measured_per_emulated_minute(lab: Lab, data: tuple[np.ndarray, np.ndarray]) -> None:
    # GIVEN twenty requests in a fresh hour
    lab.emulator.advance(7200)
    for row in data[0][:20]:
        lab.invoke("served", csv(row[None, :]))
    lab.emulator.advance(60)
    # THEN each was counted, by instance, and timed
    assert lab.metric("Invocations", "served", "Sum") == 20
    assert lab.metric("InvocationsPerInstance", "served", "Sum") == pytest.approx(10)
    assert 100 < lab.metric("ModelLatency", "served", "Average") < 1e6
    assert lab.metric("Invocation5XXErrors", "served", "Sum") == 0
    space = "/aws/sagemaker/Endpoints"
    assert 0 < lab.metric("CPUUtilization", "served", "Maximum", space) < 100
    assert 0.1 < lab.metric("MemoryUtilization", "served", "Average", space) < 20


def test_what_goes_in_and_out_is_captured_as_documented(lab: Lab, data: tuple[np.ndarray, np.ndarray]) -> None:
    # GIVEN one marked request
    row = csv(data[0][:1])
    before = lab.emulator.now()
    answer = lab.invoke("served", row, InferenceId="flight-7", CustomAttributes="tenant=a")["Body"].read().decode()
    after = lab.emulator.now()
    # WHEN time passes
    lab.emulator.advance(60)
    # THEN a file of that hour holds it
    found = lab.s3.list_objects_v2(Bucket=lab.bucket, Prefix="captured/served/all/")["Contents"]
    records = []
    for item in found:
        text = lab.s3.get_object(Bucket=lab.bucket, Key=item["Key"])["Body"].read().decode()
        records += [(item["Key"], json.loads(line)) for line in text.splitlines()]
    (key, record) = next(each for each in records if each[1]["eventMetadata"].get("inferenceId") == "flight-7")
    assert key.endswith(".jsonl")
    assert any(moment.strftime("captured/served/all/%Y/%m/%d/%H/") in key for moment in (before, after))
    assert record["eventVersion"] == "0"
    assert record["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": row,
        "encoding": "CSV",
    }
    assert record["captureData"]["endpointOutput"]["data"] == answer
    assert record["eventMetadata"]["customAttributes"] == ["tenant=a"]
    events = [each["eventMetadata"]["eventId"] for _, each in records]
    assert len(events) == len(set(events))


def test_an_update_serves_on_and_then_answers_with_the_new_model(lab: Lab, data: tuple[np.ndarray, np.ndarray]) -> None:
    # GIVEN an endpoint and a second version of its code
    lab.create_model("one", lab.archive(ECHO))
    lab.create_model("two", lab.archive(ECHO.replace('body, "', "'second ' + body, \"")))
    lab.configure("one", {"all": ("one", 1.0, 1)})
    lab.configure("two", {"all": ("two", 1.0, 4)})
    lab.endpoint("one")
    lab.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="one", DesiredWeightsAndCapacities=[{"VariantName": "all", "DesiredInstanceCount": 3}]
    )
    assert lab.sagemaker.describe_endpoint(EndpointName="one")["EndpointStatus"] == "Updating"
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        lab.sagemaker.update_endpoint(EndpointName="one", EndpointConfigName="two")
    assert lab.wait("one")["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    # WHEN it is updated, keeping its size
    lab.sagemaker.update_endpoint(EndpointName="one", EndpointConfigName="two", RetainAllVariantProperties=True)
    # THEN the old model answers until the new one is up, without an error in between
    said = lab.invoke("one", csv(data[0][:1]))["Body"].read()
    assert not said.startswith(b"second")
    answer = lab.wait("one")
    assert lab.invoke("one", csv(data[0][:1]))["Body"].read().startswith(b"second")
    assert answer["EndpointConfigName"] == "two"
    assert answer["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    # AND an update that cannot come up leaves what serves
    lab.create_model("broken", None)
    lab.configure("broken", {"all": ("broken", 1.0, 1)})
    lab.sagemaker.update_endpoint(EndpointName="one", EndpointConfigName="broken")
    assert "Failed to download" in lab.wait("one")["FailureReason"]
    assert lab.invoke("one", csv(data[0][:1]))["Body"].read().startswith(b"second")
    lab.sagemaker.delete_endpoint(EndpointName="one")


def test_traffic_follows_the_weights_and_a_target_variant_is_honoured(
    lab: Lab, data: tuple[np.ndarray, np.ndarray]
) -> None:
    # GIVEN two variants, one to three
    lab.configure("split", {"a": ("echo", 1.0, 1), "b": ("echo", 3.0, 1)})
    lab.endpoint("split")
    row = csv(data[0][:1])
    # WHEN a hundred requests come
    served = [lab.invoke("split", row)["InvokedProductionVariant"] for _ in range(100)]
    # THEN about three quarters went to b, and who asks for a gets a
    assert 60 < served.count("b") < 90
    assert lab.invoke("split", row, TargetVariant="a")["InvokedProductionVariant"] == "a"
    lab.sagemaker.delete_endpoint(EndpointName="split")


def test_a_deleted_endpoint_leaves_no_process(lab: Lab) -> None:
    # GIVEN an endpoint with its worker
    def workers() -> set[int]:
        return {child for child in children(lab.emulator.pid) if "model_server" in command(child)}

    before = workers()
    lab.configure("short", {"all": ("echo", 1.0, 1)})
    lab.endpoint("short")
    assert len(workers() - before) == 1
    # WHEN it is deleted
    lab.sagemaker.delete_endpoint(EndpointName="short")
    # THEN its process is gone and it is not found
    assert workers() == before
    with pytest.raises(ClientError, match="Could not find endpoint"):
        lab.sagemaker.describe_endpoint(EndpointName="short")


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    found = []
    from pathlib import Path

    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def command(pid: int) -> str:
    """The command line of a process; nothing if it is gone."""
    from pathlib import Path

    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def test_the_container_answers_with_its_own_functions_where_the_user_has_none(
    lab: Lab, data: tuple[np.ndarray, np.ndarray], booster: xgboost.Booster
) -> None:
    # GIVEN inference code with model_fn alone
    only_model = (
        "import xgboost\ndef model_fn(f):\n  b = xgboost.Booster(); b.load_model(f + '/model.json'); return b\n"
    )
    lab.create_model("defaults", lab.archive(only_model))
    lab.configure("defaults", {"all": ("defaults", 1.0, 1)})
    lab.endpoint("defaults")
    # WHEN CSV goes in and nothing is said about the answer
    runtime = lab.emulator.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName="defaults", ContentType="text/csv", Body=csv(data[0][:2]))
    # THEN JSON comes back
    assert answer["ContentType"] == "application/json"
    got = json.loads(answer["Body"].read())
    assert got == pytest.approx(booster.predict(xgboost.DMatrix(data[0][:2])).tolist(), abs=1e-5)
    lab.sagemaker.delete_endpoint(EndpointName="defaults")
