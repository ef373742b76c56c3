"""Which code of the lab's archives a workload runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from labkit.review.provers.deployability.kit.view import View
from labkit.review.provers.isolation.archives import Archives, joined, members, read_archive
from labkit.review.provers.isolation.calls import Reading, read_source
from labkit.review.provers.isolation.documents import objects
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_function


class Code:
    """The code of a template's workloads."""

    def __init__(self, view: View, archives: Archives) -> None:
        self._view = view
        self._archives = archives

    def of(self, resource: Resource) -> Reading:
        """What a resource runs."""
        if resource.type == "AWS::Lambda::Function":
            return self._function(resource)
        if resource.type == "AWS::SageMaker::Model":
            uris = [self._view.text(value) or "" for _, value in _values(resource, "ModelDataUrl")]
            found = [path for uri in uris if (path := self._archives.holding(uri)) is not None]
            return joined(map(read_archive, found)) if found else Reading(doubts=("its code is not packed here",))
        if resource.type == "AWS::CodeBuild::Project":
            return self._build(resource)
        return Reading(doubts=("its code is not in the template",))

    def _function(self, function: Resource) -> Reading:
        inline = self._view.text(function.one("Code.ZipFile"))
        if inline is not None:
            runtime = self._view.plain(function.properties.get("Runtime")) or ""
            if not runtime.startswith("python"):
                return Reading(doubts=(f"its code is not Python ({runtime or 'no runtime'})",))
            return read_source(inline, "index.py")
        archive = self._archives.holding(self._view.text(function.one("Code.S3Key")) or "")
        if archive is None:
            return Reading(doubts=("its code is not packed here",))
        handler = (self._view.plain(function.properties.get("Handler")) or "").rpartition(".")[0]
        return read_archive(archive, starts=[f"{handler.replace('.', '/')}.py"])

    def _build(self, project: Resource) -> Reading:
        spec = self._view.text(project.one("Source.BuildSpec")) or ""
        archives = self._archives.with_member(spec) if spec and "\n" not in spec else []
        text = members(archives[0])[spec] if archives else spec
        programs = re.findall(r"python[\d.]*\s+(?:-m\s+)?([\w./-]+)", text)
        doubts = [f"its build runs: {line.strip()}" for line in text.splitlines() if re.search(r"\b(aws|cdk|pip|npm|curl|docker)\s", line)]  # fmt: skip
        if not archives or not programs or doubts:
            return Reading(doubts=tuple(doubts) or ("what its build runs is not packed here",))
        starts = [one if one.endswith(".py") else f"{one.replace('.', '/')}.py" for one in programs]
        return read_archive(archives[0], starts=starts)

    def of_job(self, body: dict[str, Any]) -> Reading:
        """What a job runs: the archives that its definition names."""
        texts = [self._view.text(value) or "" for _, one in objects(body) for value in one.values()
                 if isinstance(value, str) or is_function(value)]  # fmt: skip
        found = dict.fromkeys(path for text in texts if (path := self._archives.holding(text)) is not None)
        packed = [path for path in found if any(name.endswith(".py") for name in members(path))]
        return joined(map(read_archive, packed)) if packed else Reading(doubts=("its code is not packed here",))


def _values(resource: Resource, key: str) -> Iterator[tuple[str, Any]]:
    for _, one in objects(resource.properties):
        if key in one:
            yield key, one[key]
