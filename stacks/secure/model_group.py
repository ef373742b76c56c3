"""Model package groups."""

from __future__ import annotations

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.secure.housekeeping import Housekeeping
from stacks.secure.key import Key
from stacks.secure.names import placed, stack_of


class ModelGroup(sagemaker.CfnModelPackageGroup):
    """A registry group that holds the versions of one model, for principals of this account, and goes with the stack.

    It is named after the stack: SageMaker asks for a name, and one group is enough for one lab.

    Args:
        description: what its models are for.
        key: the lab's key.
    """

    def __init__(self, scope: Construct, id: str, *, description: str, key: Key) -> None:
        self.name_ = stack_of(scope).name
        super().__init__(scope, id, model_package_group_name=self.name_, model_package_group_description=description)
        placed(self, scope, id)
        Housekeeping.of(self, key=key).remove_packages_on_delete(self, name=self.name_)
