"""The registered package decides what is deployed: this stage writes the parameters of both environments from it."""

import json
import os
from pathlib import Path
from typing import Any

import boto3
from run import Run, Training, refuse


def package_of(run: Run) -> str:
    """The package that this run releases: the one it trained, or the approved one that started it."""
    if run.releases_a_package:
        return run.package
    noted = run.note("train")
    if noted is None:
        refuse("this run has trained nothing: retry the stage Train")
    training = Training(noted["execution"])
    steps = training.follow(lambda steps: False)
    arns = [step["Metadata"]["RegisterModel"]["Arn"] for step in steps.values() if "RegisterModel" in step["Metadata"]]
    if training.status()[0] != "Succeeded" or not arns:
        refuse(f"no package was registered: {training.failure()}")
    return str(arns[0])


def configuration(package: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """Parameters and tags of one environment's stack."""
    container = package["InferenceSpecification"]["Containers"][0]
    return {
        "Parameters": {
            **environment,
            "Image": container["Image"],
            "ModelData": container["ModelDataUrl"],
            "ModelPackage": package["ModelPackageArn"],
        },
        "Tags": {"lab": os.environ["LAB"], "environment": environment["Environment"]},
    }


def main() -> None:
    run = Run()
    arn = package_of(run)
    package = boto3.client("sagemaker").describe_model_package(ModelPackageName=arn)
    if package["ModelApprovalStatus"] == "Rejected":
        refuse(f"{arn} was rejected in the registry")
    container = package["InferenceSpecification"]["Containers"][0]
    if not container["ModelDataUrl"].startswith(f"s3://{run.models}/"):
        refuse(f"{arn} lies at {container['ModelDataUrl']}; only models below s3://{run.models}/ are released")
    folder = Path("configurations")
    folder.mkdir(exist_ok=True)
    for environment in json.loads(os.environ["ENVIRONMENTS"]):
        text = json.dumps(configuration(package, environment), indent=1, sort_keys=True)
        (folder / f"{environment['Environment']}.json").write_text(text)
    run.keep("register", {"package": arn, "model": container["ModelDataUrl"]})
    print(f"{arn}: {package['ModelApprovalStatus']}")


if __name__ == "__main__":
    main()
