"""Asks the Guard rules about survivors, all in one process, since CDK takes seconds to start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.assembly import Assembly
from labkit.catalogue import ROOT
from labkit.engine import environment
from labkit.review import guard
from labkit.review.errors import EngineFailed
from labkit.review.mutation import every_operator
from labkit.review.mutation.running import Result

_LONGEST_SECONDS = 900


def asked_again(results: Sequence[Result], folders: dict[str, Path]) -> list[Result]:
    """The results, in which survivors that a Guard rule names are named. Guard is about security alone.

    Raises:
        EngineFailed: Guard broke off.
    """
    waiting = [one for one in results if one.fate == "survived" and one.breaks == "security" and not one.told]
    if not waiting:
        return list(results)
    labs = sorted({one.mutant.lab for one in waiting})
    read = {lab: Assembly.read(folders[lab]) for lab in labs}
    operators = {one.id: one for one in every_operator()}
    originals = [read[lab].template for lab in labs]
    mutants = [operators[one.mutant.operator].apply(read[one.mutant.lab].template, one.mutant.site) for one in waiting]
    regions = [read[lab].region for lab in (*labs, *(one.mutant.lab for one in waiting))]
    answers = _ask(
        [
            {"content": content, "region": region, "packs": []}
            for content, region in zip([*originals, *mutants], regions, strict=True)
        ]
    )
    known = {lab: _found(answer) for lab, answer in zip(labs, answers, strict=False)}
    named = {
        one.mutant: min(new)
        for one, answer in zip(waiting, answers[len(labs) :], strict=True)
        if (new := _found(answer) - known[one.mutant.lab])
    }
    return [
        Result(one.mutant, "named", guard.ENGINE, named[one.mutant][0]) if one.mutant in named else one
        for one in results
    ]


def _found(answer: dict[str, Any]) -> set[tuple[str, str]]:
    return {(str(one["rule"]), str(one["logical_id"])) for one in answer.get("guard", [])}


def _ask(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "stacks.judge"],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else []
    if len(answers) != len(requests):
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        raise EngineFailed(f"Guard broke off (exit {done.returncode}): {last[:300]}")
    return answers
