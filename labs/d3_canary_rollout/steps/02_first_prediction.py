"""Ask version 1

A function in the lab's VPC sends flights of the holdout days. The probabilities tell which version answered: the same
model file gives the same ones here. Each call also says how good the answers are, as the mean squared error of the
probabilities (Brier score), which becomes a metric: the outcome of these flights is known.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("shipping.py")))


def run(session: Session) -> None:
    _SHARED["settled"](session)
    sent = _SHARED["Traffic"](session).send(60)
    if _SHARED["failures"](sent["by"]):
        raise StepFailed(f"Requests failed: {sent['by']}; the last error: {sent['error']}")
    session.say(f"Answered by {sent['by']}. Brier score {sent['brier']:.3f}; a coin has 0.25.")
    session.remember("first", sent)
