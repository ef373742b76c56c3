r"""The same rows and hyperparameters always give the same model, also when the training was interrupted and resumed.

Script mode of the SageMaker XGBoost image: channels in SM_CHANNEL_TRAIN, SM_CHANNEL_VALIDATION and, if there is one,
SM_CHANNEL_HOLDOUT (folders of CSV files, first line names the columns, first column is the label); the model to
SM_MODEL_DIR, history.json and evaluation.json to SM_OUTPUT_DATA_DIR, checkpoints to /opt/ml/checkpoints.
It runs on a laptop too:

    python train.py --train ../../data/train.csv --validation ../../data/validation.csv --holdout ../../data/holdout.csv \
        --model-dir model --output-data-dir output --checkpoint-dir checkpoints
"""

import argparse
import csv
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import xgboost as xgb

LABEL = "late"
MODEL_FILE = "xgboost-model.json"
SERVING = Path(__file__).with_name("serving")  # code that serves the model; packed beside this file by the stack
CHECKPOINT_FILE = "checkpoint.json"
CHECKPOINT_EVERY = 5  # rounds
HYPERPARAMETERS = {
    "num_round": 150,
    "early_stopping_rounds": 20,  # 0: never stop early, keep the last round
    "max_depth": 4,
    "eta": 0.1,
    "lambda": 5.0,
    "alpha": 0.0,
    "gamma": 0.0,
    "min_child_weight": 20.0,
    "subsample": 0.8,
    "colsample_bytree": 0.4,
    "seed": 7,
}
FIXED = {
    "objective": "binary:logistic",
    "eval_metric": ["logloss", "auc"],
    "tree_method": "hist",
    # Sums of floats come in one order, so that the trees are the same on every run.
    "nthread": 1,
    # Randomness depends on the seed and the round alone, not on how many rounds this process has seen.
    "seed_per_iteration": True,
}


class Channel:
    """The rows of a channel: every CSV file in order of name; an empty cell is a missing value."""

    def __init__(self, place: Path) -> None:
        files = sorted(place.glob("*.csv")) if place.is_dir() else [place]
        if not files:
            raise SystemExit(f"No CSV file in {place}. A channel is a folder with at least one file named *.csv.")
        header: list[str] = []
        rows: list[list[float]] = []
        digest = hashlib.sha256()
        for path in files:
            digest.update(path.read_bytes())
            with path.open(newline="") as file:
                lines = csv.reader(file)
                columns = next(lines, [])
                if columns[:1] != [LABEL]:
                    raise SystemExit(
                        f"{path.name}: the first column must be {LABEL!r}; the header is {','.join(columns)[:80]!r}."
                    )
                if header and columns != header:
                    raise SystemExit(f"{path.name}: its columns differ from those of {files[0].name}.")
                header = columns
                for number, line in enumerate(lines, start=2):
                    rows.append(numbers(line, header, f"{path.name}, line {number}"))
        if not rows:
            raise SystemExit(f"{place}: a header and no rows.")
        table = np.asarray(rows, dtype=np.float32)
        self.digest = digest.hexdigest()
        self.labels = table[:, 0]
        self.matrix = xgb.DMatrix(table[:, 1:], label=self.labels, feature_names=header[1:], nthread=1)


def numbers(line: list[str], header: list[str], where: str) -> list[float]:
    """One row as numbers; what cannot be one is told with its place."""
    if len(line) != len(header):
        raise SystemExit(f"{where}: {len(line)} values; the header has {len(header)} columns.")
    values = []
    for name, cell in zip(header, line, strict=True):
        try:
            values.append(float(cell) if cell else np.nan)
        except ValueError:
            raise SystemExit(f"{where}: column {name} holds {cell!r}; a number or nothing is allowed.") from None
    if values[0] not in (0.0, 1.0):
        raise SystemExit(f"{where}: the label {LABEL} is {line[0]!r}; 0 and 1 are allowed.")
    return values


