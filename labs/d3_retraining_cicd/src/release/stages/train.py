"""Start the training pipeline once for this run, with the model in production as its rival, and wait for the model.

Tried again, the stage follows the execution that runs or has run; a failed one is followed by a new one.
"""

import os
from pathlib import Path

import boto3
from botocore.exceptions import ClientError
from run import NONE, Run, Training, refuse

HERE = Path(__file__).resolve().parent.parent
PROGRAMS = (*sorted((HERE / "jobs").glob("*.py")), HERE / "serving" / "inference.py")
GOING = ("Executing", "Succeeded")


def champion() -> str | None:
    """Where the model in production lies; None before the first release."""
    sagemaker = boto3.client("sagemaker")
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=os.environ["PRODUCTION_ENDPOINT"])
    except ClientError as error:
        # SageMaker tells an unknown endpoint as a validation error.
        if error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound"):
            return None
        raise
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    return str(model["PrimaryContainer"]["ModelDataUrl"])


def bring_rival(run: Run) -> str:
    """Copy the champion's archive to this run, so that the run's comparison can be made again at any time."""
    found = champion()
    if found is None:
        run.put(f"{run.prefix}/champion/none.json", b"{}")
        return NONE
    key = found.removeprefix(f"s3://{run.models}/")
    run.s3.copy_object(
        Bucket=run.models, Key=f"{run.prefix}/champion/model.tar.gz", CopySource={"Bucket": run.models, "Key": key}
    )
    return found


def hyperparameters() -> dict[str, str]:
    """Pipeline parameters from the run's variable, such as `Rounds=40,MaxDepth=3`; `standard` changes nothing."""
    given = os.environ.get("HYPERPARAMETERS", "standard")
    if given == "standard":
        return {}
    pairs = [pair.partition("=") for pair in given.split(",")]
    wrong = [name for name, _, value in pairs if name not in ("Rounds", "MaxDepth") or not value.isdigit()]
    if wrong:
        refuse(f"HYPERPARAMETERS {given!r}: {', '.join(wrong)}; allowed: Rounds=<number>,MaxDepth=<number>")
    return {name: value for name, _, value in pairs}


def start(run: Run, attempt: int) -> Training:
    rival = bring_rival(run)
    for program in PROGRAMS:
        run.put(f"{run.prefix}/code/{program.name}", program.read_bytes())
    parameters = {
        "RunUri": f"s3://{run.models}/{run.prefix}",
        "DataUri": f"s3://{os.environ['DATA_BUCKET']}/accepted/",
        **hyperparameters(),
    }
    started = boto3.client("sagemaker").start_pipeline_execution(
        PipelineName=os.environ["TRAINING_PIPELINE"],
        PipelineExecutionDisplayName=f"run-{run.id}-{attempt}",
        ClientRequestToken=f"{run.id}-{attempt}",
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
    )
    training = Training(started["PipelineExecutionArn"])
    run.keep("train", {"execution": training.arn, "attempt": attempt, "champion": rival, "parameters": parameters})
    print(f"started {training.arn}; in production: {rival}")
    return training


def main() -> None:
    run = Run()
    if run.releases_a_package:
        print(f"{run.package} is released as it is: nothing to train")
        return
    before = run.note("train")
    training = Training(before["execution"]) if before else None
    if training is None or training.status()[0] not in GOING:
        training = start(run, before["attempt"] + 1 if before else 1)
    steps = training.follow(lambda steps: steps.get("Train", {}).get("StepStatus") == "Succeeded")
    if steps.get("Train", {}).get("StepStatus") != "Succeeded":
        refuse(f"no model was trained: {training.failure()}")
    print("the model is trained")


if __name__ == "__main__":
    main()
