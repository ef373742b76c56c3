"""Release the first model

Deliver the flights of the winter, then push the release code. The delivery starts the pipeline before there is any code:
that execution stops at its source. The push starts the next one: the data are judged, a model is trained, compared with
a coin for want of a model in production, registered, and deployed to staging, where real flights are put to it. Then it
waits: take on the release role and approve. Production follows.
"""

import sys
from importlib import import_module

from labkit.session import Session


def run(session: Session) -> None:
    sys.path.insert(0, str(session.src))
    following = import_module("following")
    train = following.Train(session)
    found = following.serving(session)
    if found is not None and found["package"]:
        session.say(f"Production serves version {following.version(found['package'])} already.")
        return
    execution = waiting(train, following) or push(session, train, following)
    train.expect(execution, following.WAITS)
    noted = train.note(execution, "evaluate")
    session.say(f"AUC {noted['auc']:.3f} on {noted['flights']} flights; a coin has {noted['champion_auc']}.")
    train.decide(execution, "Approved", "first model, better than a coin")
    train.expect(execution, "Succeeded")
    package = train.note(execution, "register")["package"]
    session.remember("first", {"execution": execution, "package": package, "auc": noted["auc"]})
    session.say(
        f"Production serves version {following.version(package)} of {session.outputs['ModelPackageGroupName']}."
    )


def waiting(train: object, following: object) -> str | None:
    """An execution of an earlier try that is under way or waits."""
    going = [one["pipelineExecutionId"] for one in train.executions() if one["status"] in following.GOING]
    return going[0] if going else None


def push(session: Session, train: object, following: object) -> str:
    """Deliver data, push code, and give the execution that the push starts."""
    known = train.known()
    following.deliver(session, "winter.csv")
    early = train.next(known, "the delivery starts the pipeline")
    train.follow(early)
    bucket, _, key = session.outputs["SourceArchiveUri"].removeprefix("s3://").partition("/")
    known = train.known()
    session.client("s3").copy_object(
        Bucket=session.outputs["CodeBucketName"], Key="main/source.zip", CopySource={"Bucket": bucket, "Key": key}
    )
    return train.next(known, "the push starts the pipeline")
