"""Who publishes the metrics of a namespace: what packed code, settings and metric filters of a template say of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.review.provers.deployability.kit import text
from labkit.review.provers.isolation.archives import members
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import strings

if TYPE_CHECKING:
    from labkit.review.provers.deployability.kit.view import View

# They look at metrics or allow calls; none of them publishes.
_READERS = (
    *("AWS::CloudWatch::", "AWS::IAM::", "AWS::KMS::", "AWS::EC2::VPCEndpoint", "AWS::ApplicationAutoScaling::"),
    *("AWS::AutoScaling::ScalingPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"),
)
_FILTER = "AWS::Logs::MetricFilter"
_LAYER = "AWS::Lambda::LayerVersion"
_BETWEEN = re.compile(r"[\s,;:=\"'`\[\]{}()|\\]+")
_PLACE = re.compile(r"%\([^)]*\)[a-z]|%[a-z]|\{[^}]*\}")
# Names of calls whose first argument, or argument ``name``, is a metric's name.
_CALLS = ("add_metric", "put_metric")


@dataclass(frozen=True)
class Said:
    """What one publisher says.

    Args:
        words: texts that stand in it.
        patterns: of texts that it composes; ``*`` is what only the run knows.
        computes: it takes names of metrics from elsewhere.
    """

    words: frozenset[str]
    patterns: frozenset[str] = frozenset()
    computes: bool = False

    def knows(self, name: str) -> bool:
        """Tell whether a name stands in it, or is one that it may compose."""
        return name in self.words or any(text.overlap(pattern, name) for pattern in self.patterns)


def publishers(namespace: str, view: View) -> tuple[Said, ...]:
    """Return every publisher of a namespace; none where one cannot be read, or where all are outside the stack."""
    found: tuple[Said, ...] = view.once(f"publishers of {namespace}", lambda: _publishers(namespace, view))
    return found


def _publishers(namespace: str, view: View) -> tuple[Said, ...]:
    for part in ("Parameters", "Mappings"):
        if any(namespace in one for _, one in strings(view.template.content.get(part))):
            return ()  # whoever refers to it publishes under this name too
    found: list[Said] = []
    for resource in view.template.resources.values():
        if resource.type == _FILTER:
            for said in _filtered(resource, namespace, view):
                if said is None:
                    return ()
                found.append(said)
        elif not resource.type.startswith(_READERS):
            said_here = _resource(resource, view)
            if not any(namespace in said.words for said in said_here):
                continue
            if len(said_here) == 1:
                return ()  # it has the name in its settings, and its code is not here
            found += said_here
    return tuple(found)


def _filtered(resource: Resource, namespace: str, view: View) -> Iterator[Said | None]:
    for _, one in view.listed(resource, "MetricTransformations.*"):
        given = view.text(one.get("MetricNamespace")) if isinstance(one, dict) and not view.waits(one) else "${?}"
        if given is None or not text.overlap(text.as_glob(given), namespace):
            continue
        name = view.text(one.get("MetricName")) if text.is_plain(given) else None
        if name is None:
            yield None
            continue
        dimensions = frozenset(
            key for _, value in view.listed(resource, "MetricTransformations.*.Dimensions.*.Key") if (key := view.plain(value))
        )  # fmt: skip
        if text.is_plain(name):
            yield Said(dimensions | {name})
        else:
            yield Said(dimensions, frozenset([text.as_glob(name)]))


def _resource(resource: Resource, view: View) -> list[Said]:
    """The settings of a resource first, then each piece of its code that can be read."""
    inline = [one for _, value in view.listed(resource, "Code.ZipFile") for one in view.texts(value)]
    texts = [one for one in view.texts_in(resource) if one not in inline]
    found = [Said(frozenset(word for one in texts if len(one) < 50_000 for word in (one, *_BETWEEN.split(one))))]
    found += _packed(texts, view)
    if resource.type == "AWS::Lambda::Function":
        found += [said_by(one) for one in inline]
        for layer in view.items(resource, "Layers"):
            made = view.target(layer, _LAYER)
            code = _packed(view.texts_in(made), view) if made is not None else []
            if len(found) > 1:
                found += code or [Said(frozenset(), computes=True)]
    return found


def _packed(texts: Iterable[str], view: View) -> list[Said]:
    known = view.files.items()
    paths = dict.fromkeys(path for one in texts for key, path in known if key in one)
    return [said for path in paths if (said := _archive(path)) is not None]


def _archive(path: Path) -> Said | None:
    files = members(path)
    return _read(path, path.stat().st_mtime_ns) if any(name.endswith(".py") for name in files) else None


@cache
def _read(path: Path, changed: int) -> Said:
    every = [said_by(content) for content in members(path).values()]
    words = frozenset().union(*(one.words for one in every))
    patterns = frozenset().union(*(one.patterns for one in every))
    # Programs in another language are read as words, which says nothing of what they compute.
    return Said(words, patterns, any(one.computes for one in every))


@cache
def said_by(source: str) -> Said:
    """Read a program: Python as such, anything else as words."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Said(frozenset(_BETWEEN.split(source)), computes=True)
    comments = {id(node.value) for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    words: set[str] = set()
    patterns: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in comments:
            words.add(node.value)
            if node.value[:1] in ("{", "[") or not re.search(r"\s", node.value):
                words.update(_BETWEEN.split(node.value))
        elif isinstance(node, ast.keyword) and node.arg:
            words.add(node.arg)
        elif pattern := _composed(node):
            patterns.add(pattern)
    return Said(frozenset(words), frozenset(patterns), any(_computes(node) for node in nodes))


def _composed(node: ast.AST) -> str:
    """The pattern of a text that an expression composes; nothing where too little of it is known."""
    pattern = _pattern(node)
    return pattern if len(re.findall(r"[A-Za-z0-9]", pattern)) > 1 else ""


def _pattern(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_constant(part) or "*" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{_constant(node.left) or '*'}{_constant(node.right) or '*'}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _PLACE.sub("*", _constant(node.left))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _PLACE.sub("*", _constant(node.func.value))
    return ""


def _computes(node: ast.AST) -> bool:
    if isinstance(node, ast.Dict):
        pairs: Iterable[tuple[Any, ast.expr]] = zip(node.keys, node.values, strict=True)
        return any(_constant(key) == "MetricName" and not _named(value) for key, value in pairs)
    if isinstance(node, ast.keyword):
        return node.arg == "MetricName" and not _named(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CALLS:
        given = [*node.args[:1], *(one.value for one in node.keywords if one.arg == "name")]
        return any(not _named(one) for one in given)
    return False


def _named(node: ast.AST) -> str:
    return _constant(node) or _composed(node)


def _constant(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
