"""Reserved concurrency fits into the smallest account."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_PLACES = {
    "AWS::Lambda::Function": "ReservedConcurrentExecutions",
    "AWS::Lambda::Alias": "ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions",
    "AWS::Lambda::Version": "ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions",
    "AWS::Serverless::Function": "ReservedConcurrentExecutions",
}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    path = _PLACES[resource.type]
    for where, value in view.listed(resource, path):
        wanted = text.number(value)
        if view.waits(value) or (wanted is not None and wanted > 0):
            yield Fault(
                where,
                value,
                f"{value if wanted is not None else 'a number given at deployment'} of the account's concurrent executions "
                "are set aside; a new account has 10, all of which must stay free",
                undecided=True,
            )
    if path == "ReservedConcurrentExecutions":
        total = view.memory.get("reserved")
        if total is None:
            found = (text.number(one.properties.get(path)) for one in view.of("AWS::Lambda::Function"))
            total = view.memory["reserved"] = sum(one for one in found if one is not None and one > 0)
        if total > 900 and (text.number(resource.properties.get(path)) or 0) > 0:
            yield Fault(path, total, f"the stack sets {total} aside, and of the usual 1000 an account must keep 100")


CHECK = Check(
    id="deploy-concurrency-within-account",
    title="No function sets concurrency aside that a small account does not have",
    phase="create",
    why="Accounts start with a limit of 10 concurrent executions, and as many must stay unreserved (100 in others).",
    fix="Leave the reservation out, make it a setting, or state the quota that the account needs.",
    error="Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
    "its minimum value of [10].",
    sources=(
        "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
        "https://github.com/aws-samples/one-observability-demo/issues/278",
        "https://github.com/go-to-k/cdk-real-drift/issues/685",
    ),
    covers=("DF-099",),
    types=tuple(_PLACES),
    look=look,
)
