"""A queue hides a message for as long as its consumer may work on it."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource


def look(resource: Resource, view: View) -> Iterable[Fault]:
    queue = view.target(resource.properties.get("EventSourceArn"), "AWS::SQS::Queue")
    function = view.policies.function(resource.properties.get("FunctionName"))
    if queue is None or function is None:
        return
    hidden, works = queue.properties.get("VisibilityTimeout", 30), function.properties.get("Timeout", 3)
    hides, takes = text.number(hidden), text.number(works)
    if hides is not None and takes is not None and hides < takes:
        error = f"Queue visibility timeout: {hides} seconds is less than Function timeout: {takes} seconds (InvalidParameterValueException)"
        yield Fault(
            f"{queue.logical_id}.VisibilityTimeout",
            hidden,
            f"{function.logical_id} may work {takes} seconds",
            error=error,
        )
    elif view.waits(hidden) or view.waits(works):
        yield Fault(
            f"{queue.logical_id}.VisibilityTimeout",
            hidden,
            "one of the two times is known only at deployment",
            undecided=True,
        )


CHECK = Check(
    id="deploy-queue-outlasts-consumer",
    title="A queue hides a message at least as long as its function may run",
    phase="create",
    why="Lambda refuses a queue that would hand a message out again while the function still works on it.",
    fix="Set the queue's VisibilityTimeout to at least the function's Timeout; six times is recommended.",
    error="Queue visibility timeout: 30 seconds is less than Function timeout: 300 seconds",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",),
    covers=("DF-145",),
    types=("AWS::Lambda::EventSourceMapping",),
    look=look,
)
