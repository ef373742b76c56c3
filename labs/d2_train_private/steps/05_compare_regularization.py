"""Switch early stopping and regularization off

Three more jobs beside each other. Without regularization the trees are deep, see all rows and columns and pay nothing for
large leaves: they learn the training days by heart, and get worse on the validation days. Early stopping cuts that
short. The plot shows the four learning curves; the table, what each is worth on days that nobody chose by.
"""

import runpy
from pathlib import Path
from typing import Any

from labkit.session import Session

_SHARED = runpy.run_path(str(Path(__file__).with_name("training.py")))
PLAIN = {"max_depth": 8, "lambda": 0, "min_child_weight": 0, "subsample": 1, "colsample_bytree": 1}
ENDLESS = {"early_stopping_rounds": 0}


def run(session: Session) -> None:
    jobs = {
        "both": session.recall("first")["job"],
        "no early stopping": _SHARED["start"](session, "endless", **ENDLESS),
        "no regularization": _SHARED["start"](session, "plain", **PLAIN),
        "neither": _SHARED["start"](session, "neither", **PLAIN, **ENDLESS),
    }
    results: dict[str, dict[str, Any]] = {}
    for name, job in jobs.items():
        results[name] = {"job": job, **_SHARED["output"](session, _SHARED["completed"](session, job))}
    rows = []
    for name, result in results.items():
        history = result["history"]
        kept = history["rounds"][history["best_round"]]
        rows.append(
            {
                "what is on": {"both": "both", "neither": "neither"}.get(name, name),
                "rounds": len(history["rounds"]),
                "kept": history["best_round"] + 1,
                "train logloss": f"{kept['train-logloss']:.4f}",
                "validation logloss": f"{kept['validation-logloss']:.4f}",
                "holdout AUC": f"{result['evaluation']['auc']:.4f}",
            }
        )
    session.table("Overfitting, and what keeps it small", rows)
    plot(results, session.folder / "learning_curves.png")
    session.say(f"Plot: {session.folder / 'learning_curves.png'}")
    session.remember("compared", {name: result["job"] for name, result in results.items()})


def plot(results: dict[str, dict[str, Any]], path: Path) -> None:
    """Training and validation loss of each job by round, with the round that was kept."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, 2, figsize=(10, 7), sharex=True, sharey=True)
    for panel, (name, result) in zip(panels.flat, results.items(), strict=True):
        rounds = result["history"]["rounds"]
        for part, colour in (("train", "tab:blue"), ("validation", "tab:orange")):
            panel.plot([one[f"{part}-logloss"] for one in rounds], color=colour, label=part)
        panel.axvline(result["history"]["best_round"], color="grey", linestyle=":", label="kept")
        panel.set_title({"both": "early stopping and regularization"}.get(name, name))
        panel.grid(alpha=0.3)
    for panel in panels[1]:
        panel.set_xlabel("round")
    for panel in panels[:, 0]:
        panel.set_ylabel("log loss")
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
