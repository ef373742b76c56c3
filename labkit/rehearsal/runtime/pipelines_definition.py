"""The definition of a SageMaker pipeline, read and checked as far as the published formats go."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Step = dict[str, Any]
VARIABLES = ("Get", "Std:Join", "Std:JsonGet")
# The operation whose parameters are a step's Arguments, and the member that Pipelines fills in itself.
OPERATIONS = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "Transform": ("CreateTransformJob", "TransformJobName"),
    "Model": ("CreateModel", "ModelName"),
    "RegisterModel": ("CreateModelPackage", "ModelPackageName"),
}
TYPES = {"String": str, "Integer": int, "Float": float, "Boolean": bool}
_ALL_TYPES = {*OPERATIONS, "Condition", "Fail", "Lambda", "Tuning", "Callback", "EMR", "EMRServerless", "QualityCheck"}
_ALL_TYPES |= {"ClarifyCheck", "AutoML", "NotebookJob", "EndpointConfig", "Endpoint"}
_STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_STEP = re.compile(r"Steps\.([A-Za-z0-9\-_]+)")


class DefinitionError(Exception):
    """What is wrong with a definition; one line per problem."""


@dataclass
class Definition:
    """A checked definition.

    Args:
        steps: every step by name, also those inside of conditions, in the order of the text.
        parents: the condition and branch (``IfSteps``, ``ElseSteps``) that a step stands in.
        needs: the steps that must be over before a step begins.
    """

    parameters: dict[str, dict[str, Any]]
    steps: dict[str, Step] = field(default_factory=dict)
    parents: dict[str, tuple[str, str]] = field(default_factory=dict)
    needs: dict[str, set[str]] = field(default_factory=dict)


def parse(text: str) -> Definition:
    """Read a definition.

    Raises:
        DefinitionError: it is wrong.
    """
    try:
        content = without_nulls(json.loads(text))
    except ValueError as error:
        raise DefinitionError(f"Invalid pipeline definition: it is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("Version") != "2020-12-01":
        raise DefinitionError("Invalid pipeline definition: Version 2020-12-01 is needed")
    problems: list[str] = []
    made = Definition({item["Name"]: item for item in content.get("Parameters", [])})
    for name, item in made.parameters.items():
        if item.get("Type") not in TYPES:
            problems.append(f"parameter {name}: Type {item.get('Type')} given; allowed: {', '.join(TYPES)}")
    if not content.get("Steps"):
        problems.append("Steps: at least one step is needed")
    for step, parent in _walk(content.get("Steps", []), None):
        name = str(step.get("Name", ""))
        if not _STEP_NAME.fullmatch(name) or name in made.steps:
            problems.append(f"step {name!r}: names have 1 to 64 letters, digits, - and _, and are unique")
        made.steps[name] = step
        if parent:
            made.parents[name] = parent
    for name, step in made.steps.items():
        problems += [f"step {name}: {problem}" for problem in _problems(step, made)]
        made.needs[name] = _needs(step, made)
    problems += _cycles(made)
    if problems:
        raise DefinitionError("Invalid pipeline definition: " + "\n".join(problems))
    return made


def is_variable(value: Any) -> bool:
    """Whether a value is filled in when the step runs."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in VARIABLES


def without_nulls(value: Any) -> Any:
    """A value without members that are null; the SDK writes some."""
    if isinstance(value, dict):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _walk(steps: list[Step], parent: tuple[str, str] | None) -> Iterator[tuple[Step, tuple[str, str] | None]]:
    for step in steps:
        yield step, parent
        if step.get("Type") == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                yield from _walk(step.get("Arguments", {}).get(branch, []), (step["Name"], branch))


