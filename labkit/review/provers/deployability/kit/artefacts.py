"""Whether the policies of S3 endpoints let a model's artefact through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from labkit.review.provers.deployability.kit import text
from stacks.rules.kit.policy import Statement, statements
from stacks.rules.kit.template import Resource

if TYPE_CHECKING:
    from labkit.review.provers.deployability.kit.view import View

# Where a model names its artefacts.
PLACES = (
    "PrimaryContainer.ModelDataUrl",
    "Containers.*.ModelDataUrl",
    "PrimaryContainer.ModelDataSource.S3DataSource.S3Uri",
    "Containers.*.ModelDataSource.S3DataSource.S3Uri",
)


def held_back(model: Resource, view: View) -> Iterator[tuple[str, Any, Resource]]:
    """Yield (path, value, endpoint) of the artefacts that an endpoint's policy keeps from a model."""
    subnets = view.network.subnets(view.items(model, "VpcConfig.Subnets"))
    for subnet in (subnets or ())[:1]:
        gates = view.network.endpoints_to("s3", subnet)
        if not gates or view.network.is_open(subnet) == "yes":
            continue
        for path in PLACES:
            for where, value in view.listed(model, path):
                if not any(_lets(gate, view.text(value) or "", view) for gate in gates):
                    yield where, value, gates[0]


def _lets(endpoint: Resource, uri: str, view: View) -> bool:
    document = endpoint.properties.get("PolicyDocument")
    if document is None or view.waits(document):
        return True
    return readable(statements(endpoint, "PolicyDocument"), uri, view)


def readable(found: Iterable[Statement], uri: str, view: View) -> bool:
    """Tell whether statements allow s3:GetObject on what an ``s3://`` address names; any other address is let pass."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or (
        bucket.count("${") and not re.fullmatch(r"[^$]*(\$\{[A-Za-z0-9:.]+\}[^$]*)+", bucket)
    ):
        return True
    reference = re.fullmatch(r"\$\{([A-Za-z0-9]+)\}", bucket)
    for one in found:
        if not (one.allows and one.covers("s3:GetObject")):
            continue
        for pattern in one.resources:
            if (reference is not None and f"${{{reference[1]}" in pattern) or _fits(pattern, bucket, key, view):
                return True
    return False


def _fits(pattern: str, bucket: str, key: str, view: View) -> bool:
    if pattern == "*":
        return True
    known = text.known(pattern, region=view.region, partition=view.partition)
    target = f"arn:{view.partition}:s3:::{bucket}/{key or '*'}"
    # A reference to another bucket of the template is that bucket and no other.
    for token in text.tokens(known):
        if token.partition(".")[0] in view.template.resources:
            return False
    return text.overlap(text.as_glob(known), text.as_glob(target))
