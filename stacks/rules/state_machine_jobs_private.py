"""Jobs that a state machine starts run in the VPC, isolated, encrypted in transit and at rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from stacks.rules.kit.jobs import expect_private, read
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template

_STARTS = re.compile(r":states:::(?:aws-sdk:)?sagemaker:create(\w+?)Job(V2)?(?:\.|$)", re.IGNORECASE)
_KINDS = {"processing": "processing", "training": "training", "transform": "transform"}
_KINDS |= {"hyperparametertuning": "tuning", "automl": "automl"}
_DEFINITIONS = ("DefinitionString", "Definition")


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    found = [(path, value) for name in _DEFINITIONS for path, value in resource.each(name) if value is not None]
    if not found:
        yield Problem("DefinitionString", None, "the definition is in S3, not in the template", undecided=True)
    for path, value in found:
        for definition in read(value):
            if not isinstance(definition, dict):
                yield Problem(path, value, "the definition is no JSON object that can be read", undecided=True)
            else:
                yield from _states(definition, path)


def _states(value: Any, path: str) -> Iterator[Problem]:
    """The jobs of every state, also of those inside maps and parallel branches."""
    if isinstance(value, list):
        for item in value:
            yield from _states(item, path)
    elif isinstance(value, dict):
        states = value.get("States")
        for name, state in states.items() if isinstance(states, dict) else ():
            yield from _state(name, state, path)
        for part in value.values() if not isinstance(states, dict) else ():
            if isinstance(part, (dict, list)):
                yield from _states(part, path)


def _state(name: str, state: Any, path: str) -> Iterator[Problem]:
    if not isinstance(state, dict):
        return
    starts = _STARTS.search(str(state.get("Resource", "")))
    kind = _KINDS.get(starts[1].lower()) if starts else None
    if starts and kind:
        arguments = state.get("Parameters", state.get("Arguments", {}))
        yield from expect_private("automlv2" if starts[2] else kind, arguments, f"{path}.{name}")
    yield from _states([state.get(part) for part in ("Iterator", "ItemProcessor", "Branches")], path)


RULE = Rule(
    id="state-machine-jobs-private",
    title="Jobs that a state machine starts run in the VPC, isolated, and encrypt traffic, volumes and output",
    why="The definition is a text inside the template: other rules do not look into it, and its jobs read all the data.",
    fix="Give each createTrainingJob, createProcessingJob and createTransformJob its network, isolation and the lab's key.",
    source="https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html",
    controls=("NIST SC-7", "NIST AC-4", "NIST SC-8", "NIST SC-28"),
    types=("AWS::StepFunctions::StateMachine",),
    check=check,
)
