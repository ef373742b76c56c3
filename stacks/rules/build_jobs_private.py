"""Jobs that a build starts by command run in the VPC, isolated and encrypted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import texts

_STARTS = re.compile(r"\baws\s+(?:--?\S+\s+)*sagemaker\s+create-(training|processing|transform)-job\b([^\n;&|]*)")
# Options that each kind of job must have. A value that a file or a variable holds is not in the template.
_OPTIONS = {
    "training": ("--enable-network-isolation", "--enable-inter-container-traffic-encryption", "--vpc-config"),
    "processing": ("--network-config",),
    "transform": (),
}
_KEYED = {"training": "--output-data-config", "processing": "--processing-output-config"}
_KEYED |= {"transform": "--transform-output"}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    for path, value in resource.each("Source.BuildSpec"):
        for text in texts(value):
            for match in _STARTS.finditer(text.replace("\\\n", " ").replace("\\n", "\n")):
                yield from _command(match[1], match[2], path)


def _command(kind: str, rest: str, path: str) -> Iterator[Problem]:
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()
    given = {word.partition("=")[0] for word in words}
    if "--cli-input-json" in given or "--cli-input-yaml" in given:
        yield Problem(path, rest.strip(), f"the {kind} job is described in a file, not in the template", undecided=True)
        return
    for option in _OPTIONS[kind]:
        if option not in given:
            yield Problem(path, rest.strip(), f"the {kind} job is started without {option}")
    place = next((i for i, word in enumerate(words) if word.startswith(_KEYED[kind])), None)
    told = " ".join(words[place : place + 2]) if place is not None else ""
    if "file://" in told or "$" in told.partition("KmsKeyId")[0]:
        yield Problem(path, told, f"the output of the {kind} job is described elsewhere", undecided=True)
    elif "KmsKeyId" not in told:
        yield Problem(path, rest.strip(), f"the {kind} job has no KmsKeyId in {_KEYED[kind]}")
    if kind == "processing" and "EnableNetworkIsolation" not in rest and "file://" not in rest:
        yield Problem(path, rest.strip(), "the processing job is started without EnableNetworkIsolation")


RULE = Rule(
    id="build-jobs-private",
    title="Jobs that a build starts by command run in the VPC, isolated and encrypted",
    why="A build's commands are a text inside the template: other rules do not look into it.",
    fix="Give the command its network, isolation, traffic encryption and key, or start a pipeline that has them.",
    source="https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html",
    controls=("NIST SC-7", "NIST AC-4", "NIST SC-8", "NIST SC-28"),
    types=("AWS::CodeBuild::Project",),
    check=check,
)
