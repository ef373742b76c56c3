"""Ask for the first prediction

A Lambda function in the lab's VPC sends ten flights of the holdout days to the endpoint, through the interface endpoint
of the SageMaker runtime. Then it sends one row that is too short: the model refuses it with 400 and says why.
"""

import csv
import json

from labkit.session import Session, StepFailed

REQUEST = "first-prediction"


def run(session: Session) -> None:
    flights = holdout(session)[:10]
    rows = [[number(value) for name, value in flight.items() if name != "late"] for flight in flights]
    answer = ask(session, {"rows": rows, "inference_id": REQUEST})
    if answer["status"] != 200:
        raise StepFailed(f"The endpoint answered {answer['status']}: {answer['error']}")
    names = json.loads((session.data / "codes.json").read_text())
    session.table(
        "Will the flight arrive more than 15 minutes late?",
        [
            {
                "flight": f"{names['origin'][int(f['origin'])]} to {names['destination'][int(f['destination'])]}",
                "carrier": names["carrier"][int(f["carrier"])],
                "month": f["month"],
                "probability": f"{probability:.2f}",
                "was late": "yes" if f["late"] == "1" else "no",
            }
            for f, probability in zip(flights, answer["predictions"], strict=True)
        ],
    )
    refusal = ask(session, {"rows": [[1, 2, 3]]})
    if refusal["status"] != 400:
        raise StepFailed(f"A row of three values must be refused with 400; the answer was {refusal}")
    session.say(f"A row of three values: {refusal['status']}, {refusal['error']}")
    session.remember("first_prediction", {"inference_id": REQUEST, "predictions": answer["predictions"]})


def ask(session: Session, event: dict[str, object]) -> dict[str, object]:
    """Call the function in the VPC."""
    called = session.client("lambda").invoke(
        FunctionName=session.outputs["CallerFunctionName"], Payload=json.dumps(event).encode()
    )
    answer = json.loads(called["Payload"].read())
    if "FunctionError" in called:
        raise StepFailed(f"The caller failed: {answer.get('errorMessage', answer)}")
    return answer


def holdout(session: Session) -> list[dict[str, str]]:
    with (session.data / "holdout.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float | None:
    return float(text) if text else None
