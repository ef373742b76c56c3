"""Watch the summer come

A thousand flights of June and July: the weather is what this model has never seen. Nobody knows yet whether it is
wrong about them, because they have not landed. Two monitors need not wait for that: the requests differ from the
baseline, and the model leans on other features.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("watching.py")))


def run(session: Session) -> None:
    _SHARED["send"](session, "summer", _SHARED["rows"](session, "summer"))
    found = _SHARED["watch"](session, "fresh", "summer")
    if found["model_quality"] is not None:
        raise StepFailed("The report speaks of quality although no outcome is known.")
    _SHARED["expect"](session, drift_data_quality="ALARM", drift_attribution="ALARM", drift_model_quality="OK")
