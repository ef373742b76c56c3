"""Rehearses a story that needs several labs at once, on one emulated AWS, and tells what happened when.

The story is ``labs/loop.py``: functions in order, whose docstrings are the titles of its acts. Each takes a ``Loop``.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from labkit.assembly import Assembly
from labkit.catalogue import ROOT, Lab, pick
from labkit.errors import UserError
from labkit.rehearsal.emulator import Emulator
from labkit.rehearsal.leftovers import compare
from labkit.rehearsal.runner import LOOK_SECONDS, Say, where
from labkit.session import Session, StepFailed

# What a person wants to see of it; builds and stages are between the lines.
_SHOWN = (
    *("SageMaker Training Job State Change", "SageMaker Processing Job State Change"),
    *("SageMaker Model Package State Change", "SageMaker Endpoint State Change", "CloudWatch Alarm State Change"),
    "CodePipeline Pipeline Execution State Change",
)
_UNDER_WAY = ("InProgress", "Stopping", "INSUFFICIENT_DATA", "CREATING")

STORY = ROOT / "labs" / "loop.py"
FOLDER = ROOT / ".labs" / "loop"


@dataclass(frozen=True)
class Act:
    """One act of the story.

    Args:
        title: first line of its docstring.
        seconds: real time that it took.
        problem: what went wrong; empty where it went well.
    """

    title: str
    seconds: float
    problem: str = ""


@dataclass
class Told:
    """What came of the story.

    Args:
        acts: in order, as far as they went.
        timeline: what services announced, with the emulated time and the number of the act.
        leftovers: what was not removed.
        kept: what AWS keeps by itself.
    """

    acts: list[Act] = field(default_factory=list)
    timeline: list[dict[str, str]] = field(default_factory=list)
    leftovers: list[dict[str, str]] = field(default_factory=list)
    kept: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def story(self) -> list[dict[str, str]]:
        """The part of the timeline that a person follows: jobs that ended, versions, alarms, endpoints, executions."""
        return [
            {name: event[name] for name in ("act", "time", "about", "event", "state")}
            | {"event": _short(event["event"])}
            for event in self.timeline
            if event["event"] in _SHOWN and event["state"] not in _UNDER_WAY
        ]

    @property
    def ok(self) -> bool:
        """Whether every act went well and nothing was left."""
        return not (self.problems or self.leftovers or any(act.problem for act in self.acts))

    def to_json(self) -> str:
        """The whole, for machines."""
        return json.dumps(asdict(self) | {"ok": self.ok}, indent=1)


class Loop:
    """What an act sees: labs to deploy, their steps, and the sessions of deployed labs."""

    def __init__(self, emulator: Emulator, assemblies: Callable[[Lab, Mapping[str, Any]], Assembly], say: Say) -> None:
        self._emulator, self._assemblies, self.say = emulator, assemblies, say
        self._deployed: dict[str, tuple[Lab, Assembly]] = {}
        self._places = ExitStack()

    def deploy(self, name: str, **settings: Any) -> Session:
        """Deploy a lab, once.

        Args:
            name: its folder.
            settings: what differs from the defaults.
        """
        from labkit import sandbox

        if name not in self._deployed:
            (lab,) = pick([name])
            assembly = self._assemblies(lab, settings)
            now = datetime.fromisoformat(self._emulator.get("clock")["now"])
            with self._at(name):
                sandbox.deploy(assembly, hours_to_live=48, now=now, report=self.say, every=LOOK_SECONDS)
            self._deployed[name] = lab, assembly
        return self.session(name)

    def session(self, name: str) -> Session:
        """The session of a deployed lab."""
        from labkit.sandbox.run import open_session

        lab, assembly = self._deployed[name]
        with self._at(name):
            return open_session(lab, assembly)

    def steps(self, name: str, *numbers: str) -> None:
        """Run steps of a deployed lab.

        Raises:
            StepFailed: one did not reach what it is for.
        """
        from labkit import sandbox

        lab, assembly = self._deployed[name]
        with self._at(name):
            for done in sandbox.run_steps(lab, assembly, only=numbers, report=self.say):
                self._emulator.check()
                if done.problem:
                    raise StepFailed(f"{name}, step {done.name}: {done.problem}")

    def destroy(self) -> list[str]:
        """Remove every deployed lab, the last one first; tell what could not be removed."""
        from labkit import sandbox

        problems = []
        for name, (lab, assembly) in reversed(self._deployed.items()):
            with self._at(name):
                try:
                    sandbox.destroy(lab, assembly, report=self.say, every=LOOK_SECONDS)
                except UserError as error:
                    problems.append(f"{name}: {error}")
        return problems

    def _at(self, name: str) -> Any:
        return self._emulator.as_environment(state=FOLDER / name)


def rehearse_loop(
    *,
    assemblies: Callable[[Lab, Mapping[str, Any]], Assembly],
    port: int = 0,
    say: Say = lambda text: None,
    story: Path = STORY,
) -> Told:
    """Run the acts in order on an emulated AWS of its own, destroy every lab, and look for what was left.

    Args:
        assemblies: synthesizes a lab with settings.
        port: of the emulator on 127.0.0.1; 0 picks a free one.
        say: told what happens, line by line.
        story: the file with the acts.

    Raises:
        UserError: the port is in use, or the emulator ended half-way.
    """
    acts, told = _acts(story), Told()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        Emulator(port=port, progress=say, log=FOLDER / "emulator.log") as emulator,
        # An act talks to AWS outside the steps too; nothing of it may reach a real account.
        emulator.as_environment(state=FOLDER / "story"),
    ):
        before = emulator.get("inventory")
        loop, seen = Loop(emulator, assemblies, say), 0
        for act in acts:
            title = (act.__doc__ or act.__name__).strip().splitlines()[0]
            say(f"ACT {len(told.acts) + 1}: {title}")
            began, problem = time.monotonic(), ""
            try:
                act(loop)
            except Exception as error:
                emulator.check()
                problem = _problem(error, story.parent)
            told.acts.append(Act(title, time.monotonic() - began, problem))
            events = emulator.get("timeline")["events"][seen:]
            told.timeline += [event | {"act": str(len(told.acts))} for event in events]
            seen += len(events)
            if problem:
                break
        say("Destroying the labs")
        told.problems += loop.destroy()
        left, kept = compare(before, emulator.get("inventory"))
        told.leftovers, told.kept = [asdict(one) for one in left], [asdict(one) for one in kept]
    (FOLDER / "loop.json").write_text(told.to_json() + "\n", encoding="utf-8")
    return told


def _short(event: str) -> str:
    """The name of an event without what all of them say."""
    return event.removesuffix(" State Change").removeprefix("SageMaker ").removeprefix("CloudWatch ").lower()


def _problem(error: Exception, folder: Path) -> str:
    if isinstance(error, (StepFailed, UserError, AssertionError)):
        return str(error) or type(error).__name__
    return f"{type(error).__name__}: {error} ({where(error, folder)})"


def _acts(story: Path) -> list[Callable[[Loop], None]]:
    spec = importlib.util.spec_from_file_location("loop_story", story)
    if spec is None or spec.loader is None or not story.exists():
        raise UserError(f"{story}: there is no story to rehearse")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.ACTS)
