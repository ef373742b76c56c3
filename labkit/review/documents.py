"""Reads a CloudFormation template from JSON or YAML, whatever stands in the file: the answer is a template or a message.

CloudFormation takes no YAML aliases and no merges, which is also what keeps a small file from growing without end.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# CloudFormation takes one megabyte; a file many times as large is no template.
LARGEST = 8_000_000
DEEPEST = 100


class DocumentError(ValueError):
    """Why a file is no template."""


def read_document(file: Path) -> dict[str, Any]:
    """A template as nested dictionaries, with short intrinsics such as ``!Sub`` written out.

    Raises:
        DocumentError: it cannot be read, with the reason and, where known, the line.
    """
    try:
        size = file.stat().st_size
        if size > LARGEST:
            raise DocumentError(f"{size} bytes; CloudFormation takes 1,000,000 and this reader {LARGEST}")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DocumentError(f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not UTF-8 text (byte {error.start})") from None
    content = _json(text) if text.lstrip()[:1] in ("{", "[") else _yaml(text)
    if not isinstance(content, dict):
        raise DocumentError(f"a template is a mapping with Resources, got {type(content).__name__}")
    _bounded(content)
    return content


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise DocumentError(f"is not JSON: line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise DocumentError(f"is nested deeper than {DEEPEST} levels") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DocumentError(f"says {twice!r} twice in one place")
    return found


def _bounded(content: Any) -> None:
    """Refuse what later readers could not walk through."""
    level: list[Any] = [content]
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
        if not level:
            return
    raise DocumentError(f"is nested deeper than {DEEPEST} levels")


def _yaml(text: str) -> Any:
    import yaml  # type: ignore[import-untyped]

    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader

    class Template(loader):  # type: ignore[misc, valid-type]
        """A safe loader that knows CloudFormation's tags."""

    Template.add_multi_constructor("!", _intrinsic)
    # Dates stay the texts that CloudFormation reads.
    Template.add_constructor("tag:yaml.org,2002:timestamp", lambda self, node: self.construct_scalar(node))
    try:
        _refuse_aliases(yaml, text, loader)
        return yaml.load(text, Loader=Template)  # noqa: S506 - a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DocumentError(f"is not YAML: line {line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(f"is not YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise DocumentError(f"is nested deeper than {DEEPEST} levels") from None


def _refuse_aliases(yaml: Any, text: str, loader: Any) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent):
            raise DocumentError(
                f"line {event.start_mark.line + 1}: YAML aliases (*{event.anchor}) are not taken by CloudFormation"
            )
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > DEEPEST:
                raise DocumentError(f"line {event.start_mark.line + 1}: nested deeper than {DEEPEST} levels")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


def _intrinsic(loader: Any, tag: str, node: Any) -> dict[str, Any]:
    import yaml

    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag in ("Ref", "Condition"):
        return {tag: value}
    if tag == "GetAtt" and isinstance(value, str):
        value = list(value.partition(".")[::2])
    return {f"Fn::{tag}": value}
