"""The same SDK always gives the same definition of the SageMaker pipeline, without an account and without a network.

    uv run --no-project --with-requirements requirements/sagemaker.txt generate.py

Writes pipeline.json beside this file. What only the deployed stack knows is a placeholder such as {{jobs-role}}; the
stack fills it in. With --check nothing is written and a difference is an error.
"""

import argparse
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REGION, ACCOUNT = "us-east-1", "000000000000"
FILE = Path(__file__).with_name("pipeline.json")
IMAGE = "{{xgboost-image}}"
GROUP = "{{model-package-group}}"
# The SDK looks a role up unless its name is a whole ARN; these stand for the placeholders while it works.
STAND_INS = {
    f"arn:aws:iam::{ACCOUNT}:role/jobs": "{{jobs-role}}",
    f"arn:aws:kms:{REGION}:{ACCOUNT}:key/lab": "{{key}}",
    "subnet-00000000": "{{subnets}}",
    "sg-00000000": "{{security-group}}",
    f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/sagemaker-xgboost:3.2-0": IMAGE,
    "lab-models": GROUP,
    REGION: "{{region}}",
}
ROLE, KEY, SUBNET, SECURITY_GROUP, XGBOOST, PACKAGES, _ = STAND_INS
# What the image needs to serve code from the artefact without a network; the deployed stacks set the same.
SERVING = {
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    "PIP_NO_BUILD_ISOLATION": "false",
    "PIP_NO_INDEX": "true",
}
INSIDE = "/opt/ml/processing"


def offline() -> None:
    """Let the SDK start without region, credentials, role checks and telemetry."""
    config = Path(tempfile.mkdtemp()) / "config.yaml"
    config.write_text(
        "SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n      TelemetryOptOut: true\n", encoding="utf-8"
    )
    os.environ.update(
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="none",
        AWS_SECRET_ACCESS_KEY="none",  # noqa: S106 - there is none
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        SAGEMAKER_VALIDATE_ROLE="false",
        SAGEMAKER_USER_CONFIG_OVERRIDE=str(config),
    )


def session() -> Any:
    """A pipeline session that fails loudly if the SDK depends on AWS."""
    import boto3
    from sagemaker.core.workflow.pipeline_context import PipelineSession

    own = boto3.Session(region_name=REGION)
    own.events.register("before-send", answer)
    return PipelineSession(boto_session=own, default_bucket="unused")


