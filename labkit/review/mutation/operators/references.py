"""Breaks what refers to what, and in which order resources are made."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.review.mutation.kit.operator import Operator, Sites
from labkit.review.mutation.kit.places import Path, Template, at, dropped, put
from labkit.review.mutation.kit.references import depends_on, needs, reaches, referring
from stacks.rules.kit.values import references


def _first(kind: str) -> Sites:
    """The first reference of one kind in each resource."""

    def sites(template: Template) -> Iterator[Path]:
        names = template["Resources"].keys()
        for logical_id, body in template["Resources"].items():
            found = referring(body.get("Properties", {}), ("Resources", logical_id, "Properties"))
            yield from [path for path, name, target in found if name == kind and target in names][:1]

    return sites


def _dangling(template: Template, path: Path) -> Template:
    mutant: Template = put(template, path, {"Ref": f"{at(template, path)['Ref']}Gone"})
    return mutant


def _without_attribute(template: Template, path: Path) -> Template:
    target = at(template, path)["Fn::GetAtt"][0]
    mutant: Template = put(template, path, {"Fn::GetAtt": [target, "Nothing"]})
    return mutant


def _needed(template: Template) -> Iterator[Path]:
    """Every entry of ``DependsOn`` without which nothing else would keep the order."""
    graph = needs(template)
    for logical_id, body in template["Resources"].items():
        named = references(body.get("Properties", {}))
        for number, other in enumerate(depends_on(body)):
            step = (logical_id, other)
            if other not in named and not reaches(graph, logical_id, other, but=step):
                yield ("Resources", logical_id, "DependsOn", number)


def _referred(template: Template) -> Iterator[Path]:
    """Every resource that refers to another one: the other one will wait for it."""
    names = template["Resources"].keys()
    for logical_id, body in template["Resources"].items():
        if references(body.get("Properties", {})) & names:
            yield ("Resources", logical_id)


def _circular(template: Template, path: Path) -> Template:
    names = template["Resources"].keys()
    other = min(references(at(template, path).get("Properties", {})) & names)
    waits = [*depends_on(template["Resources"][other]), path[1]]
    mutant: Template = put(template, ("Resources", other, "DependsOn"), waits)
    return mutant


def _outputs(template: Template) -> Iterator[Path]:
    for name, output in template.get("Outputs", {}).items():
        for path, kind, _ in referring(output, ("Outputs", name)):
            if kind == "Ref":
                yield path


OPERATORS = (
    Operator(
        id="reference-dangling",
        title="A reference to a resource that is not there",
        breaks="deployment",
        sites=_first("Ref"),
        apply=_dangling,
    ),
    Operator(
        id="attribute-unknown",
        title="A reference to an attribute that does not exist",
        breaks="deployment",
        sites=_first("Fn::GetAtt"),
        apply=_without_attribute,
    ),
    Operator(
        id="drop-dependency",
        title="A resource that does not wait for what it needs",
        breaks="deployment",
        sites=_needed,
        apply=dropped,
    ),
    Operator(
        id="circular-dependency",
        title="Two resources that wait for each other",
        breaks="deployment",
        sites=_referred,
        apply=_circular,
    ),
    Operator(
        id="output-dangling",
        title="An output of a resource that is not there",
        breaks="deployment",
        sites=_outputs,
        apply=_dangling,
    ),
)
