"""A service that sends to an encrypted queue or topic may use the key."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.deliveries import deliveries
from labkit.review.provers.deployability.kit.tables import by_type
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_NEEDED = ("kms:GenerateDataKey", "kms:Decrypt")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    seen = set()
    for sent in deliveries(resource, view):
        if sent.target.type not in ("AWS::SNS::Topic", "AWS::SQS::Queue"):
            continue
        if (sent.target.logical_id, sent.principal) in seen:
            continue
        seen.add((sent.target.logical_id, sent.principal))
        source = view.target(resource.one(sent.row["on_behalf"])) if "on_behalf" in sent.row else resource
        for _, value in sent.target.each("KmsMasterKeyId"):
            where = f"{sent.path}: {sent.target.logical_id}.KmsMasterKeyId"
            key = view.keys.of(value)
            if key is not None:
                missing = view.keys.service_lacks(key, sent.principal, _NEEDED, source=source)
                if missing:
                    yield Fault(
                        where,
                        value,
                        f"{sent.principal} lacks {' and '.join(missing)} in the policy of {key.logical_id}, so nothing "
                        f"arrives in {sent.target.logical_id}",
                        fix=f"Allow {' and '.join(_NEEDED)} to {sent.principal} in the policy of {key.logical_id}.",
                    )
            elif view.keys.kind(value) == "elsewhere":
                what = (
                    f"the key is not in the template, so whether its policy lets {sent.principal} use it is not known"
                )
                yield Fault(where, value, what, undecided=True)


CHECK = Check(
    id="deploy-target-key-lets-sender",
    title="A service that sends to an encrypted queue or topic may use the key",
    phase="first-use",
    why="The sender encrypts the message: it needs the key under its own name, besides being let in by the target.",
    fix="Allow kms:GenerateDataKey and kms:Decrypt to the sending service in the key's policy.",
    error="User: <service>.amazonaws.com is not authorized to perform: kms:GenerateDataKey on this resource because "
    "the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy "
    "explicitly denies access",
    sources=(
        "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
        "https://github.com/aws/aws-cdk/issues/33827",
        "https://github.com/aws/aws-cdk/issues/2504",
    ),
    covers=("DF-005", "DF-007"),
    types=tuple(by_type("deliveries", "delivery")),
    look=look,
)
