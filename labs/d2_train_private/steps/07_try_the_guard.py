"""Try the guard

Take one protection after the other out of the definition and ask what would happen: the guard denies each such job, and
lets the definition as it is pass. This is decided from the attached policy document here, without starting anything; IAM
decides by the same document, and `aws iam simulate-custom-policy` asks IAM itself. Then try to change more than a
hyperparameter through the launcher.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("training.py")))
_GUARD = runpy.run_path(str(Path(__file__).with_name("guard.py")))
# What a caller of the launcher might like to change.
WISHES = (
    {"start": "a", "VpcConfig": None},
    {"start": "a", "hyperparameters": {"sagemaker_submit_directory": "s3://elsewhere/code.tar.gz"}},
    {"start": "a", "checkpoints": "../../elsewhere"},
    {"stop": "somebody-elses-job"},
)


def run(session: Session) -> None:
    definition = _SHARED["ask"](session, {"show": True})["definition"]
    policy = _GUARD["statements"](session)
    rows = [
        {"job": "as the stack defines it", "denied by": ", ".join(_GUARD["denied_by"](policy, definition)) or "nothing"}
    ]
    for name, request in _GUARD["variations"](definition).items():
        rows.append({"job": name, "denied by": ", ".join(_GUARD["denied_by"](policy, request)) or "nothing"})
    session.table("What the guard says", rows)
    if rows[0]["denied by"] != "nothing":
        raise StepFailed(f"The guard denies the lab's own definition: {rows[0]['denied by']}")
    passed = [row["job"] for row in rows[1:] if row["denied by"] == "nothing"]
    if passed:
        raise StepFailed(f"The guard lets pass: {', '.join(passed)}")
    answers = [(wish, _SHARED["ask"](session, wish)) for wish in WISHES]
    session.table(
        "What the launcher says",
        [{"wish": str(wish), "status": answer["status"], "why": answer.get("error", "")} for wish, answer in answers],
    )
    granted = [str(wish) for wish, answer in answers if answer["status"] != 400]
    if granted:
        raise StepFailed(f"The launcher granted {', '.join(granted)}")
    session.remember("guard", {"tried": len(rows) - 1, "wishes": len(WISHES)})
