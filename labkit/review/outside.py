"""Has templates of others judged by the engines that need CDK: Guard, and cdk-nag where CDK can read the template."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from labkit.assembly import Assembly
from labkit.catalogue import ROOT
from labkit.engine import environment
from labkit.review import guard, nag
from labkit.review.errors import EngineFailed
from labkit.review.foreign import Foreign

_LONGEST_SECONDS = 600


def judged(assemblies: Sequence[Assembly]) -> list[Assembly]:
    """The same assemblies; what is not ours carries what the engines found, or why they did not look.

    Raises:
        EngineFailed: the program broke off.
    """
    foreign = [one for one in assemblies if isinstance(one, Foreign)]
    answers = iter(_ask([{"content": one.template, "region": one.region} for one in foreign]) if foreign else ())
    return [_with(one, next(answers)) if isinstance(one, Foreign) else one for one in assemblies]


def _with(one: Foreign, answer: dict[str, Any]) -> Foreign:
    judged = {"guard_rules": guard.version()} | answer
    return replace(one, record=one.record | judged)


def _ask(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    packs = nag.classes()
    try:
        # One process for all: CDK takes seconds to start. Its own validator is not wanted, cfn-lint has looked already.
        done = subprocess.run(
            [sys.executable, "-m", "stacks.judge"],
            input=json.dumps([request | {"packs": packs} for request in requests]),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment(),
            timeout=_LONGEST_SECONDS,
            check=False,
        )
        answers: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else []
    except subprocess.TimeoutExpired:
        raise EngineFailed(f"Guard and cdk-nag did not answer within {_LONGEST_SECONDS} seconds") from None
    except (ValueError, IndexError):
        answers = []
    if len(answers) != len(requests):
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        raise EngineFailed(f"Guard and cdk-nag broke off (exit {done.returncode}): {last[:300]}")
    return answers
