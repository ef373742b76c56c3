"""What the steps share: a version is shipped by updating the stack while requests keep coming, each answer is noted.

Whoever answers can be told from the answer: each version gives its own probabilities for the same flights, and they are
computed here from the same model files.
"""

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from labkit.session import Session, StepFailed

VERSION, SHIFT = "ModelVersion", "TrafficShift"
PREDICTING = ("v1", "v2", "v4")  # version 3 answers nothing
REQUESTS, ROWS = 16, 5  # of one look: enough to see a share, and to measure quality
STRIDE = 131  # flights of different days follow each other; no divisor of the number of flights
EVERY = 60  # seconds between two looks: each minute that an alarm counts has requests


class Traffic:
    """Flights of the holdout days, sent in turn from inside the VPC.

    Args:
        session: the deployed lab.
        measured: whether the caller says how good the answers are.
    """

    def __init__(self, session: Session, *, measured: bool = True) -> None:
        import xgboost as xgb

        self._session, self._next, self._measured = session, 0, measured
        with (session.data / "holdout.csv").open(newline="") as file:
            table = list(csv.reader(file))
        self.rows = [[float(cell) if cell else None for cell in row[1:]] for row in table[1:]]
        self.late = [int(row[0]) for row in table[1:]]
        matrix = xgb.DMatrix(np.array(self.rows, dtype=np.float32), feature_names=table[0][1:], nthread=1)
        self._expected = {
            version: xgb.Booster(model_file=session.src / f"model_{version}" / "xgboost-model.json").predict(matrix)
            for version in PREDICTING
        }

    def send(self, requests: int = REQUESTS) -> dict[str, Any]:
        """Send some requests; counts answers by version, and errors by status."""
        chosen = []
        for _ in range(requests):
            chosen.append([(self._next + n) * STRIDE % len(self.rows) for n in range(ROWS)])
            self._next += ROWS
        event: dict[str, Any] = {"requests": [[self.rows[n] for n in one] for one in chosen]}
        if self._measured:
            event["late"] = [[self.late[n] for n in one] for one in chosen]
        answer = ask(self._session, event)
        by: dict[str, int] = {}
        problem = ""
        for one, reply in zip(chosen, answer["answers"], strict=True):
            who = self._who(one, reply["predictions"]) if reply["status"] == 200 else str(reply["status"])
            by[who] = by.get(who, 0) + 1
            problem = reply.get("error", problem)
        return {"by": by, "brier": answer["brier"], "error": problem}

    def _who(self, chosen: list[int], predictions: list[float]) -> str:
        for version, expected in self._expected.items():
            if np.allclose(expected[chosen], predictions, atol=2e-5):
                return version
        raise StepFailed(f"No version of this folder predicts {predictions} for the flights {chosen}.")


def ask(session: Session, event: dict[str, Any]) -> dict[str, Any]:
    """Call the function in the VPC."""
    called = session.client("lambda").invoke(
        FunctionName=session.outputs["CallerFunctionName"], Payload=json.dumps(event).encode()
    )
    answer = json.loads(called["Payload"].read())
    if "FunctionError" in called or answer["status"] != 200:
        raise StepFailed(f"The caller failed: {answer.get('errorMessage', answer.get('error', answer))}")
    return dict(answer)


def endpoint(session: Session) -> dict[str, Any]:
    return dict(session.client("sagemaker").describe_endpoint(EndpointName=session.outputs["EndpointName"]))


def stack(session: Session) -> tuple[str, dict[str, str]]:
    """Give the stack's status and parameters."""
    found = session.client("cloudformation").describe_stacks(StackName=session.stack)["Stacks"][0]
    return found["StackStatus"], {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]}


def settled(session: Session) -> dict[str, str]:
    """Wait until nothing is under way, also what an interrupted step began, and no alarm is on; gives the parameters."""

    def quiet() -> bool:
        return not stack(session)[0].endswith("_IN_PROGRESS") and not in_alarm(session)

    session.wait("the stack settles and its alarms are off", quiet, timeout=7200, every=EVERY)
    status, parameters = stack(session)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        raise StepFailed(
            f"Stack {session.stack} is {status}. Read its events; after UPDATE_ROLLBACK_FAILED, let it go on with: "
            f"aws cloudformation continue-update-rollback --stack-name {session.stack}"
        )
    return parameters


