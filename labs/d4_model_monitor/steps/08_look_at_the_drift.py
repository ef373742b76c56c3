"""Look at the drift

Numbers say that something changed, pictures say what. One picture per season: each column's values in the baseline and
now, in the order of their population stability index, with everything beyond the baseline's range in the outermost step;
then the attributions of the model, baseline against current.
"""

import runpy
from pathlib import Path
from typing import Any

from labkit.session import Session

_SHARED = runpy.run_path(str(Path(__file__).with_name("watching.py")))
SHOWN = 6


def run(session: Session) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    pictures = []
    for name in ("winter", "summer"):
        job = session.recall(f"report fresh {name}")["job"]
        plots = _SHARED["report"](session, job, "plots.json")
        pictures += [distributions(session, name, plots), attributions(session, name, plots)]
    for picture in pictures:
        session.say(f"Look at {picture}")
    session.remember("pictures", [str(picture) for picture in pictures])


def distributions(session: Session, name: str, plots: dict[str, Any]) -> Path:
    """The columns that moved most, baseline beside current."""
    import matplotlib.pyplot as plt

    columns = sorted(plots["histograms"], key=lambda entry: -(entry["psi"] or 0))[:SHOWN]
    figure, places = plt.subplots(2, SHOWN // 2, figsize=(12, 6), layout="constrained")
    for place, column in zip(places.flat, columns, strict=False):
        if "edges" in column:
            left, right = column["edges"][:-1], column["edges"][1:]
            middle = [(low + high) / 2 for low, high in zip(left, right, strict=True)]
            place.step(middle, column["baseline"], where="mid", label="baseline")
            place.step(middle, column["current"], where="mid", label="now")
        else:
            numbers = range(len(column["categories"]))
            place.bar([n - 0.2 for n in numbers], column["baseline"], width=0.4, label="baseline")
            place.bar([n + 0.2 for n in numbers], column["current"], width=0.4, label="now")
        place.set_title(f"{column['name']}: PSI {column['psi'] or 0:.2f}")
        place.set_ylabel("share")
    places.flat[0].legend()
    figure.suptitle(f"Baseline and {name}")
    return saved(session, figure, f"drift-{name}.png")


def attributions(session: Session, name: str, plots: dict[str, Any]) -> Path:
    """What the model leans on, in the order of the baseline."""
    import matplotlib.pyplot as plt

    before, now = plots["attributions"]["baseline"], plots["attributions"]["current"]
    names = sorted(before, key=lambda feature: before[feature])
    figure, place = plt.subplots(figsize=(8, 6), layout="constrained")
    numbers = range(len(names))
    place.barh([n + 0.2 for n in numbers], [before[feature] for feature in names], height=0.4, label="baseline")
    place.barh([n - 0.2 for n in numbers], [now[feature] for feature in names], height=0.4, label="now")
    place.set_yticks(list(numbers), names)
    place.set_xlabel("mean absolute SHAP value, log-odds")
    place.set_title(f"What the model leans on: baseline and {name}")
    place.legend()
    return saved(session, figure, f"attributions-{name}.png")


def saved(session: Session, figure: Any, file: str) -> Path:
    import matplotlib.pyplot as plt

    path = session.folder / file
    figure.savefig(path, dpi=100)
    plt.close(figure)
    return path
