"""Read the requests for training

Each alarm on drift left one message in a queue, by way of EventBridge; the broken sensor left none. A pipeline that trains
again reads this queue, or listens to the same events by the beginning of the alarms' names.
"""

import json

from labkit.session import Session, StepFailed, UserError

EXPECTED = {"data-quality", "attribution", "label", "model-quality", "bias"}


def run(session: Session) -> None:
    sqs, url, prefix = (
        session.client("sqs"),
        session.outputs["RetrainingRequestsUrl"],
        session.outputs["DriftAlarmsPrefix"],
    )
    seen: dict[str, str] = dict(session.recall("requests") if known(session) else {})

    def all_there() -> bool:
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                event = json.loads(message["Body"])
                seen[event["detail"]["alarmName"].removeprefix(prefix)] = event["time"]
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return seen.keys() >= EXPECTED

    session.wait("every alarm on drift asks for training", all_there, timeout=600, every=20)
    if strange := seen.keys() - EXPECTED:
        raise StepFailed(f"A request came from {', '.join(sorted(strange))}, which is no drift.")
    session.remember("requests", seen)
    session.table("Requests for training", [{"because of": name, "at": at} for name, at in sorted(seen.items())])


def known(session: Session) -> bool:
    try:
        session.recall("requests")
    except UserError:
        return False
    return True
