r"""The same rows and hyperparameters always give the same model; the model says itself how it was trained.

Follows the script mode of the SageMaker XGBoost image: channels in SM_CHANNEL_TRAIN and SM_CHANNEL_VALIDATION (folders
of CSV files, first line names the columns, first column is the label), the model to SM_MODEL_DIR, metrics.json to
SM_OUTPUT_DATA_DIR, hyperparameters from the command line (or SM_HPS). The same program runs on a laptop; this made the
two models of the lab:

    python train.py --train ../data/train.csv --validation ../data/validation.csv --model-dir model_v1 \
        --max_depth 2 --eta 0.2 --num_round 20
    python train.py --train ../data/train.csv --validation ../data/validation.csv --model-dir model_v2
"""

import argparse
import csv
import json
import os
from pathlib import Path

import numpy as np
import xgboost as xgb

LABEL = "late"
MODEL_FILE = "xgboost-model.json"
HYPERPARAMETERS = {
    "num_round": 100,
    "early_stopping_rounds": 20,
    "max_depth": 4,
    "eta": 0.1,
    "min_child_weight": 20.0,
    "subsample": 0.8,
    "colsample_bytree": 0.4,
    "seed": 7,
}


def read(channel: Path) -> xgb.DMatrix:
    """Read every CSV file of a channel, in order of name; an empty cell is a missing value."""
    files = sorted(channel.glob("*.csv")) if channel.is_dir() else [channel]
    if not files:
        raise SystemExit(f"No CSV file in {channel}. A channel is a folder with at least one file named *.csv.")
    header: list[str] = []
    rows: list[list[float]] = []
    for path in files:
        with path.open(newline="") as file:
            lines = csv.reader(file)
            columns = next(lines, [])
            if columns[:1] != [LABEL]:
                raise SystemExit(f"{path}: the first column must be {LABEL!r}; the header is {','.join(columns)!r}.")
            if header and columns != header:
                raise SystemExit(f"{path}: its columns differ from those of {files[0].name}.")
            header = columns
            rows += [[float(cell) if cell else np.nan for cell in line] for line in lines]
    table = np.asarray(rows, dtype=np.float32)
    return xgb.DMatrix(table[:, 1:], label=table[:, 0], feature_names=header[1:], nthread=1)


def train(rows: xgb.DMatrix, validation: xgb.DMatrix, hyperparameters: dict[str, float]) -> xgb.Booster:
    """Boost until the validation AUC has not improved for `early_stopping_rounds`; keep the best round's model.

    One thread and a fixed seed: sums of floats then come in one order, so the trees are the same on every run.
    """
    own = dict(hyperparameters)
    rounds, patience = int(own.pop("num_round")), int(own.pop("early_stopping_rounds"))
    history: dict[str, dict[str, list[float]]] = {}
    booster = xgb.train(
        own | {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "tree_method": "hist", "nthread": 1},
        rows,
        num_boost_round=rounds,
        evals=[(rows, "train"), (validation, "validation")],
        early_stopping_rounds=patience,
        evals_result=history,
        verbose_eval=10,  # lines like `[10] train-auc:0.71 validation-auc:0.70`, what a metric definition matches
    )
    best = booster.best_iteration
    metrics = {f"{part}:{name}": round(values[best], 6) for part, of in history.items() for name, values in of.items()}
    kept = booster[: best + 1]
    kept.set_attr(
        best_iteration=None,
        best_score=None,
        hyperparameters=json.dumps(hyperparameters, sort_keys=True),
        metrics=json.dumps(metrics, sort_keys=True),
    )
    return kept


def options() -> argparse.Namespace:
    """Take each value from the command line, else from the variable that SageMaker sets, else the default."""
    environment = os.environ
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in HYPERPARAMETERS.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.set_defaults(**json.loads(environment.get("SM_HPS", "{}")))
    for name, variable in (("train", "SM_CHANNEL_TRAIN"), ("validation", "SM_CHANNEL_VALIDATION")):
        parser.add_argument(
            f"--{name}", type=Path, default=environment.get(variable), required=variable not in environment
        )
    parser.add_argument("--model-dir", type=Path, default=environment.get("SM_MODEL_DIR", "model"))
    parser.add_argument("--output-data-dir", type=Path, default=environment.get("SM_OUTPUT_DATA_DIR", "output"))
    return parser.parse_args()


def main() -> None:
    given = options()
    hyperparameters = {name: getattr(given, name) for name in HYPERPARAMETERS}
    booster = train(read(given.train), read(given.validation), hyperparameters)
    for folder in (given.model_dir, given.output_data_dir):
        folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(given.model_dir / MODEL_FILE)
    metrics = json.loads(booster.attr("metrics") or "{}")
    (given.output_data_dir / "metrics.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n")
    measured = "".join(f" {name}={value};" for name, value in sorted(metrics.items()))
    print(f"kept {booster.num_boosted_rounds()} rounds;{measured}")


if __name__ == "__main__":
    main()
