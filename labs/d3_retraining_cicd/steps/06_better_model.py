"""Bring a better model by canary

The model of both seasons beats the one in production, which has never seen a summer. Approve it as the release role.
Production then serves the new version from one instance first; it takes all traffic when the alarms have been quiet for
five minutes. Requests keep coming meanwhile, and none fails.
"""

import csv
import sys
from importlib import import_module

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    sys.path.insert(0, str(session.src))
    following = import_module("following")
    train = following.Train(session)
    first, found = session.recall("first"), following.serving(session)
    if found["package"] != first["package"]:
        session.say(f"Production serves version {following.version(found['package'])} already.")
        return
    going = [one["pipelineExecutionId"] for one in train.executions() if one["status"] in following.GOING]
    if not going:
        raise StepFailed("No execution is under way: run step 05 again.")
    execution = going[0]
    state = train.follow(execution)
    noted = train.note(execution, "evaluate")
    session.say(f"AUC {noted['auc']:.3f} on {noted['flights']} flights; production has {noted['champion_auc']:.3f}.")
    if state == following.WAITS:
        train.decide(execution, "Approved", f"gains {noted['gain']:.3f}")
    traffic = Traffic(session)
    train.expect(execution, "Succeeded", meanwhile=traffic.ask)
    package = train.note(execution, "register")["package"]
    session.say(f"{traffic.sent} requests while production changed, {traffic.failed} failed.")
    session.remember("better", {"execution": execution, "package": package, "failed": traffic.failed, **noted})
    if traffic.failed or not traffic.sent:
        raise StepFailed(f"{traffic.failed} of {traffic.sent} requests failed while production changed.")


class Traffic:
    """Flights of the summer, put to production a few at a time."""

    def __init__(self, session: Session) -> None:
        with (session.data / "summer.csv").open(newline="") as file:
            self._body = "".join(",".join(row[2:]) + "\n" for row in list(csv.reader(file))[1:11])
        self._runtime = session.client("sagemaker-runtime")
        self._endpoint = session.outputs["ProductionEndpointName"]
        self.sent = self.failed = 0

    def ask(self) -> None:
        for _ in range(5):
            self.sent += 1
            try:
                self._runtime.invoke_endpoint(EndpointName=self._endpoint, Body=self._body, ContentType="text/csv")
            except self._runtime.exceptions.ClientError:
                self.failed += 1
