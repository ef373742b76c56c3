"""What no rehearsal can show, whatever the lab: it stands in every report."""

from __future__ import annotations

NEVER: tuple[str, ...] = (
    "IAM: rights are stored and not enforced; a missing permission shows in an account only",
    "KMS: key policies and grants are not enforced",
    "Network: no packet flows; routes, security groups, endpoint policies and private DNS are stored",
    "TLS only: conditional denials of bucket, topic and queue policies are stored and not enforced",
    "Quotas, capacity and regional availability",
    "Checks that a service makes beyond its published API model",
    "Container images: none is pulled; the lab's code runs in this machine's Python",
    "CloudFormation: drift, change sets, stack policies, resource import",
    "Durations, timing under load and cost",
)
