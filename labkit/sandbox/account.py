"""The account behind the credentials, and errors of its API told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labkit.assembly import Assembly
from labkit.errors import UserError

BOOTSTRAP = "cdk-hnb659fds"
BOOTSTRAP_VERSION = "/cdk-bootstrap/hnb659fds/version"
LEAST_BOOTSTRAP = 6


class Account:
    """The account that the credentials of this machine belong to, in one lab's region.

    Args:
        assembly: the lab; its region and partition must be those of the credentials.

    Raises:
        UserError: no credentials, expired ones, or those of another partition.
    """

    def __init__(self, assembly: Assembly) -> None:
        self.region = assembly.region
        self.partition = assembly.partition
        with told():
            identity = self.client("sts").get_caller_identity()
        self.id = str(identity["Account"])
        partition = str(identity["Arn"]).split(":")[1]
        if partition != self.partition:
            raise UserError(
                f"The credentials belong to partition {partition}, the lab was synthesized for {self.partition} "
                f"({self.region}). Use other credentials, or: labs synth --set region=..."
            )

    def client(self, service: str) -> Any:
        """A boto3 client in the lab's region."""
        import boto3

        return boto3.client(service, region_name=self.region)

    def fill(self, text: str) -> str:
        """A text of the assembly with this account's id, region and partition."""
        for name, value in (("AccountId", self.id), ("Region", self.region), ("Partition", self.partition)):
            text = text.replace(f"${{AWS::{name}}}", value)
        return text

    @property
    def bucket(self) -> str:
        """The bootstrap bucket."""
        return f"{BOOTSTRAP}-assets-{self.id}-{self.region}"

    @property
    def execution_role(self) -> str:
        """The role that CloudFormation creates and deletes the stack with."""
        return f"arn:{self.partition}:iam::{self.id}:role/{BOOTSTRAP}-cfn-exec-role-{self.id}-{self.region}"

    def require_bootstrap(self) -> None:
        """Check that the CDK bootstrap stack is there.

        Raises:
            UserError: it is missing or too old; says the command that makes it.
        """
        from botocore.exceptions import ClientError

        command = f"npx cdk bootstrap aws://{self.id}/{self.region}"
        try:
            with told(expected=("ParameterNotFound",)):
                value = self.client("ssm").get_parameter(Name=BOOTSTRAP_VERSION)["Parameter"]["Value"]
        except ClientError:
            raise UserError(f"Region {self.region} of account {self.id} is not bootstrapped. Run: {command}") from None
        if int(value) < LEAST_BOOTSTRAP:
            raise UserError(f"The CDK bootstrap has version {value}; {LEAST_BOOTSTRAP} is needed. Run: {command}")


@contextmanager
def told(expected: tuple[str, ...] = ()) -> Iterator[None]:
    """Turn errors of boto3 into one message for the person.

    Args:
        expected: error codes that the caller handles.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError:
        raise UserError(
            "No AWS credentials. Set AWS_PROFILE, or sign in with: aws sso login. Without an account: labs rehearse LAB"
        ) from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in expected:
            raise
        if code in ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "RequestExpired"):
            raise UserError(f"The AWS credentials are not valid any more ({code}). Sign in again.") from None
        raise UserError(f"AWS refused {error.operation_name}: {error.response['Error'].get('Message', code)}") from None
    except BotoCoreError as error:
        raise UserError(f"AWS could not be reached: {error}") from None
