"""Ship version 4, which answers quickly and wrongly

It was trained on a table in which 1 meant punctual. No request fails and none is slow: alarms on errors and latency see
nothing. The caller sends flights whose outcome is known, so its metric sees it, and the alarm on quality rolls back.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("shipping.py")))


def run(session: Session) -> None:
    record = _SHARED["ship"](session, "v4", start="v1")
    _SHARED["show"](session, "Version 4 by canary", record, picture="quality")
    session.remember("quality", record)
    session.say(f"Alarms that went off: {', '.join(record['alarms']) or 'none'}.")
    if record["stack"] != "UPDATE_ROLLBACK_COMPLETE":
        raise StepFailed(f"Version 4 must not arrive; the stack is {record['stack']}.")
