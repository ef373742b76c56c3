"""Ship version 2 by canary

Update the stack with ModelVersion=v2 and nothing else. SageMaker brings up a second fleet, gives one of its instances
traffic, and looks at the alarms for five minutes; then all traffic moves, and two minutes later the old fleet goes.
Requests keep coming, and each answer tells who gave it.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("shipping.py")))


def run(session: Session) -> None:
    record = _SHARED["ship"](session, "v2", start="v1")
    _SHARED["show"](session, "Version 2 by canary", record, picture="canary")
    session.remember("canary", record)
    if record["stack"] != "UPDATE_COMPLETE":
        raise StepFailed(f"Version 2 was not shipped: the stack is {record['stack']}; alarms: {record['alarms']}")