def in_alarm(session: Session) -> list[str]:
    names = session.outputs["AlarmNames"].split(",")
    found = session.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    return [alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"]


def ship(session: Session, version: str, *, start: str, shift: str = "CANARY") -> dict[str, Any]:
    """Ship a version by updating the stack, with requests all the while; gives what happened.

    Args:
        session: the deployed lab.
        version: to ship.
        start: version that serves before; another one is replaced first.
        shift: CANARY or LINEAR.
    """
    parameters = settled(session)
    if parameters[VERSION] != start:
        session.say(f"{parameters[VERSION]} is deployed; {start} is put back first.")
        # The alarm on quality cannot tell the fleets apart: a version that is wrong would keep its own remedy out.
        _follow(session, start, "CANARY", measured=False)
        if settled(session)[VERSION] != start:
            raise StepFailed(f"{start} could not be put back: read the events of stack {session.stack}.")
    return _follow(session, version, shift)


def _follow(session: Session, version: str, shift: str, *, measured: bool = True) -> dict[str, Any]:
    session.sleep(60)  # what CloudWatch counts by the minute then belongs to one deployment
    traffic, before, began = Traffic(session, measured=measured), endpoint(session)["EndpointConfigName"], session.now()
    seen = [_look(session, traffic, began)]
    _update(session, {VERSION: version, SHIFT: shift})

    def done() -> str:
        seen.append(_look(session, traffic, began))
        status = stack(session)[0]
        return "" if status.endswith("_IN_PROGRESS") else status

    status = session.wait(f"{version} is shipped, {shift.lower()}", done, timeout=7200, every=EVERY)
    seen += [_look(session, traffic, began) for _ in range(2)]
    serving = endpoint(session)
    return {
        "version": version,
        "shift": shift,
        "began": began.isoformat(),
        "ended": session.now().isoformat(),
        "stack": status,
        "configuration": {"before": before, "after": serving["EndpointConfigName"]},
        "alarms": _went_off(session, began),
        "seen": seen,
    }


def _update(session: Session, changed: dict[str, str]) -> None:
    known = stack(session)[1]
    session.client("cloudformation").update_stack(
        StackName=session.stack,
        UsePreviousTemplate=True,
        Parameters=[
            {"ParameterKey": name, "ParameterValue": changed[name]}
            if name in changed
            else {"ParameterKey": name, "UsePreviousValue": True}
            for name in known
        ],
        Capabilities=["CAPABILITY_IAM"],
    )


def _look(session: Session, traffic: Traffic, began: datetime) -> dict[str, Any]:
    """Send requests between two looks at the endpoint; a look during which traffic shifted belongs to no stage."""
    first, sent, last = _stage(session), traffic.send(), _stage(session)
    return {
        "second": round((session.now() - began).total_seconds()),
        **(last if first == last else {"stage": "", "active": -1}),
        **sent,
    }


def _stage(session: Session) -> dict[str, Any]:
    found = endpoint(session)
    pending = found.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
    if not pending:
        return {"stage": found["EndpointStatus"], "active": 0}
    # What is being created, or taken away again, has no instance with traffic.
    status = pending[0].get("VariantStatus", [{"Status": ""}])[0]["Status"]
    on = status in ("ActivatingTraffic", "Baking") and found["EndpointStatus"] != "RollingBack"
    return {
        "stage": "RollingBack" if found["EndpointStatus"] == "RollingBack" else status,
        "active": pending[0].get("CurrentInstanceCount", 0) if on else 0,
    }


def _went_off(session: Session, since: datetime) -> list[str]:
    """Give the alarms that were on since then, in the order they went off."""
    found = []
    for name in session.outputs["AlarmNames"].split(","):
        items = session.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
        found += [
            (item["Timestamp"], name)
            for item in items["AlarmHistoryItems"]
            if item["Timestamp"] >= since and item["HistorySummary"].endswith("to ALARM")
        ]
    return list(dict.fromkeys(name for _, name in sorted(found)))


def counted(seen: list[dict[str, Any]]) -> dict[str, int]:
    """Sum answers by who gave them."""
    total: dict[str, int] = {}
    for look in seen:
        for who, number in look["by"].items():
            total[who] = total.get(who, 0) + number
    return total


def failures(total: dict[str, int]) -> int:
    return sum(number for who, number in total.items() if not who.startswith("v"))


def show(session: Session, title: str, record: dict[str, Any], *, picture: str) -> None:
    """Print one line per stage, and plot the shares of the answers into a picture of that name."""
    stages: list[tuple[tuple[str, int], list[dict[str, Any]]]] = []
    for look in record["seen"]:
        where = (look["stage"], look["active"])
        if not where[0]:
            continue
        if not stages or stages[-1][0] != where:
            stages.append((where, []))
        stages[-1][1].append(look)
    table = []
    for (stage, active), looks in stages:
        total = counted(looks)
        scores = [look["brier"] for look in looks if look["brier"] is not None]
        table.append(
            {
                "from second": looks[0]["second"],
                "stage": stage,
                "new instances with traffic": active,
                "requests": sum(total.values()),
                "answered by": ", ".join(f"{who}: {n}" for who, n in sorted(total.items()) if who.startswith("v")),
                "failed": failures(total),
                "Brier score": f"{np.mean(scores):.3f}" if scores else "none",
            }
        )
    session.table(title, table)
    plot(session, record, session.folder / f"{picture}.png")


def plot(session: Session, record: dict[str, Any], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    seen = record["seen"]
    minutes = [look["second"] / 60 for look in seen]
    who = sorted({name for look in seen for name in look["by"]})
    shares = [[look["by"].get(name, 0) / sum(look["by"].values()) for look in seen] for name in who]
    colours = ["tab:red" if not name.startswith("v") else None for name in who]
    figure, (traffic, quality) = pyplot.subplots(2, 1, sharex=True, figsize=(8, 5), height_ratios=[3, 1])
    for name, share, colour in zip(who, shares, colours, strict=True):
        label = name if name.startswith("v") else f"error {name}"
        traffic.step(minutes, share, where="post", label=label, color=colour)
    traffic.set(ylabel="share of requests", ylim=(-0.02, 1.02), title=f"{record['version']}, {record['shift']}")
    traffic.legend()
    quality.step(minutes, [np.nan if look["brier"] is None else look["brier"] for look in seen], where="post")
    quality.set(xlabel="minutes", ylabel="Brier score", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    session.say(f"Plot: {path}")
