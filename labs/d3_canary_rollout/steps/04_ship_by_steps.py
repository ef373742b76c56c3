"""Go back to version 1 on purpose, in equal steps

A version that was good before is shipped like a new one. TrafficShift=LINEAR gives one instance after the other traffic,
each for five minutes under the eyes of the alarms: slower than a canary, with more chances to notice.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("shipping.py")))


def run(session: Session) -> None:
    record = _SHARED["ship"](session, "v1", start="v2", shift="LINEAR")
    _SHARED["show"](session, "Version 1 in equal steps", record, picture="linear")
    session.remember("linear", record)
    if record["stack"] != "UPDATE_COMPLETE":
        raise StepFailed(f"Version 1 was not shipped: the stack is {record['stack']}; alarms: {record['alarms']}")