class Body(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self.getvalue()


def answer(request: Any, **_: Any) -> Any:
    """Answer the one question the SDK asks, whether the session's bucket exists; refuse any other."""
    from botocore.awsrequest import AWSResponse

    if request.method != "GET" or urlsplit(request.url).path != "/":
        raise RuntimeError(f"The definition must not depend on AWS; the SDK called {request.method} {request.url}")
    body = Body(
        b"<ListAllMyBucketsResult><Buckets><Bucket><Name>unused</Name>"
        b"<CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>"
    )
    return AWSResponse(request.url, 200, {"Content-Length": str(len(body.getvalue()))}, body)


def build(pipeline_session: Any) -> dict[str, Any]:
    """Prepare, train, evaluate against the champion; register a better model, refuse any other."""
    from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
    from sagemaker.core.network import NetworkConfig
    from sagemaker.core.processing import Processor
    from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
    from sagemaker.core.training.configs import Compute, InputData, Networking, OutputDataConfig, StoppingCondition
    from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
    from sagemaker.core.workflow.functions import Join, JsonGet
    from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
    from sagemaker.core.workflow.properties import PropertyFile
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.model_step import ModelStep
    from sagemaker.mlops.workflow.pipeline import Pipeline
    from sagemaker.mlops.workflow.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
        StepExceptionTypeEnum,
        StepRetryPolicy,
    )
    from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
    from sagemaker.serve.model_builder import ModelBuilder
    from sagemaker.train.model_trainer import ModelTrainer

    run = ParameterString("RunUri", default_value="s3://unset/runs/unset")
    data = ParameterString("DataUri", default_value="s3://unset/accepted/")
    rounds = ParameterString("Rounds", default_value="80")
    depth = ParameterString("MaxDepth", default_value="4")
    least_auc = ParameterFloat("LeastAuc", default_value=0.6)
    least_gain = ParameterFloat("LeastGain", default_value=0.001)
    processing_type = ParameterString("ProcessingInstanceType", default_value="ml.t3.large")
    training_type = ParameterString("TrainingInstanceType", default_value="ml.m5.large")
    again = [
        StepRetryPolicy(
            exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
            interval_seconds=10,
            backoff_rate=2.0,
            max_attempts=3,
        ),
        SageMakerJobStepRetryPolicy(
            exception_types=[SageMakerJobExceptionTypeEnum.CAPACITY_ERROR],
            interval_seconds=60,
            backoff_rate=2.0,
            max_attempts=3,
        ),
    ]

    def below(*parts: Any) -> Any:
        return Join(on="/", values=[run, *parts])

    def job(program: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> Any:
        processor = Processor(
            image_uri=XGBOOST,
            role=ROLE,
            entrypoint=["python3", f"{INSIDE}/input/code/{program}"],
            instance_count=1,
            instance_type=processing_type,
            volume_size_in_gb=10,
            volume_kms_key=KEY,
            output_kms_key=KEY,
            max_runtime_in_seconds=1800,
            network_config=NetworkConfig(
                enable_network_isolation=True,
                encrypt_inter_container_traffic=True,
                subnets=[SUBNET],
                security_group_ids=[SECURITY_GROUP],
            ),
            sagemaker_session=pipeline_session,
        )
        return processor.run(
            inputs=[
                ProcessingInput(
                    input_name=name,
                    s3_input=ProcessingS3Input(
                        s3_uri=uri,
                        local_path=f"{INSIDE}/input/{name}",
                        s3_data_type="S3Prefix",
                        s3_input_mode="File",
                        s3_data_distribution_type="FullyReplicated",
                    ),
                )
                for name, uri in {"code": below("code"), **inputs}.items()
            ],
            outputs=[
                ProcessingOutput(
                    output_name=name,
                    s3_output=ProcessingS3Output(
                        s3_uri=uri, local_path=f"{INSIDE}/output/{name}", s3_upload_mode="EndOfJob"
                    ),
                )
                for name, uri in outputs.items()
            ],
        )

    def output(step: Any, name: str) -> Any:
        return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri

    prepare = ProcessingStep(
        "Prepare",
        step_args=job(
            "prepare.py", {"data": data}, {name: below("split", name) for name in ("train", "validation", "holdout")}
        ),
        retry_policies=again,
    )
    trainer = ModelTrainer(
        training_image=XGBOOST,
        role=ROLE,
        base_job_name="flights",
        sagemaker_session=pipeline_session,
        compute=Compute(instance_type=training_type, instance_count=1, volume_size_in_gb=10, volume_kms_key_id=KEY),
        networking=Networking(
            subnets=[SUBNET],
            security_group_ids=[SECURITY_GROUP],
            enable_network_isolation=True,
            enable_inter_container_traffic_encryption=True,
        ),
        output_data_config=OutputDataConfig(s3_output_path=below("model"), kms_key_id=KEY),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=1800),
        # Without a network the image must neither fetch the program nor the tools to install it with.
        environment={"PIP_NO_BUILD_ISOLATION": "false", "PIP_NO_INDEX": "true"},
        hyperparameters={
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "/opt/ml/input/data/code",
            "num_round": rounds,
            "max_depth": depth,
        },
    )
    train = TrainingStep(
        "Train",
        step_args=trainer.train(
            input_data_config=[
                InputData(channel_name="train", data_source=output(prepare, "train"), content_type="text/csv"),
                InputData(
                    channel_name="validation", data_source=output(prepare, "validation"), content_type="text/csv"
                ),
                InputData(channel_name="code", data_source=below("code")),
            ]
        ),
        retry_policies=again,
    )
    report = PropertyFile(name="Report", output_name="evaluation", path="evaluation.json")
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=job(
            "evaluate.py",
            {
                "holdout": output(prepare, "holdout"),
                "challenger": train.properties.ModelArtifacts.S3ModelArtifacts,
                "champion": below("champion"),
            },
            {"evaluation": below("evaluation")},
        ),
        property_files=[report],
        retry_policies=again,
    )
    builder = ModelBuilder(
        s3_model_data_url=train.properties.ModelArtifacts.S3ModelArtifacts,
        image_uri=XGBOOST,
        role_arn=ROLE,
        env_vars=dict(SERVING),
        sagemaker_session=pipeline_session,
    )
    register = ModelStep(
        "Register",
        step_args=builder.register(
            model_package_group_name=PACKAGES,
            content_types=["text/csv", "application/json"],
            response_types=["text/csv", "application/json"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            approval_status="PendingManualApproval",
            model_metrics=ModelMetrics(
                model_statistics=MetricsSource(
                    content_type="application/json", s3_uri=below("evaluation", "evaluation.json")
                )
            ),
        ),
    )
    gain = JsonGet(step_name=evaluate.name, property_file=report, json_path="comparison.gain.value")
    reached = JsonGet(
        step_name=evaluate.name, property_file=report, json_path="binary_classification_metrics.auc.value"
    )
    refused = FailStep(
        "Refuse",
        error_message=Join(
            on=" ", values=["Refused: AUC", reached, "must be at least", least_auc, "and its gain", gain, "at least",
                            least_gain]
        ),
    )  # fmt: skip
    better = ConditionStep(
        "IsBetter",
        conditions=[
            ConditionGreaterThanOrEqualTo(left=gain, right=least_gain),
            ConditionGreaterThanOrEqualTo(left=reached, right=least_auc),
        ],
        if_steps=[register],
        else_steps=[refused],
    )
    pipeline = Pipeline(
        "unused",
        pipeline_experiment_config=None,
        parameters=[run, data, rounds, depth, least_auc, least_gain, processing_type, training_type],
        steps=[prepare, train, evaluate, better],
        sagemaker_session=pipeline_session,
    )
    definition: dict[str, Any] = json.loads(pipeline.definition())
    return definition


def clean(value: Any) -> Any:
    """Drop what is null or empty, and put placeholders where stand-ins are."""
    if isinstance(value, dict):
        return {key: clean(entry) for key, entry in value.items() if entry is not None and entry != {}}
    if isinstance(value, list):
        return [clean(entry) for entry in value]
    return STAND_INS.get(value, value) if isinstance(value, str) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with pipeline.json instead of writing it")
    given = parser.parse_args()
    offline()
    text = json.dumps(clean(build(session())), indent=1, sort_keys=True) + "\n"
    if not given.check:
        FILE.write_text(text, encoding="utf-8")
    elif FILE.read_text(encoding="utf-8") != text:
        sys.exit(f"{FILE.name} differs from what the SDK gives now: run {Path(__file__).name} and read the difference")


if __name__ == "__main__":
    main()
