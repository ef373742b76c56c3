"""Whoever deletes or updates a scaled resource may also deregister its scaling."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_DEREGISTER = "application-autoscaling:DeregisterScalableTarget"
# What ends a scaled resource, by the scaling's namespace. Services deregister with the caller's identity.
_ENDING = {"sagemaker": ("sagemaker:DeleteEndpoint", "sagemaker:UpdateEndpoint")}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    scaled = view.once(
        "scaled", lambda: {view.plain(one.properties.get("ServiceNamespace")) for one in view.of(_TARGET)}
    )
    for namespace, actions in _ENDING.items():
        if namespace in scaled:
            may = [action for action in actions if view.roles.may(resource, action) == "yes"]
            verdict = view.roles.may(resource, _DEREGISTER)
            if may and verdict != "yes":
                yield Fault(
                    "Policies",
                    ", ".join(may),
                    f"{resource.logical_id} may call {' and '.join(may)} but not {_DEREGISTER}"
                    + (" as far as the template tells" if verdict == "unknown" else ""),
                    undecided=verdict == "unknown",
                )


_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
CHECK = Check(
    id="deploy-scaling-deregistered",
    title="A role that deletes or updates a scaled endpoint may deregister its scaling",
    phase="delete",
    why="SageMaker deregisters a variant's scaling with the identity that deletes or updates the endpoint.",
    fix=f"Allow {_DEREGISTER} to the role, or deregister the target before the endpoint goes.",
    error="An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity used to "
    "invoke DeleteEndpoint does not have application-autoscaling:DeregisterScalableTarget permission",
    sources=(
        "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-delete.html",
        "https://github.com/awslabs/stable-diffusion-aws-extension/issues/161",
    ),
    covers=("DF-047",),
    types=("AWS::IAM::Role",),
    look=look,
)
