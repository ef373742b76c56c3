"""The same rows always give the same model; the model names its hyperparameters itself.

python train.py ../data/train.csv model/xgboost-model.json
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import xgboost as xgb

LABEL = "late"
ROUNDS = 60
HYPERPARAMETERS = {
    "max_depth": 4,
    "eta": 0.1,
    "min_child_weight": 20.0,
    "subsample": 0.8,
    "colsample_bytree": 0.4,
    "seed": 7,
    "objective": "binary:logistic",
    "tree_method": "hist",
    # One thread: sums of floats then come in one order.
    "nthread": 1,
}


def read(path: Path) -> xgb.DMatrix:
    """The rows of a file whose first column is the label; an empty cell is a missing value."""
    with path.open(newline="") as file:
        header, *lines = csv.reader(file)
    table = np.array([[float(cell) if cell else np.nan for cell in line] for line in lines], dtype=np.float32)
    return xgb.DMatrix(table[:, 1:], label=table[:, 0], feature_names=header[1:], nthread=1)


def train(rows: xgb.DMatrix) -> xgb.Booster:
    """Boost a fixed number of rounds."""
    booster = xgb.train(HYPERPARAMETERS, rows, num_boost_round=ROUNDS)
    booster.set_attr(hyperparameters=json.dumps({**HYPERPARAMETERS, "num_round": ROUNDS}, sort_keys=True))
    return booster


if __name__ == "__main__":
    source, target = (Path(argument) for argument in sys.argv[1:])
    train(read(source)).save_model(target)
