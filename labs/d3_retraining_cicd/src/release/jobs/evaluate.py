"""Compare the new model with the one in production, on the same flights that neither was trained on.

Runs as a SageMaker processing job. Without a model in production the challenger is compared with a coin (AUC 0.5).
Writes evaluation.json: the pipeline's condition reads `comparison.gain.value` and
`binary_classification_metrics.auc.value`, the model registry shows the metrics.
"""

import csv
import json
import os
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import xgboost as xgb

ROOT = Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing"))
MODEL_FILE = "xgboost-model.json"
COIN = 0.5


def holdout() -> tuple[xgb.DMatrix, np.ndarray]:
    """Read the flights to judge by, and which of them were late."""
    with (ROOT / "input" / "holdout" / "holdout.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    table = np.asarray([[float(cell) if cell else np.nan for cell in line] for line in lines], dtype=np.float32)
    return xgb.DMatrix(table[:, 1:], feature_names=header[1:], nthread=1), table[:, 0] == 1


def scores(archive: Path, rows: xgb.DMatrix) -> np.ndarray:
    """Give a packed model's probabilities."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
        tar.extract(MODEL_FILE, folder, filter="data")
        booster = xgb.Booster(model_file=f"{folder}/{MODEL_FILE}")
    return booster.predict(rows)


def auc(late: np.ndarray, given: np.ndarray) -> float:
    """Give the share of pairs of a late and a punctual flight that the scores put in order; a tie counts half."""
    above = given[late][:, None] - given[~late][None, :]
    return float((above > 0).mean() + (above == 0).mean() / 2)


def logloss(late: np.ndarray, given: np.ndarray) -> float:
    sure = np.clip(given, 1e-7, 1 - 1e-7)
    return float(-np.where(late, np.log(sure), np.log(1 - sure)).mean())


def main() -> None:
    rows, late = holdout()
    challenger = scores(ROOT / "input" / "challenger" / "model.tar.gz", rows)
    in_production = ROOT / "input" / "champion" / "model.tar.gz"
    champion = auc(late, scores(in_production, rows)) if in_production.exists() else None
    reached = auc(late, challenger)
    report = {
        "binary_classification_metrics": {
            "auc": {"value": round(reached, 6), "standard_deviation": "NaN"},
            "log_loss": {"value": round(logloss(late, challenger), 6), "standard_deviation": "NaN"},
        },
        "comparison": {
            "flights": {"value": len(late)},
            "late_share": {"value": round(float(late.mean()), 6)},
            "champion_auc": {"value": round(COIN if champion is None else champion, 6)},
            "has_champion": {"value": int(champion is not None)},
            "gain": {"value": round(reached - (COIN if champion is None else champion), 6)},
        },
    }
    folder = ROOT / "output" / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")
    print(json.dumps(report, sort_keys=True))


if __name__ == "__main__":
    main()
