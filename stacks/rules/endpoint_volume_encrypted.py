"""An endpoint's storage volumes are encrypted with the customer's key wherever there is a volume."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.instances import has_local_storage
from stacks.rules.kit.keys import expect_key
from stacks.rules.kit.rule import Problem, Rule
from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import is_function


def check(resource: Resource, template: Template) -> Iterable[Problem]:
    types = [
        *resource.each("ProductionVariants.*.InstanceType"),
        *resource.each("ShadowProductionVariants.*.InstanceType"),
    ]
    local = [value for _, value in types if isinstance(value, str) and has_local_storage(value)]
    if not local:
        if any(is_function(value) for _, value in types) and not resource.one("KmsKeyId"):
            yield Problem(
                "KmsKeyId", None, "whether it is due depends on instance types not known here", undecided=True
            )
        else:
            yield from expect_key(resource.each("KmsKeyId"), template, "the volumes have no customer-managed key")
        return
    for path, value in resource.each("KmsKeyId"):
        if value is not None:
            yield Problem(path, value, f"{local[0]} has local NVMe storage, for which CloudFormation refuses a key")


RULE = Rule(
    id="endpoint-volume-encrypted",
    title="An endpoint's volumes are encrypted with a customer-managed key, or its instances store on NVMe only",
    why="Models and temporary data on the volume are readable only with the key. Local NVMe storage is encrypted by "
    "the instance itself, and a key does not reach it.",
    fix="Set KmsKeyId to the lab's key; leave it out for instance types with local storage.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
    "aws-resource-sagemaker-endpointconfig.html#cfn-sagemaker-endpointconfig-kmskeyid",
    controls=("NIST SC-28", "NIST SC-28(1)", "NIST SC-13"),
    types=("AWS::SageMaker::EndpointConfig",),
    check=check,
    same_as=("SageMakerEndpointConfigurationKMSKeyConfigured",),
)
