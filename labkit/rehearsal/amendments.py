"""moto amended: emulated time, honest refusals, and bucket policies that do not deny what they would allow."""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from labkit.rehearsal.context import OWN_CALLS, Context


def install(context: Context) -> None:
    """Amend moto; a service's own module is amended when it is first imported."""
    from moto.core import config

    responses: Any = import_module("moto.core.responses")
    utils: Any = import_module("moto.core.utils")

    config.default_user_config["lambda"]["use_docker"] = False
    config.default_user_config["batch"]["use_docker"] = False
    config.default_user_config["stepfunctions"]["execute_state_machine"] = True

    def utcnow() -> Any:
        return context.clock.now().replace(tzinfo=None)

    utils.utcnow = utcnow
    responses.utcnow = utcnow
    _refuse_clearly(context, responses)
    context.on_import("moto.s3.models", lambda module: _ignore_conditional_denials(context, module))
    context.on_import("moto.s3.models", _log_callers_only)
    context.on_import("moto.s3.models", lambda module: _bootstrap_bucket(context, module))
    context.on_import("moto.ec2.models.vpcs", _delete_default_acl)
    context.on_import("moto.ssm.models", lambda module: _bootstrap_version(context, module))
    context.on_import("moto.iam.models", _load_aws_policies_when_asked)
    context.on_import("moto.iam.models", lambda module: _bootstrap_role(context, module))


def _refuse_clearly(context: Context, responses: ModuleType) -> None:
    """Count each call, and answer an operation that moto lacks with an error that clients do not try again."""
    from labkit.rehearsal.refusal import Refusal

    original = responses.BaseResponse.call_action

    def call_action(self: Any) -> Any:
        service, operation = str(self.boto3_service_name), ""
        try:
            operation = str(self._get_action() or "")
            answer = original(self)
        except NotImplementedError as error:
            print(f"not emulated: {service} {operation}", flush=True)
            context.ledger.called(service, operation, refused=True)
            message = f"The rehearsal does not emulate {service} {operation} ({error})."
            return self.serialized(responses.ActionResult(Refusal("NotImplemented", message)))
        context.ledger.touched(service)
        if OWN_CALLS not in self.headers.get("User-Agent", ""):
            context.ledger.called(service, operation)
        return answer

    responses.BaseResponse.call_action = call_action


def _ignore_conditional_denials(context: Context, models: ModuleType) -> None:
    """A Deny with a condition is stored and readable, but not enforced.

    moto decides bucket policies without their conditions, so that a statement that denies callers without TLS
    would deny every call.
    """
    original = models.FakeBucket.get_permission

    def get_permission(self: Any, action: str, resource: str) -> Any:
        stored = self.policy
        if not stored:
            return original(self, action, resource)
        policy = json.loads(stored)
        statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
        enforced = [item for item in statements if not (item["Effect"] == "Deny" and item.get("Condition"))]
        if len(enforced) < len(statements):
            context.ledger.note("a Deny with a condition in a bucket policy is stored, not enforced", about=self.name)
        if not enforced:
            from moto.iam.access_control import PermissionResult

            return PermissionResult.NEUTRAL
        # A copy, so that a reader in another thread never sees the shortened policy.
        view = _View(self, json.dumps({**policy, "Statement": enforced}).encode())
        return original(view, action, resource)

    models.FakeBucket.get_permission = get_permission


class _View:
    """A bucket with another policy."""

    def __init__(self, bucket: Any, policy: bytes) -> None:
        self._bucket = bucket
        self.policy = policy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bucket, name)


def _log_callers_only(models: ModuleType) -> None:
    """Access logs tell what callers do, not what the emulator does to its own buckets.

    AWS delivers logs hours later; here they come at once, and a stack's deletion would fill the bucket that it deletes.
    """
    original = models.S3Backend.log_incoming_request

    def log_incoming_request(self: Any, request: Any, bucket_name: str) -> None:
        if OWN_CALLS not in request.headers.get("User-Agent", ""):
            original(self, request, bucket_name)

    models.S3Backend.log_incoming_request = log_incoming_request


def _delete_default_acl(models: ModuleType) -> None:
    """AWS deletes a VPC's default network ACL with the VPC; moto keeps it."""
    original = models.VPCBackend.delete_vpc

    def delete_vpc(self: Any, vpc_id: str) -> Any:
        deleted = original(self, vpc_id)
        for identifier, acl in list(self.network_acls.items()):
            if acl.vpc_id == vpc_id:
                del self.network_acls[identifier]
        return deleted

    models.VPCBackend.delete_vpc = delete_vpc


def _load_aws_policies_when_asked(models: ModuleType) -> None:
    """AWS's own policies exist as soon as one is named; loading all of them costs more than a small rehearsal."""

    @cache
    def known() -> dict[str, Any]:
        content: dict[str, Any] = json.loads(models.aws_managed_policies_data)
        return content

    def wrap(method: str) -> None:
        original = getattr(models.IAMBackend, method)

        def with_policy(self: Any, policy_arn: str, *more: Any, **named: Any) -> Any:
            name = policy_arn.rpartition("/")[2]
            if ":iam::aws:policy/" in policy_arn and policy_arn not in self.managed_policies and name in known():
                policy = models.AWSManagedPolicy.from_data(name, self.account_id, self.region_name, known()[name])
                self.managed_policies[policy.arn] = policy
            return original(self, policy_arn, *more, **named)

        setattr(models.IAMBackend, method, with_policy)

    for method in ("attach_role_policy", "attach_group_policy", "attach_user_policy", "get_policy"):
        wrap(method)


def _bootstrap_bucket(context: Context, models: ModuleType) -> None:
    """The bucket that `cdk bootstrap` makes for assets."""
    name = f"cdk-hnb659fds-assets-{context.account}-{context.region}"
    models.s3_backends[context.account][context.partition].create_bucket(name, context.region)


def _bootstrap_version(context: Context, models: ModuleType) -> None:
    """The parameter by which templates check that the account is bootstrapped."""
    models.ssm_backends[context.account][context.region].put_parameter(
        name="/cdk-bootstrap/hnb659fds/version",
        description="",
        value="30",
        parameter_type="String",
        allowed_pattern=None,
        keyid=None,
        overwrite=True,
        tags=[],
        data_type="text",
        tier=None,
        policies=None,
    )


def _bootstrap_role(context: Context, models: ModuleType) -> None:
    """The role that CloudFormation acts with, as `cdk bootstrap` makes it, without its policy: rights are not enforced."""
    backend = models.iam_backends[context.account][context.partition]
    name = f"cdk-hnb659fds-cfn-exec-role-{context.account}-{context.region}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "cloudformation.amazonaws.com"}}
        ],
    }
    backend.create_role(
        role_name=name,
        assume_role_policy_document=json.dumps(trust),
        path="/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration="3600",
    )
