"""Reads its settings from the environment, writes its files, and ends with one sentence; never with a stack trace.

    mode=monitor python3 /opt/ml/processing/input/code/analyse.py

Runs in the SageMaker XGBoost image with the folder `analyser` beside it; needs Python 3.10, NumPy, and XGBoost only if
there is a model. Exit code 0: done, with or without violations. 2: an input is wrong, and the sentence says which.
1: the program is wrong. SageMaker shows the sentence as the job's ExitMessage
(docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeProcessingJob.html).
"""

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from analyser import run, settings
from analyser.settings import Places, Plan

LONGEST = 1024  # characters of an ExitMessage


def mode(environment: Mapping[str, str]) -> tuple[Places, Plan, Callable[[Places, Plan], str]]:
    """Read the settings and choose what to do."""
    places, plan = settings.read(environment)
    return places, plan, run.make_baseline if places.mode == "baseline" else run.watch


def main(environment: Mapping[str, str], read: Callable[..., tuple[Places, Plan, Callable[..., str]]] = mode) -> int:
    """Run the mode that the environment names; give the exit code."""
    place = Path(environment.get("message_path") or settings.DEFAULTS["message_path"])
    try:
        places, plan, do = read(environment)
        said, code = do(places, plan), 0
    except settings.Refused as refused:
        said, code = f"Refused: {refused}", 2
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        said, code = f"Failed: {type(error).__name__} in {where}: {error}", 1
    print(said, file=sys.stderr if code else sys.stdout)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(said[:LONGEST], encoding="utf-8")
    except OSError:
        pass  # outside a job there is no such folder, and the sentence was printed
    return code


if __name__ == "__main__":
    sys.exit(main(os.environ))
