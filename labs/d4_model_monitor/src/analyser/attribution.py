"""Which features the model leans on, and whether their order has changed."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from analyser.settings import Plan, Refused
from analyser.sketch import Floats

MODEL = "xgboost-model.json"


class Model:
    """The model that was trained; scores rows and says how much each feature moved the score."""

    def __init__(self, booster: Any, plan: Plan) -> None:
        self.booster = booster
        self.features = list(plan.features)

    @classmethod
    def load(cls, place: Path, plan: Plan) -> Model:
        """Load xgboost-model.json from a folder, also out of a model.tar.gz in it."""
        import xgboost

        with tempfile.TemporaryDirectory() as name:
            path = place if place.suffix == ".json" else _unpacked(place, Path(name))
            try:
                booster = xgboost.Booster(model_file=str(path))
            except xgboost.core.XGBoostError:
                raise Refused(f"{path.name} in {place} is not a model that XGBoost can read.") from None
        names = booster.feature_names
        if booster.num_features() != len(plan.features) or (names and list(names) != list(plan.features)):
            raise Refused(
                f"The model in {place} knows {booster.num_features()} features ({', '.join(names or ['unnamed'])}); "
                f"the configuration names {', '.join(plan.features)}. Use the model that the endpoint serves."
            )
        return cls(booster, plan)

    def scores(self, rows: Floats) -> Floats:
        return np.asarray(self.booster.predict(self._matrix(rows)), dtype=np.float64)

    def attributions(self, rows: Floats) -> dict[str, float]:
        """Give the mean absolute SHAP value of each feature, in log-odds.

        The exact SHAP values of trees: Lundberg and others, Nature Machine Intelligence 2 (2020), 56. Their mean
        absolute value is Clarify's global SHAP value with agg_method mean_abs:
        docs.aws.amazon.com/sagemaker/latest/dg/clarify-shapley-values.html.
        """
        shares = np.asarray(self.booster.predict(self._matrix(rows), pred_contribs=True), dtype=np.float64)
        return dict(zip(self.features, np.abs(shares[:, :-1]).mean(axis=0).tolist(), strict=True))

    def _matrix(self, rows: Floats) -> Any:
        import xgboost

        clean = np.where(np.isinf(rows), np.nan, rows).astype(np.float32)
        return xgboost.DMatrix(clean, feature_names=self.booster.feature_names, nthread=1)


def _unpacked(place: Path, into: Path) -> Path:
    if (place / MODEL).is_file():
        return place / MODEL
    archives = [place] if place.is_file() else sorted(place.rglob("*.gz"))
    for archive in archives[:1]:
        try:
            with tarfile.open(archive) as tar:
                found = [member for member in tar.getmembers() if member.isfile() and Path(member.name).name == MODEL]
                if found and (file := tar.extractfile(found[0])) is not None:
                    (into / MODEL).write_bytes(file.read())
                    return into / MODEL
        except (tarfile.TarError, OSError, EOFError):
            raise Refused(f"{archive} is not a tar.gz archive.") from None
    raise Refused(f"{place} holds no {MODEL}, neither as a file nor in a model.tar.gz.")


def ndcg(baseline: dict[str, float], current: dict[str, float]) -> float:
    """Normalized discounted cumulative gain of the features' order: 1 if it is the baseline's.

    DCG = sum of a(f_i) / log2(i + 1) over the features in the order of their current attribution, where a is the
    baseline's attribution; divided by the same sum in the baseline's own order. Source:
    docs.aws.amazon.com/sagemaker/latest/dg/clarify-model-monitor-feature-attribution-drift.html.
    """
    names = sorted(baseline)
    gains = np.array([baseline[name] for name in names])
    order = np.argsort([-current[name] for name in names], kind="stable")
    discounts = 1 / np.log2(np.arange(2, len(names) + 2))
    ideal = float(np.sum(np.sort(gains)[::-1] * discounts))
    return float(np.sum(gains[order] * discounts)) / ideal if ideal else 1.0
