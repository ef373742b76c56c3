"""Jobs that a schedule starts run in the VPC, isolated, encrypted in transit and at rest."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stacks.rules.kit.jobs import expect_private, read
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import texts

_STARTS = re.compile(r":scheduler:::aws-sdk:sagemaker:create(\w+?)Job(V2)?$", re.IGNORECASE)
_KINDS = {"processing": "processing", "training": "training", "transform": "transform"}
_KINDS |= {"hyperparametertuning": "tuning", "automl": "automl"}


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    starts = [match for text in texts(resource.one("Target.Arn")) if (match := _STARTS.search(text))]
    kind = _KINDS.get(starts[0][1].lower()) if starts else None
    if kind is None:
        return
    for path, value in resource.each("Target.Input"):
        for arguments in read(value) if value is not None else ({},):
            yield from expect_private("automlv2" if starts[0][2] else kind, arguments, path)


RULE = Rule(
    id="scheduled-jobs-private",
    title="Jobs that a schedule starts run in the VPC, isolated, and encrypt traffic, volumes and output",
    why="The job is a text inside the template: other rules do not look into it, and it runs when nobody is looking.",
    fix="Give the schedule's Input the job's network, isolation, traffic encryption and the lab's key.",
    source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html",
    controls=("NIST SC-7", "NIST AC-4", "NIST SC-8", "NIST SC-28"),
    types=("AWS::Scheduler::Schedule",),
    check=check,
)
