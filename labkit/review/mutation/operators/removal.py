"""Lets resources outlive their stack, or makes a delete fail."""

from __future__ import annotations

import json
from typing import Any

from labkit.review.mutation.kit.operator import Operator, places, removes, without
from labkit.review.mutation.kit.places import Path, Template, put

# What holds data, costs money or keeps a name; a role, a policy or an association left behind does none of it.
_KEPT = (
    *("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::SageMaker::*", "AWS::Lambda::Function"),
    *("AWS::EC2::VPC", "AWS::EC2::VPCEndpoint", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::Glue::*", "AWS::Athena::*"),
    *("AWS::CodeBuild::Project", "AWS::CodePipeline::Pipeline", "AWS::CloudWatch::*", "AWS::Scheduler::Schedule"),
    *("AWS::Events::Rule", "AWS::EC2::FlowLog"),
)


def _retained(template: Template, path: Path) -> Template:
    mutant: Template = put(template, (*path, "DeletionPolicy"), "Retain")
    return mutant


def _retained_on_failure(template: Template, path: Path) -> Template:
    mutant: Template = put(template, (*path, "DeletionPolicy"), "RetainExceptOnCreate")
    return mutant


def _deletes_stack(schedule: dict[str, Any]) -> bool:
    return "cloudformation:deleteStack" in json.dumps(schedule["Properties"].get("Target", {}))


OPERATORS = (
    Operator(
        id="retain", title="A resource that outlives its stack", breaks="removal", sites=places(*_KEPT), apply=_retained
    ),
    Operator(
        id="retain-once-made",
        title="A bucket or key that outlives its stack once it was made",
        breaks="removal",
        sites=places("AWS::S3::Bucket", "AWS::KMS::Key"),
        apply=_retained_on_failure,
    ),
    removes("drop-emptying", "A bucket that is not emptied before it is deleted", "removal", "Custom::EmptyOnDelete"),
    removes(
        "drop-package-removal",
        "A group of model packages that is not emptied",
        "removal",
        "Custom::PackagesRemovedOnDelete",
    ),
    removes(
        "drop-stack-removal", "A stack made in the lab that nothing removes", "removal", "Custom::StackRemovedOnDelete"
    ),
    removes(
        "drop-job-stop",
        "Jobs that run on while their network goes",
        "removal",
        "Custom::StopJobsOnDelete",
        "Custom::StopTrainingOnDelete",
    ),
    Operator(
        id="drop-expiry",
        title="A lab that does not delete itself when asked to",
        breaks="removal",
        sites=places("AWS::Scheduler::Schedule", where=_deletes_stack),
        apply=without,
    ),
)
