"""Is the account ready for a lab? Asked before anything is created."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from labkit.assembly import Assembly
from labkit.catalogue import Lab
from labkit.errors import UserError
from labkit.sandbox.account import Account, told
from labkit.sandbox.deploy import status

State = Literal["good", "bad", "look"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, what was found, and what to do about it."""

    what: str
    state: State
    found: str
    do: str = ""


def examine(lab: Lab, assembly: Assembly) -> list[Check]:
    """Check credentials, bootstrap, quotas, and the stack's own state.

    Args:
        lab: from the catalogue.
        assembly: what would be deployed.
    """
    checks = []
    try:
        account = Account(assembly)
    except UserError as error:
        return [Check("credentials", "bad", str(error), "set AWS_PROFILE or sign in")]
    checks.append(Check("credentials", "good", f"account {account.id}, region {account.region}"))
    try:
        account.require_bootstrap()
        checks.append(Check("CDK bootstrap", "good", account.bucket))
    except UserError as error:
        checks.append(
            Check("CDK bootstrap", "bad", str(error), f"npx cdk bootstrap aws://{account.id}/{account.region}")
        )
    state = status(account.client("cloudformation"), assembly.stack)
    broken = (state is not None and not state.endswith("_COMPLETE")) or state == "ROLLBACK_COMPLETE"
    checks.append(
        Check(
            "stack",
            "bad" if broken else "good",
            f"{assembly.stack}: {state or 'not deployed'}",
            f"labs destroy {lab.name}" if broken else "",
        )
    )
    checks += [_quota(account, quota.code, quota.name, quota.needed, quota.why) for quota in lab.quotas]
    checks.append(Check("availability", "good" if lab.availability == "open" else "look", lab.availability))
    return checks


def _quota(account: Account, code: str, name: str, needed: int, why: str) -> Check:
    what = f"quota {code}: {name}"
    request = (
        f"aws service-quotas request-service-quota-increase --service-code sagemaker "
        f"--quota-code {code} --desired-value {needed} --region {account.region}"
    )
    try:
        with told():
            answer = account.client("service-quotas").get_service_quota(ServiceCode="sagemaker", QuotaCode=code)
    except UserError as error:
        return Check(what, "look", f"could not be read: {error}", request)
    value = answer["Quota"]["Value"]
    if value < needed:
        return Check(what, "bad", f"{value:g}; {needed} needed: {why}", request)
    return Check(what, "good", f"{value:g}; {needed} needed")
