"""Update to version 2 without downtime

Put the second version of the model behind the same endpoint while requests keep coming, and count how many fail: none.
SageMaker brings up a new fleet beside the old one and switches when it is healthy. Compare the predictions of both
versions, then go back to the stack's own configuration, so that CloudFormation finds what it deployed.
"""

import csv
import json

import numpy as np

from labkit.session import Session, StepFailed


class Traffic:
    """Requests that keep coming while the endpoint changes, few enough to leave scaling alone.

    Args:
        session: the deployed lab.
        rows: what is asked.
    """

    def __init__(self, session: Session, rows: list[list[float | None]]) -> None:
        self._session, self._rows = session, rows
        self.counted = {"sent": 0, "failed": 0, "while_updating": 0}

    def state(self) -> tuple[str, str]:
        """Give the endpoint's status and configuration."""
        found = self._endpoint()
        return found["EndpointStatus"], found["EndpointConfigName"]

    def switched(self, config: str) -> bool:
        """Send some requests, then look whether the endpoint is in service on a configuration."""
        updating = self.state()[0] == "Updating"
        answer = ask(self._session, {"rows": self._rows[:5], "times": 20})
        self.counted["sent"] += answer["sent"]
        self.counted["failed"] += answer["failed"]
        self.counted["while_updating"] += answer["sent"] if updating else 0
        found = self._endpoint()
        if found["EndpointStatus"] != "Updating" and found["EndpointConfigName"] != config:
            reason = found.get("FailureReason", "no reason given")
            raise StepFailed(f"The update to {config} failed, {found['EndpointConfigName']} serves on: {reason}")
        return found["EndpointStatus"] == "InService"

    def serve(self, config: str) -> None:
        """Bring a configuration into service."""
        self._session.wait("the endpoint settles", lambda: self.state()[0] == "InService", timeout=1800)
        if self.state()[1] != config:
            # Scaling may have changed the instance count: keep it, whatever the new configuration says.
            self._session.client("sagemaker").update_endpoint(
                EndpointName=self._session.outputs["EndpointName"],
                EndpointConfigName=config,
                RetainAllVariantProperties=True,
            )
        self._session.wait(f"{config} comes into service", lambda: self.switched(config), timeout=2400)

    def _endpoint(self) -> dict[str, str]:
        name = self._session.outputs["EndpointName"]
        return self._session.client("sagemaker").describe_endpoint(EndpointName=name)

    def predict(self) -> np.ndarray:
        """Ask for all rows."""
        answer = ask(self._session, {"rows": self._rows})
        if answer["status"] != 200:
            raise StepFailed(f"The endpoint answered {answer['status']}: {answer['error']}")
        return np.array(answer["predictions"])


def run(session: Session) -> None:
    own, second = session.outputs["EndpointConfigName"], f"{session.outputs['EndpointName']}-v2"
    rows, late = holdout(session)
    Traffic(session, rows).serve(own)  # an earlier run may have been interrupted
    remove(session, second)
    traffic = Traffic(session, rows)
    first_answers = traffic.predict()
    try:
        create(session, second)
        traffic.serve(second)
        second_answers = traffic.predict()
    finally:
        traffic.serve(own)
        remove(session, second)
    ranked = [auc(late, answers) for answers in (first_answers, second_answers)]
    session.table(
        f"Two versions, the same {len(rows)} flights",
        [
            {"version": 1, "AUC": f"{ranked[0]:.3f}", "mean probability": f"{first_answers.mean():.3f}"},
            {"version": 2, "AUC": f"{ranked[1]:.3f}", "mean probability": f"{second_answers.mean():.3f}"},
        ],
    )
    counted, difference = traffic.counted, float(np.abs(first_answers - second_answers).mean())
    session.say(
        f"Mean difference {difference:.3f}. {counted['failed']} of {counted['sent']} requests failed meanwhile."
    )
    session.remember("update", {**counted, "mean_difference": difference, "auc": ranked})
    if counted["failed"]:
        raise StepFailed(f"{counted['failed']} of {counted['sent']} requests failed during the update.")


def create(session: Session, name: str) -> None:
    """Make the second model and an endpoint configuration that differs from the stack's in the model alone."""
    sagemaker, outputs = session.client("sagemaker"), session.outputs
    tags = [{"Key": "lab", "Value": session.lab.name.replace("_", "-")}]
    model = sagemaker.describe_model(ModelName=outputs["ModelName"])
    session.created("AWS::SageMaker::Model", name)
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=outputs["ModelRoleArn"],
        PrimaryContainer={
            "Image": outputs["ImageUri"],
            "ModelDataUrl": outputs["ModelArtifactV2Uri"],
            "Environment": model["PrimaryContainer"]["Environment"],
        },
        VpcConfig=model["VpcConfig"],
        EnableNetworkIsolation=True,
        Tags=tags,
    )
    config = sagemaker.describe_endpoint_config(EndpointConfigName=outputs["EndpointConfigName"])
    kept = {part: config[part] for part in ("DataCaptureConfig", "KmsKeyId") if config.get(part)}
    # The variant keeps its name: scaling is bound to it.
    variants = [{**variant, "ModelName": name} for variant in config["ProductionVariants"]]
    session.created("AWS::SageMaker::EndpointConfig", name)
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, Tags=tags, **kept)


def remove(session: Session, name: str) -> None:
    """Remove the second configuration and model, as far as they exist."""
    sagemaker = session.client("sagemaker")
    found = sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"]
    if name in [config["EndpointConfigName"] for config in found]:
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    session.removed("AWS::SageMaker::EndpointConfig", name)
    if name in [model["ModelName"] for model in sagemaker.list_models(NameContains=name)["Models"]]:
        sagemaker.delete_model(ModelName=name)
    session.removed("AWS::SageMaker::Model", name)


def ask(session: Session, event: dict[str, object]) -> dict[str, object]:
    called = session.client("lambda").invoke(
        FunctionName=session.outputs["CallerFunctionName"], Payload=json.dumps(event).encode()
    )
    answer = json.loads(called["Payload"].read())
    if "FunctionError" in called:
        raise StepFailed(f"The caller failed: {answer.get('errorMessage', answer)}")
    return answer


def holdout(session: Session) -> tuple[list[list[float | None]], np.ndarray]:
    with (session.data / "holdout.csv").open(newline="") as file:
        table = list(csv.reader(file))[1:]
    rows = [[float(cell) if cell else None for cell in row[1:]] for row in table]
    return rows, np.array([row[0] == "1" for row in table])


def auc(late: np.ndarray, scores: np.ndarray) -> float:
    """Give the share of pairs of a late and a punctual flight that the scores put in order; a tie counts half."""
    above = scores[late][:, None] - scores[~late][None, :]
    return float((above > 0).mean() + (above == 0).mean() / 2)
