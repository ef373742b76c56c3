"""Tell how the flights ended

Hours later the flights have landed, and the outcomes are filed under the hour in which they became known. Now the
late job can join them with the predictions: more flights were late than in winter (label drift), the model is wrong more
often (concept drift), and most of all about flights of the evening (bias).
"""

import runpy
from pathlib import Path

from labkit.session import Session

_SHARED = runpy.run_path(str(Path(__file__).with_name("watching.py")))


def run(session: Session) -> None:
    session.sleep(300)
    _SHARED["tell"](session, "summer", _SHARED["rows"](session, "summer"))
    found = _SHARED["watch"](session, "late", "summer")
    rate, quality = found["label_drift"]["rate"], found["model_quality"]
    session.say(
        f"Late flights: {rate['baseline']:.1%} in the baseline, {rate['current']:.1%} now. "
        f"Accuracy: {quality['baseline']['accuracy']['value']:.3f}, now {quality['current']['accuracy']['value']:.3f}. "
        f"Accuracy of the day less that of the evening: {found['bias']['baseline']['AD']:.3f}, "
        f"now {found['bias']['current']['AD']['value']:.3f}."
    )
    _SHARED["expect"](session, drift_model_quality="ALARM", drift_label="ALARM", drift_bias="ALARM")
