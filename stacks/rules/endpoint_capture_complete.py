"""An endpoint records what it was asked and what it answered."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.rule import Problem, Rule, expect
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function, is_on, number


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    if any(isinstance(value, dict) for _, value in resource.each("ProductionVariants.*.ServerlessConfig")):
        return  # SageMaker has no data capture for serverless variants.
    yield from expect(resource.each("DataCaptureConfig.EnableCapture"), is_on, "data capture is off")
    for path, share in resource.each("DataCaptureConfig.InitialSamplingPercentage"):
        if number(share) == 0:
            yield Problem(path, share, "no request at all is captured")
    options = list(resource.each("DataCaptureConfig.CaptureOptions.*.CaptureMode"))
    modes = {mode for _, mode in options if isinstance(mode, str)}
    unknown = any(is_function(mode) for _, mode in options)
    for wanted in ("Input", "Output"):
        if wanted not in modes and "InputAndOutput" not in modes:
            yield Problem(
                "DataCaptureConfig.CaptureOptions", sorted(modes), f"{wanted} is not captured", undecided=unknown
            )


RULE = Rule(
    id="endpoint-capture-complete",
    title="An endpoint captures requests and answers",
    why="Without both, drift cannot be measured and a wrong prediction cannot be explained afterwards.",
    fix="Set DataCaptureConfig with EnableCapture true and CaptureOptions for Input and Output.",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html",
    controls=("NIST AU-2", "NIST AU-12", "NIST SI-4"),
    types=("AWS::SageMaker::EndpointConfig",),
    check=check,
)
