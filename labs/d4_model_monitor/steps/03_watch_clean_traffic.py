"""Watch clean traffic

A thousand flights of winter days that neither the model nor the baseline has seen, each in a request of its own, and
their outcomes. The monitor must stay silent: an alarm that rings over nothing is soon switched off. Both jobs are
started by hand for the few minutes of this traffic; the schedules look at whole hours.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("watching.py")))


def run(session: Session) -> None:
    flights = _SHARED["rows"](session, "winter")
    _SHARED["send"](session, "winter", flights)
    _SHARED["tell"](session, "winter", flights)
    for kind in ("fresh", "late"):
        found = _SHARED["watch"](session, kind, "winter")
        if found["violations"]:
            raise StepFailed(f"The {kind} job found {len(found['violations'])} violations in clean traffic.")
    _SHARED["expect"](
        session,
        data_faults="OK",
        **{f"drift_{name}": "OK" for name in ("data_quality", "attribution", "label", "model_quality", "bias")},
    )
