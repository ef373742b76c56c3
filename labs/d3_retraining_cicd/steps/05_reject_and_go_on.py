"""Reject, think again, and go on

Deliver the flights of the summer. The pipeline trains on both seasons and waits for approval. Reject it: the stage fails,
and the execution with it. An execution that failed keeps its place and what it made: retry the failed stage, and it waits
for approval again, without training anew. Every failed stage goes on like this, from its failed actions.
"""

import sys
from importlib import import_module

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    sys.path.insert(0, str(session.src))
    following = import_module("following")
    train = following.Train(session)
    if following.serving(session)["package"] != session.recall("first")["package"]:
        session.say("A better model is in production already.")
        return
    execution = begun(session, train, following)
    state = train.follow(execution)
    if state == following.WAITS:
        train.decide(execution, "Rejected", "show me the figures first")
        told = train.expect(execution, "Failed", stage="Approval")
        session.remember("rejected", {"execution": execution, "told": told})
    before = train.note(execution, "train")["execution"]
    train.retry(execution, "Approval")
    train.expect(execution, following.WAITS)
    if train.note(execution, "train")["execution"] != before:
        raise StepFailed("Going on must not train again.")
    noted = train.note(execution, "evaluate")
    session.say(f"AUC {noted['auc']:.3f} on {noted['flights']} flights; production has {noted['champion_auc']:.3f}.")


def begun(session: Session, train: object, following: object) -> str:
    """The execution that the delivery started, now or when this step ran before."""
    for one in train.executions():
        rejected = one["status"] == "Failed" and train.failed_at(one["pipelineExecutionId"]) == "Approval"
        if one["status"] in following.GOING or rejected:
            return str(one["pipelineExecutionId"])
    known = train.known()
    following.deliver(session, "summer.csv")
    return str(train.next(known, "the delivery starts the pipeline"))
