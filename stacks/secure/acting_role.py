"""Roles that other roles or people take on."""

from __future__ import annotations

from typing import Any

from constructs import Construct

from stacks.secure.names import sub
from stacks.secure.role import Role


class ActingRole(Role):
    """A role that exactly one other role may take on, such as the pipeline for one of its actions.

    Args:
        of: the role that takes it on.
    """

    def __init__(self, scope: Construct, id: str, *, of: Role) -> None:
        super().__init__(scope, id, service="codepipeline")
        self.assume_role_policy_document = _trust({"AWS": of.arn_})
        of.allow("sts:AssumeRole", on=self.arn_)


class PersonRole(Role):
    """A role for people of this account: who may take it on is decided by their own policies, for an hour at most.

    With the account as principal the trust policy alone lets nobody in.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id, service="codepipeline")
        self.assume_role_policy_document = _trust({"AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")})
        self.max_session_duration = 3600


def _trust(principal: dict[str, Any]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    }
