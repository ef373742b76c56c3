"""The same rows and hyperparameters always give the same model, packed with the code that serves it.

Follows the script mode of the SageMaker XGBoost image: channels in SM_CHANNEL_TRAIN and SM_CHANNEL_VALIDATION (CSV, the
first line names the columns, the first column is the label), hyperparameters from the command line, the model to
SM_MODEL_DIR. The container has no network, so this code and `inference.py` come as the channel `code`.
"""

import argparse
import csv
import os
import shutil
from pathlib import Path

import numpy as np
import xgboost as xgb

MODEL_FILE = "xgboost-model.json"
HYPERPARAMETERS = {"num_round": 80, "early_stopping_rounds": 15, "max_depth": 4, "eta": 0.1}
FIXED = {
    "objective": "binary:logistic",
    "eval_metric": ["logloss", "auc"],
    "tree_method": "hist",
    "min_child_weight": 20.0,
    "subsample": 0.8,
    "colsample_bytree": 0.4,
    "seed": 7,
    "nthread": 1,  # sums of floats then come in one order
}


def read(channel: Path) -> xgb.DMatrix:
    """Read every CSV file of a channel; an empty cell is a missing value."""
    header: list[str] = []
    rows: list[list[float]] = []
    for path in sorted(channel.glob("*.csv")):
        with path.open(newline="") as file:
            lines = csv.reader(file)
            header = next(lines)
            rows += [[float(cell) if cell else np.nan for cell in line] for line in lines]
    if not rows:
        raise SystemExit(f"No row in {channel}.")
    table = np.asarray(rows, dtype=np.float32)
    return xgb.DMatrix(table[:, 1:], label=table[:, 0], feature_names=header[1:], nthread=1)


def train(rows: xgb.DMatrix, validation: xgb.DMatrix, chosen: dict[str, float]) -> xgb.Booster:
    """Boost until the validation AUC has not improved for a while; keep the best round's model."""
    own = dict(chosen)
    rounds, patience = int(own.pop("num_round")), int(own.pop("early_stopping_rounds"))
    own["max_depth"] = int(own["max_depth"])
    booster = xgb.train(
        FIXED | own,
        rows,
        num_boost_round=rounds,
        evals=[(rows, "train"), (validation, "validation")],
        early_stopping_rounds=patience,
        verbose_eval=10,
    )
    kept = booster[: booster.best_iteration + 1]
    kept.set_attr(best_iteration=None, best_score=None)
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in HYPERPARAMETERS.items():
        parser.add_argument(f"--{name}", type=float, default=default)
    chosen = vars(parser.parse_known_args()[0])
    booster = train(read(Path(os.environ["SM_CHANNEL_TRAIN"])), read(Path(os.environ["SM_CHANNEL_VALIDATION"])), chosen)
    model = Path(os.environ["SM_MODEL_DIR"])
    (model / "code").mkdir(parents=True, exist_ok=True)
    booster.save_model(model / MODEL_FILE)
    shutil.copy(Path(__file__).with_name("inference.py"), model / "code" / "inference.py")
    print(f"kept {booster.num_boosted_rounds()} rounds")


if __name__ == "__main__":
    main()
