"""The estimate: what a lab costs per hour, if forgotten for a month, and after it is destroyed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from labkit.assembly import Assembly
from labkit.cost import sagemaker  # noqa: F401  registers its rules
from labkit.cost.free import free_source
from labkit.cost.leftovers import Leftover, leftovers
from labkit.cost.line import Line, free, unknown, usage
from labkit.cost.prices import HOURS_A_MONTH, REGION
from labkit.cost.rules import RULES
from labkit.cost.template import Template
from labkit.cost.usage import USAGE


@dataclass(frozen=True)
class Estimate:
    """What a lab costs in USD, at the table's prices of us-east-1, on demand, without free tier or discounts.

    ``lines`` has at least one line for each resource, ``after_destroy`` what outlives the stack, ``notes`` what the
    figures leave out.
    """

    lab: str
    region: str
    lines: tuple[Line, ...]
    after_destroy: tuple[Leftover, ...]
    notes: tuple[str, ...]

    @property
    def hourly(self) -> float:
        """Per hour from the moment it is deployed, whether it is used or not."""
        return sum(line.hourly for line in self.lines)

    @property
    def hourly_most(self) -> float:
        """Per hour when everything that scales has scaled out as far as it may."""
        return sum(line.hourly_most for line in self.lines)

    @property
    def daily(self) -> float:
        return self.hourly * 24

    @property
    def monthly(self) -> float:
        """When it is forgotten for a month of 730 hours."""
        return self.hourly * HOURS_A_MONTH

    @property
    def monthly_most(self) -> float:
        return self.hourly_most * HOURS_A_MONTH

    @property
    def after_destroy_monthly(self) -> float:
        """Per month after the stack is deleted, as far as it does not depend on what was stored."""
        return sum(left.monthly or 0.0 for left in self.after_destroy)

    def rows(self) -> list[dict[str, str]]:
        """What runs by the hour as a table to print, dearest first; ``labkit.cost.tables`` has the others."""
        from labkit.cost.tables import running

        return running(self)

    def to_json(self) -> str:
        """The whole estimate as JSON, figures unrounded."""
        totals = ("hourly", "hourly_most", "daily", "monthly", "monthly_most", "after_destroy_monthly")
        record: dict[str, Any] = {"lab": self.lab, "region": self.region, "currency": "USD", "prices_of": REGION}
        record |= {name: getattr(self, name) for name in totals}
        record["lines"] = [
            asdict(line) | {"hourly": line.hourly, "hourly_most": line.hourly_most} for line in self.lines
        ]
        record["after_destroy"] = [asdict(left) for left in self.after_destroy]
        record["notes"] = list(self.notes)
        return json.dumps(record, indent=2)


def estimate(assembly: Assembly) -> Estimate:
    """Estimate a lab from its template, with every parameter at its default."""
    template = Template(assembly.template, assembly.region)
    lines = tuple(line for resource in template.resources.values() for line in _lines(resource, template))
    left = tuple(leftovers(template, lines))
    return Estimate(assembly.lab, assembly.region, lines, left, tuple(_notes(assembly.region, template, lines)))


def unpriced(template: Mapping[str, Any]) -> list[str]:
    """The resource types of a template that no rule knows, sorted; a catalogue has none."""
    types = {resource["Type"] for resource in template.get("Resources", {}).values()}
    return sorted(type_ for type_ in types if not _known(type_))


def _known(type_: str) -> bool:
    return type_ in RULES or type_ in USAGE or free_source(type_) is not None


def _lines(resource: Any, template: Template) -> list[Line]:
    type_ = resource.type
    if type_ in RULES:
        return list(RULES[type_](resource, template))
    if type_ in USAGE:
        return [usage(resource, drive.service, drive.item, why=drive.why) for drive in USAGE[type_]]
    source = free_source(type_)
    if source is not None:
        return [free(resource, source=source)]
    return [unknown(resource, type_.split("::")[1], type_, why="this resource type has no rule")]


def _notes(region: str, template: Template, lines: tuple[Line, ...]) -> list[str]:
    notes = ["On demand, without free tier, discounts and taxes; data transfer between zones is left out."]
    if region != REGION:
        notes.append(f"Prices of {REGION}; {region} differs.")
    without = sorted({f"{line.service} {line.item}" for line in lines if line.unpriced})
    if without:
        notes.append(f"No price known for: {'; '.join(without)}.")
    used = {line.price for line in lines if line.price and line.kind == "fixed" and line.quantity}
    dated = sorted(price.as_of for price in used if price.as_of != "unknown")
    if dated:
        when = f"on {dated[0]}" if dated[0] == dated[-1] else f"between {dated[0]} and {dated[-1]}"
        notes.append(f"Prices of what runs were read {when}.")
    undated = sorted(f"{price.service} {price.item}" for price in used if price.as_of == "unknown")
    if undated:
        notes.append(f"Prices without a date: {'; '.join(undated)}.")
    open_conditions = sorted(name for name in template.body.get("Conditions", {}) if template.holds(name) is None)
    if open_conditions:
        notes.append(f"Counted although it is not known whether they hold: {', '.join(open_conditions)}.")
    return notes
