"""Config's recorder and delivery channel are made side by side."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_PAIR = {
    "AWS::Config::ConfigurationRecorder": "AWS::Config::DeliveryChannel",
    "AWS::Config::DeliveryChannel": "AWS::Config::ConfigurationRecorder",
}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    others = view.of(_PAIR[resource.type])
    if not others:
        noun = _PAIR[resource.type].rpartition("::")[2]
        yield Fault("Type", resource.type, f"it needs a {noun}, and the template makes none",
                    fix=f"Make the {noun} in the same stack.", undecided=resource.type.endswith("Channel"))  # fmt: skip
    for other in others:
        if view.graph.precedes(other, resource):
            yield Fault(
                "DependsOn",
                other.logical_id,
                f"{resource.logical_id} waits for {other.logical_id}, and each needs the other to become ready",
            )


CHECK = Check(
    id="deploy-recorder-beside-channel",
    title="Config's recorder and delivery channel do not wait for each other",
    phase="create",
    why="The recorder is started while it is created and needs the channel; the channel needs the recorder.",
    fix="Remove the dependency between the two and keep both in one stack.",
    error="Delivery channel is not available to start configuration recorder. (NoAvailableDeliveryChannelException)",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-config-configurationrecorder.html",
        "https://github.com/aws/aws-cdk/issues/9001",
        "https://github.com/awsdocs/aws-cloudformation-user-guide/pull/1282",
    ),
    covers=("DF-105",),
    types=tuple(_PAIR),
    look=look,
)