class Interruption:
    """Notes that the job was asked to end (SIGTERM), which is then done between two rounds."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, number: int, frame: object) -> None:
        self.asked = True


class Training:
    """Boosts round by round and can go on from what another process left.

    Args:
        train: rows to learn from.
        validation: rows that say when to stop.
        hyperparameters: all of :data:`HYPERPARAMETERS`.
        checkpoints: folder for the state between two rounds; None keeps none.
    """

    def __init__(
        self, train: Channel, validation: Channel, hyperparameters: dict[str, float], checkpoints: Path | None
    ) -> None:
        self.train, self.validation = train, validation
        self.hyperparameters = hyperparameters
        self.file = checkpoints / CHECKPOINT_FILE if checkpoints else None
        own = {name: value for name, value in hyperparameters.items() if name != "num_round"}
        self.patience = int(own.pop("early_stopping_rounds"))
        self.rounds = int(hyperparameters["num_round"])
        self._parameters = {**FIXED, **own}
        self.booster = xgb.Booster(self._parameters, [train.matrix, validation.matrix])
        # What a state must agree with before anything is built on it.
        self.identity = json.dumps([hyperparameters, train.digest, validation.digest], sort_keys=True)
        self.history: list[dict[str, float]] = []

    def resume(self) -> int:
        """Take up the state of an earlier process, if there is one; returns the rounds it had done."""
        if self.file is None or not self.file.exists():
            return 0
        try:
            kept = self._anew(self.file.read_bytes())
            identity, history = kept.attr("identity"), json.loads(kept.attr("history") or "")
        except (xgb.core.XGBoostError, ValueError) as error:
            raise SystemExit(
                f"{self.file.name} cannot be read ({str(error).splitlines()[0]}). Remove it or use another folder."
            ) from None
        if identity != self.identity:
            raise SystemExit(
                f"{self.file.name} belongs to a training with other hyperparameters or other rows. Resume with the same "
                "ones, or use another folder for checkpoints."
            )
        kept.set_attr(identity=None, history=None)
        self.booster, self.history = kept, history
        return len(self.history)

    def _anew(self, saved: bytes) -> xgb.Booster:
        booster = xgb.Booster(self._parameters, [self.train.matrix, self.validation.matrix])
        booster.load_model(bytearray(saved))
        return booster

    def step(self) -> None:
        """One round, its metrics, and a checkpoint after every few."""
        number = len(self.history)
        self.booster.update(self.train.matrix, number)
        told = self.booster.eval_set(
            [(self.train.matrix, "train"), (self.validation.matrix, "validation")], iteration=number
        )
        measured = {name: float(value) for name, _, value in (part.partition(":") for part in told.split()[1:])}
        self.history.append(measured)
        # What the job's metric definitions match.
        print(f"[{number}] " + " ".join(f"{name}:{value:.6f}" for name, value in measured.items()), flush=True)
        if len(self.history) % CHECKPOINT_EVERY == 0:
            self._keep()

    def _keep(self) -> None:
        """Write the state, and go on with what a resumed process would go on with: the saved trees and nothing else.

        A booster that lives on also carries the state of its random generators, which no file holds; with it an
        interrupted training would end at another model.
        """
        self.booster.set_attr(identity=self.identity, history=json.dumps(self.history))
        state = bytes(self.booster.save_raw("json"))
        if self.file is not None:
            draft = self.file.with_suffix(".draft")
            draft.write_bytes(state)
            # Whoever copies the folder sees the old state or the new one, never half of one.
            draft.replace(self.file)
        self.booster = self._anew(state)
        self.booster.set_attr(identity=None, history=None)

    @property
    def best(self) -> int:
        """The round with the best validation AUC so far; without early stopping the last one."""
        if not self.patience:
            return len(self.history) - 1
        scores = [one["validation-auc"] for one in self.history]
        return scores.index(max(scores))

    @property
    def done(self) -> bool:
        """Whether all rounds are done, or none of the last ones was better."""
        begun = len(self.history)
        return begun >= self.rounds or bool(self.patience and begun and begun - 1 - self.best >= self.patience)

    def result(self) -> xgb.Booster:
        """The model up to its best round, which says itself how it was trained."""
        kept = self.booster[: self.best + 1]
        metrics = {name: round(value, 6) for name, value in self.history[self.best].items()}
        kept.set_attr(
            hyperparameters=json.dumps(self.hyperparameters, sort_keys=True),
            metrics=json.dumps(metrics, sort_keys=True),
        )
        return kept


def evaluate(model: xgb.Booster, rows: Channel, known: Channel) -> dict[str, float]:
    """How good the model is on rows that nobody chose by, beside the guess that everybody is as late as in ``known``."""
    scores, late = model.predict(rows.matrix), rows.labels == 1
    share = float(known.labels.mean())
    return {
        "rows": len(late),
        "auc": auc(scores, late),
        "logloss": logloss(scores, late),
        "baseline_logloss": logloss(np.full(len(late), share), late),
        "late_share": float(late.mean()),
    }


def auc(scores: np.ndarray, late: np.ndarray) -> float:
    """How often a late flight has the higher score than a punctual one."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    _, first, counts = np.unique(scores[order], return_index=True, return_counts=True)
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    positive = int(late.sum())
    return float((ranks[late].sum() - positive * (positive + 1) / 2) / (positive * (len(late) - positive)))


