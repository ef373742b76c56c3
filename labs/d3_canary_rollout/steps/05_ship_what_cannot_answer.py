"""Ship version 3, which answers nothing

It was trained for three classes instead of two. The file loads, so the health check passes; every request fails with 500.
The canary takes the damage: its share of the requests fails until the alarm on errors goes off, then all traffic goes back
to version 1. CloudFormation sees that the endpoint did not arrive, and rolls the stack back.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("shipping.py")))


def run(session: Session) -> None:
    record = _SHARED["ship"](session, "v3", start="v1")
    _SHARED["show"](session, "Version 3 by canary", record, picture="errors")
    session.remember("errors", record)
    last = next((look["error"] for look in reversed(record["seen"]) if look["error"]), "none")
    session.say(f"Alarms that went off: {', '.join(record['alarms']) or 'none'}. The last error: {last[:200]}")
    if record["stack"] != "UPDATE_ROLLBACK_COMPLETE":
        raise StepFailed(f"Version 3 must not arrive; the stack is {record['stack']}.")
