"""Break a sensor

An injected fault: the humidity of winter flights no longer arrives. It looks like drift, because the model now leans on
other features, but training on it would make the model worse. So this alarm has a name of its own, no request for training
follows it, and a report of faults leaves the alarms on drift as they are.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("watching.py")))
FLIGHTS = 300
HUMIDITY = 9  # its place among the features


def run(session: Session) -> None:
    def without(row: list[str]) -> list[str]:
        return [*row[:HUMIDITY], "", *row[HUMIDITY + 1 :]]

    flights = _SHARED["rows"](session, "winter")
    every = len(flights) // FLIGHTS
    _SHARED["send"](session, "broken", flights[::every][:FLIGHTS], change=without)
    before = _SHARED["alarms"](session)
    _SHARED["watch"](session, "fresh", "broken")
    _SHARED["expect"](session, data_faults="ALARM")
    after = _SHARED["alarms"](session)
    session.remember("alarms around the fault", [before, after])
    if changed := sorted(name for name in after if name.startswith("drift-") and after[name] != before[name]):
        raise StepFailed(f"The broken sensor changed the alarms on drift: {', '.join(changed)}.")
