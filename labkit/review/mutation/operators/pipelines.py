"""Breaks releases: builds, stages and what they work with."""

from __future__ import annotations

from labkit.review.mutation.kit.operator import Operator, drops, sets

_ACTION = "AWS::CodePipeline::Pipeline Properties.Stages.*.Actions.*"

OPERATORS: tuple[Operator, ...] = (
    sets(
        "build-image-unknown",
        "A build in an image that does not exist",
        "deployment",
        "AWS::CodeBuild::Project Properties.Environment.Image",
        to="aws/codebuild/standard:99.0",
    ),
    drops(
        "build-without-role", "A build without a role", "deployment", "AWS::CodeBuild::Project Properties.ServiceRole"
    ),
    sets(
        "build-time-short",
        "A build with less time than CodeBuild gives",
        "deployment",
        "AWS::CodeBuild::Project Properties.TimeoutInMinutes",
        to=2,
    ),
    drops(
        "drop-approval",
        "A release that nobody approves",
        "security",
        _ACTION,
        where=lambda one: one["ActionTypeId"]["Category"] == "Approval",
    ),
    sets(
        "action-provider-unknown",
        "A stage with a provider that does not exist",
        "deployment",
        f"{_ACTION}.ActionTypeId.Provider",
        to=lambda name: f"{name}s",
    ),
)
