"""A knowledge base finds its vector index, with the fields and the dimension it expects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import each

_AT = "StorageConfiguration.OpensearchServerlessConfiguration"
_STORES = {
    "StorageConfiguration.RdsConfiguration.ResourceArn": (
        "AWS::RDS::DBCluster",
        "the table, its extension and its index",
    ),
    "StorageConfiguration.OpensearchManagedClusterConfiguration.DomainArn": (
        "AWS::OpenSearchService::Domain",
        "the index",
    ),
}
# The length of the vectors that embedding models give when nothing else is asked for.
# Source: https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-supported.html, read 2026-11-22.
_LENGTHS = {"amazon.titan-embed-text-v1": 1536, "amazon.titan-embed-text-v2": 1024, "cohere.embed-english-v3": 1024,
            "cohere.embed-multilingual-v3": 1024, "amazon.titan-embed-image-v1": 1024}  # fmt: skip
_INDEX = "AWS::OpenSearchServerless::Index"


def look(resource: Resource, view: View) -> Iterable[Fault]:
    name = view.text(resource.one(f"{_AT}.VectorIndexName"))
    if resource.one(f"{_AT}.VectorIndexName") is not None:
        yield from _serverless(resource, name, view)
    for path, (type_, what) in _STORES.items():
        store = view.target(resource.one(path), type_)
        if store is not None and not any(
            view.graph.precedes(one, resource) and view.graph.precedes(store, one) for one in _customs(view)
        ):
            yield Fault(
                path,
                resource.one(path),
                f"{store.logical_id} is made by this stack, and nothing makes {what} in it before the knowledge base",
            )


def _customs(view: View) -> list[Resource]:
    found: list[Resource] | None = view.memory.get("custom resources")
    if found is None:
        found = [
            one
            for one in view.template.resources.values()
            if one.type.startswith("Custom::") or one.type == "AWS::CloudFormation::CustomResource"
        ]
        view.memory["custom resources"] = found
    return found


def _serverless(base: Resource, name: str | None, view: View) -> Iterator[Fault]:
    where = f"{_AT}.VectorIndexName"
    indexes = [one for one in view.of(_INDEX) if view.text(one.properties.get("IndexName")) == name]
    if not indexes:
        named = view.target(base.one(where), _INDEX)
        indexes = [named] if named is not None else []
    custom = [one for one in _customs(view) if name and name in view.texts_in(one)]
    makers = [one for one in [*indexes, *custom] if view.graph.precedes(one, base)]
    if not makers:
        late = [*indexes, *custom]
        collection = view.target(base.one(f"{_AT}.CollectionArn"))
        what = (
            f"{base.logical_id} does not wait for {late[0].logical_id}, which makes the index"
            if late
            else "nothing in the stack makes the index before the knowledge base"
        )
        yield Fault(where, name, what, fix=f"Add DependsOn {late[0].logical_id}." if late else "",
                    undecided=not late and collection is None)  # fmt: skip
    for index in indexes:
        yield from _fields(base, index, view)


def _fields(base: Resource, index: Resource, view: View) -> Iterator[Fault]:
    properties = index.one("Mappings.Properties")
    if not isinstance(properties, dict) or view.waits(properties):
        return
    vector: Any = None
    for kind in ("VectorField", "TextField", "MetadataField"):
        wanted = view.plain(base.one(f"{_AT}.FieldMapping.{kind}"))
        if wanted is None:
            continue
        if wanted not in properties:
            yield Fault(f"{_AT}.FieldMapping.{kind}", wanted, f"{index.logical_id} has no field {wanted}, only {', '.join(properties)}",
                        error="The knowledge base storage configuration provided is invalid: query vector field is not indexed",
                        fix="Use the index's field names.")  # fmt: skip
        elif kind == "VectorField":
            vector = properties[wanted]
    length = (
        text.number(next((value for _, value in each(vector, "Dimension")), None)) if isinstance(vector, dict) else None
    )
    expected = _expected(base, view)
    if length is not None and expected is not None and length != expected:
        yield Fault(f"{index.logical_id}.Mappings", length, f"the embedding model gives vectors of {expected} numbers",
                    error=f"The knowledge base storage configuration provided is invalid: query vector has invalid dimension: {expected}. Dimension should be: {length}",
                    fix=f"Make the index with dimension {expected}.")  # fmt: skip


def _expected(base: Resource, view: View) -> int | None:
    at = "KnowledgeBaseConfiguration.VectorKnowledgeBaseConfiguration"
    asked = text.number(base.one(f"{at}.EmbeddingModelConfiguration.BedrockEmbeddingModelConfiguration.Dimensions"))
    model = json.dumps(base.one(f"{at}.EmbeddingModelArn"), default=str)
    return asked or next((length for name, length in _LENGTHS.items() if name in model), None)


CHECK = Check(
    id="deploy-vector-index-ready",
    title="A knowledge base's vector index is made before it, with the fields and the dimension it expects",
    phase="create",
    why="Bedrock looks for the index when the knowledge base is created, and makes none.",
    fix="Make the index (AWS::OpenSearchServerless::Index or a custom resource) and let the knowledge base depend on it.",
    error="The knowledge base storage configuration provided is invalid, please check your configuration. (no such index)",
    sources=(
        "https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html",
        "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2043",
        "https://github.com/aws-samples/sample-well-architected-acceleration-with-generative-ai/issues/7",
    ),
    covers=("DF-111",),
    types=("AWS::Bedrock::KnowledgeBase",),
    look=look,
)