def _problems(step: Step, made: Definition) -> Iterator[str]:
    kind = step.get("Type")
    if kind not in _ALL_TYPES:
        yield f"Type {kind} given; allowed: {', '.join(sorted(_ALL_TYPES))}"
        return
    for name in _gets(_own(step)):
        root, _, rest = name.partition(".")
        if root == "Parameters" and rest not in made.parameters:
            yield f"{name}: there is no such parameter"
        elif root == "Steps" and rest.split(".")[0] not in made.steps:
            yield f"{name}: there is no such step"
        elif root not in ("Parameters", "Steps", "Execution"):
            yield f"{name}: a reference begins with Parameters, Steps or Execution"
    for name in step.get("DependsOn", []):
        if name not in made.steps:
            yield f"DependsOn: there is no step {name}"
    if kind in OPERATIONS:
        operation, own_name = OPERATIONS[kind]
        shape = _shape(operation)
        yield from _misfits(step.get("Arguments", {}), shape, "Arguments", skip=own_name)
    if kind == "Condition" and not step.get("Arguments", {}).get("Conditions"):
        yield "Conditions: at least one is needed"
    if kind == "Lambda" and not step.get("FunctionArn"):
        yield "FunctionArn is needed"
    if kind == "Fail" and "ErrorMessage" not in step.get("Arguments", {}):
        yield "ErrorMessage is needed"


def _misfits(value: Any, shape: Any, path: str, skip: str = "") -> Iterator[str]:
    """Where a value differs from the published shape of the operation's parameters."""
    if is_variable(value):
        return
    kind = shape.type_name
    expected = {"structure": dict, "map": dict, "list": list, "boolean": bool, "string": str}.get(kind)
    if kind in ("integer", "long", "float", "double"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{path}: {value!r} given; a number is needed"
        return
    if expected is not None and not isinstance(value, expected):
        yield f"{path}: {type(value).__name__} given; {kind} is needed"
        return
    if kind == "structure":
        for name in value.keys() - shape.members.keys():
            yield f"{path}.{name}: there is no such member"
        for name in shape.required_members:
            if name not in value and name != skip:
                yield f"{path}.{name} is needed"
        for name in value.keys() & shape.members.keys():
            yield from _misfits(value[name], shape.members[name], f"{path}.{name}")
    elif kind == "list":
        for number, item in enumerate(value):
            yield from _misfits(item, shape.member, f"{path}[{number}]")
    elif kind == "map":
        for name, item in value.items():
            yield from _misfits(item, shape.value, f"{path}.{name}")
    elif kind == "string":
        yield from _misfit_text(value, shape, path)


def _misfit_text(value: str, shape: Any, path: str) -> Iterator[str]:
    if getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path}: {value} given; allowed: {', '.join(shape.enum)}"
    if len(value) > shape.metadata.get("max", len(value)):
        yield f"{path}: {len(value)} characters given; {shape.metadata['max']} are allowed"
    pattern = shape.metadata.get("pattern")
    try:
        if pattern and not re.fullmatch(pattern, value):
            yield f"{path}: {value} given; it must match {pattern}"
    except re.error:
        return  # some published patterns are of another dialect


def _own(step: Step) -> Any:
    """A step without the steps inside of it."""
    if step.get("Type") != "Condition":
        return step
    return {**step, "Arguments": {"Conditions": step.get("Arguments", {}).get("Conditions", [])}}


def _gets(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"Get"} and isinstance(value["Get"], str):
            yield value["Get"]
            return
        for item in value.values():
            yield from _gets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _gets(item)


def _needs(step: Step, made: Definition) -> set[str]:
    found = {match[1] for name in _gets(_own(step)) if (match := _STEP.match(name))}
    found |= set(step.get("DependsOn", []))
    if step["Name"] in made.parents:
        found.add(made.parents[step["Name"]][0])
    return found & made.steps.keys()


def _cycles(made: Definition) -> list[str]:
    left, done = dict(made.needs), set[str]()
    while ready := [name for name, needs in left.items() if needs <= done]:
        done |= set(ready)
        left = {name: needs for name, needs in left.items() if name not in done}
    return [f"these steps wait for each other: {', '.join(sorted(left))}"] if left else []


@cache
def _shape(operation: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("sagemaker").operation_model(operation).input_shape
