"""What the service refuses when a job is created: absent roles, networks, keys, data and buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from labkit.rehearsal.refusal import Refusal
from labkit.rehearsal.runtime import job_files
from labkit.rehearsal.runtime.artefact import split

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


def invalid(message: str) -> Refusal:
    """A request that cannot be meant."""
    return Refusal("ValidationException", message)


def not_rehearsed(message: str) -> Refusal:
    """A request that AWS would take and the rehearsal cannot carry out."""
    return Refusal("NotImplemented", f"not rehearsed: {message}")


def name_is_free(kind: str, name: str, taken: Any) -> None:
    """A name is used once."""
    if name in taken:
        raise Refusal(
            "ResourceInUse",
            f"{kind} job names must be unique within an AWS account and region, and a {kind.lower()} job with this name "
            f"already exists ({taken[name].arn})",
        )


def role(context: Context, arn: str) -> None:
    """The role exists and trusts SageMaker."""
    name = arn.rpartition("/")[2]
    try:
        found = context.client("iam").get_role(RoleName=name)["Role"]
    except ClientError:
        raise invalid(f"Could not assume role {arn}. Please ensure that the role exists") from None
    if "sagemaker.amazonaws.com" not in str(found["AssumeRolePolicyDocument"]):
        raise invalid(
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )


def network(context: Context, config: dict[str, Any] | None) -> None:
    """Subnets and security groups exist, and lie in one VPC."""
    if not config:
        return
    ec2 = context.client("ec2")
    try:
        subnets = ec2.describe_subnets(SubnetIds=config["Subnets"])["Subnets"]
        groups = ec2.describe_security_groups(GroupIds=config["SecurityGroupIds"])["SecurityGroups"]
    except ClientError as error:
        raise invalid(str(error.response["Error"]["Message"])) from None
    if len({one["VpcId"] for one in [*subnets, *groups]}) != 1:
        raise invalid("The subnets and the security groups of VpcConfig must be in the same VPC.")


def key(context: Context, identifier: str | None) -> None:
    """The key exists and is enabled."""
    if not identifier:
        return
    try:
        state = context.client("kms").describe_key(KeyId=identifier)["KeyMetadata"]["KeyState"]
    except ClientError:
        raise invalid(f"KMS key not found: {identifier}") from None
    if state != "Enabled":
        raise invalid(f"The KMS key {identifier} cannot be used: its state is {state}.")


def data(context: Context, url: str, what: str) -> None:
    """Something is under ``url``."""
    if next(iter(_keys(context, url)), None) is None:
        raise invalid(
            f"No S3 objects found under S3 URL {url!r} given in {what}. Please ensure that the bucket exists."
        )


def _keys(context: Context, url: str) -> list[str]:
    try:
        return list(job_files.keys(context, url))
    except job_files.MissingDataError:
        return []


def bucket(context: Context, url: str) -> None:
    """The bucket of an output location exists."""
    try:
        context.client("s3").head_bucket(Bucket=split(url)[0])
    except ClientError:
        raise invalid(f"The bucket of {url} does not exist or is in another region.") from None


def instance(instance_type: str, count: int, shape: str) -> None:
    """The instance type is offered, and there is one of it."""
    from moto.core.utils import get_service_model

    allowed: Any = get_service_model("sagemaker").shape_for(shape)
    if instance_type not in allowed.enum:
        raise invalid(
            f"Value '{instance_type}' at 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy "
            f"enum value set: [{', '.join(allowed.enum)}]"
        )
    if count != 1:
        raise not_rehearsed(f"a job on {count} instances; the rehearsal runs jobs on one")
