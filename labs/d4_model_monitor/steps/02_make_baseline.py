"""Make the baseline

Upload flights of the winter that the model has not seen, and have a job write what is normal: statistics of every
column, of the predictions and their quality, of bias and attributions, and the constraints that follow from them. Read
constraints.json before you go on: a monitor is as good as its baseline.
"""

import json
import runpy
from pathlib import Path

from labkit.session import Session

_SHARED = runpy.run_path(str(Path(__file__).with_name("watching.py")))


def run(session: Session) -> None:
    s3, outputs = session.client("s3"), session.outputs
    bucket = outputs["BaselinesBucketName"]
    s3.put_object(Bucket=bucket, Key="dataset/baseline.csv", Body=(session.data / "baseline.csv").read_bytes())
    if outputs["MonitorPathName"] == "sagemaker":
        for name, text in clarify(session).items():
            s3.put_object(Bucket=bucket, Key=f"clarify/{name}", Body=json.dumps(text).encode())
    job = _SHARED["launch"](session, {"mode": "baseline"})
    documents = {}
    for name in ("statistics.json", "constraints.json"):
        body = s3.get_object(Bucket=bucket, Key=f"current/{name}")["Body"].read()
        (session.folder / name).write_bytes(body)
        documents[name] = json.loads(body)
    constraints = documents["constraints.json"]
    session.table(
        "What is normal",
        [
            {"column": entry["name"], "type": entry["inferred_type"], "present": f"{entry['completeness']:.1%}"}
            for entry in constraints["features"]
        ],
    )
    quality = documents["statistics.json"]["binary_classification_metrics"]
    session.table(
        "How good the model is on days it has not seen",
        [
            {"metric": name, "value": f"{quality[name]['value']:.3f}", "limit": f"{limit['threshold']:.3f}"}
            for name, limit in constraints["binary_classification_constraints"].items()
        ],
    )
    session.remember("baseline", {"job": job, "columns": [entry["name"] for entry in constraints["features"]]})


def clarify(session: Session) -> dict[str, dict[str, object]]:
    """What Clarify's monitors ask for: it names the model, which only a deployed stack knows."""
    config = json.loads((session.src / "monitor.json").read_text())
    split = max(config["facet"]["favoured"])
    common = {"version": "1.0", "headers": [*config["features"]], "label_headers": [config["label"]]}
    return {
        "bias.json": {
            **common,
            "headers": [config["label"], *config["features"]],
            "label": config["label"],
            "label_values_or_threshold": [0],
            "facet": [{"name_or_index": config["facet"]["column"], "value_or_threshold": [split]}],
            "methods": {
                "pre_training_bias": {"methods": ["CI", "DPL"]},
                "post_training_bias": {"methods": ["AD", "DPPL", "DI"]},
            },
        },
        "attribution.json": {
            **common,
            "methods": {"shap": {"num_samples": 64, "agg_method": "mean_abs"}},
            "predictor": {
                "model_name": session.outputs["ModelName"],
                "instance_type": "ml.m5.large",
                "initial_instance_count": 1,
                "accept_type": "text/csv",
                "content_type": "text/csv",
            },
        },
    }
