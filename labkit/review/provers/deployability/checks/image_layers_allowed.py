"""Who pulls images from ECR through a gateway endpoint may read ECR's layer bucket."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.policy import statements
from stacks.rules.kit.template import Resource

# Types whose workloads pull an image from ECR.
_PULLS = (
    "AWS::SageMaker::Model", "AWS::ECS::Service", "AWS::Batch::ComputeEnvironment", "AWS::EKS::Nodegroup",
    "AWS::CodeBuild::Project", "AWS::EMRServerless::Application", "AWS::SageMaker::Domain",
)  # fmt: skip
# Jobs in subnets that definitions and pipelines start pull images too.
_JOBS = tuple(
    f"AWS::SageMaker::{kind}JobDefinition"
    for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
)


def look(resource: Resource, view: View) -> Iterable[Fault]:
    document = resource.properties.get("PolicyDocument")
    service = view.network.services.get(resource.logical_id)
    if service != "s3" or document is None:
        return
    if view.waits(document):
        yield Fault("PolicyDocument", document, "the policy is known only at deployment", undecided=True)
        return
    pulling = [one for one in view.of(*_PULLS, *_JOBS) if _through(one, resource, view)]
    if pulling and not _allows(resource, view):
        names = ", ".join(one.logical_id for one in pulling[:3])
        yield Fault(
            "PolicyDocument",
            None,
            f"{names} pulls images through this endpoint, whose policy does not let anyone read the layers' bucket",
            fix=f"Allow s3:GetObject on arn:{view.partition}:s3:::prod-{view.region}-starport-layer-bucket/*.",
        )


def _through(resource: Resource, endpoint: Resource, view: View) -> bool:
    for row in by_type("workloads", "workload").get(resource.type, ()):
        for subnet in view.network.subnets(view.items(resource, row["subnets"])) or ():
            if endpoint in view.network.endpoints_to("s3", subnet):
                return True
    return False


def _allows(endpoint: Resource, view: View) -> bool:
    wanted = f"arn:{view.partition}:s3:::prod-{view.region}-starport-layer-bucket/*"
    for one in statements(endpoint, "PolicyDocument"):
        if one.allows and one.covers("s3:GetObject") and (one.for_anyone or one.principals):
            for pattern in one.resources:
                known = text.known(pattern, region=view.region, partition=view.partition)
                ours = [token for token in text.tokens(known) if token.partition(".")[0] in view.template.resources]
                if not ours and text.overlap(text.as_glob(known), wanted):
                    return True
    return False


CHECK = Check(
    id="deploy-image-layers-allowed",
    title="The policy of an S3 endpoint lets workloads read ECR's layer bucket",
    phase="first-use",
    why="ECR hands out image layers from a bucket of its own, which workloads read through the S3 endpoint.",
    fix="Allow s3:GetObject on prod-<region>-starport-layer-bucket in the endpoint's policy.",
    error="CannotPullContainerError: 403 Forbidden on image layers",
    sources=(
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
        "https://github.com/awsdocs/amazon-ecr-user-guide/issues/8",
        "https://github.com/awsdocs/amazon-ecr-user-guide/issues/24",
    ),
    covers=("DF-069",),
    types=("AWS::EC2::VPCEndpoint",),
    look=look,
)