def logloss(scores: np.ndarray, late: np.ndarray) -> float:
    """Mean negative log-likelihood."""
    scores = np.clip(scores.astype(float), 1e-7, 1 - 1e-7)
    return float(-np.where(late, np.log(scores), np.log(1 - scores)).mean())


def options() -> argparse.Namespace:
    """Take each value from the command line, else from the variable that SageMaker sets, else the default."""
    environment = os.environ
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in HYPERPARAMETERS.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds to wait after each round; changes no model")
    for name in ("train", "validation", "holdout"):
        given = environment.get(f"SM_CHANNEL_{name.upper()}")
        needed = given is None and name != "holdout"
        parser.add_argument(f"--{name}", type=Path, default=given, required=needed)
    parser.add_argument("--model-dir", type=Path, default=environment.get("SM_MODEL_DIR", "model"))
    parser.add_argument("--output-data-dir", type=Path, default=environment.get("SM_OUTPUT_DATA_DIR", "output"))
    parser.add_argument("--checkpoint-dir", type=Path, default=Path("/opt/ml/checkpoints"))
    return parser.parse_args()


def main() -> None:
    given = options()
    interruption = Interruption()
    train, validation = Channel(given.train), Channel(given.validation)
    checkpoints = given.checkpoint_dir if given.checkpoint_dir.is_dir() else None
    training = Training(train, validation, {name: getattr(given, name) for name in HYPERPARAMETERS}, checkpoints)
    first = training.resume()
    print(f"resuming after {first} rounds" if first else "starting from nothing", flush=True)
    while not training.done:
        training.step()
        if given.pause:
            time.sleep(given.pause)
        if interruption.asked:
            kept = len(training.history) - len(training.history) % CHECKPOINT_EVERY
            print(f"asked to end: the checkpoint holds {kept} of {len(training.history)} rounds", flush=True)
            sys.exit(0)
    model = training.result()
    for folder in (given.model_dir, given.output_data_dir):
        folder.mkdir(parents=True, exist_ok=True)
    model.save_model(given.model_dir / MODEL_FILE)
    if SERVING.is_dir():
        shutil.copytree(SERVING, given.model_dir / "code", dirs_exist_ok=True)
    told = {"best_round": training.best, "rounds": training.history}
    (given.output_data_dir / "history.json").write_text(json.dumps(told) + "\n")
    print(f"kept {model.num_boosted_rounds()} of {len(training.history)} rounds", flush=True)
    if given.holdout:
        measured = evaluate(model, Channel(given.holdout), train)
        (given.output_data_dir / "evaluation.json").write_text(json.dumps(measured, indent=2) + "\n")
        print(" ".join(f"holdout-{name}:{value:.6f}" for name, value in measured.items()), flush=True)


if __name__ == "__main__":
    main()
