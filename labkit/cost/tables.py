"""An estimate as rows to read: what runs, what use drives, and what stays."""

from __future__ import annotations

from labkit.cost.estimate import Estimate
from labkit.cost.line import Line
from labkit.cost.prices import HOURS_A_MONTH, Price


def money(usd: float) -> str:
    """An amount of USD with the digits that matter: none is rounded to nothing."""
    if usd == 0:
        return "0.00"
    digits = 2 if abs(usd) >= 10 else 3 if abs(usd) >= 0.1 else 4 if abs(usd) >= 0.001 else 10
    return _trimmed(f"{usd:,.{digits}f}")


def unit(price: Price) -> str:
    """A unit price as the table has it."""
    return f"{_trimmed(f'{price.usd:.10f}')} per {price.unit}"


def _trimmed(text: str) -> str:
    whole, decimals = text.split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def span(usd: float, most: float) -> str:
    """One amount, or the amount now and the most that scaling may make of it."""
    return money(usd) if most <= usd else f"{money(usd)}, up to {money(most)}"


def per_hour(estimate: Estimate) -> str:
    """The figure for one line of a listing; marked when a price is missing from it."""
    missing = any(line.kind == "unknown" for line in estimate.lines)
    return span(estimate.hourly, estimate.hourly_most) + (" + ?" if missing else "")


def running(estimate: Estimate) -> list[dict[str, str]]:
    """One row per unit price of what costs by the hour, dearest first, and one per unknown price."""
    rows = []
    groups = _grouped(estimate, "fixed")
    for (service, item, _), lines in sorted(groups.items(), key=lambda group: (-_sum(group[1]), group[0])):
        price = lines[0].price
        if price is None or not any(line.most for line in lines):
            continue
        quantity, most = sum(line.quantity for line in lines), sum(line.most for line in lines)
        rows.append(
            {
                "what": f"{service}: {item}",
                "counted": f"{quantity:g}" if most <= quantity else f"{quantity:g}, up to {most:g}",
                "unit price": unit(price),
                "USD per hour": span(_sum(lines), sum(line.hourly_most for line in lines)),
                "as of": price.as_of,
            }
        )
    for (service, item, _), lines in sorted(_grouped(estimate, "unknown").items()):
        counted = {"counted": str(len(lines)), "unit price": "no price known", "USD per hour": "?", "as of": ""}
        rows.append({"what": f"{service}: {item}", **counted})
    return rows


def driven(estimate: Estimate) -> list[dict[str, str]]:
    """One row per unit price that use drives; no amounts, because nobody knows them beforehand."""
    rows = []
    for (service, item, why), lines in sorted(_grouped(estimate, "usage").items()):
        price = lines[0].price
        cost, as_of = (unit(price), price.as_of) if price else ("no price known", "")
        rows.append({"what": f"{service}: {item}", "unit price": cost, "driven by": why, "as of": as_of})
    return rows


def staying(estimate: Estimate) -> list[dict[str, str]]:
    """One row per thing that outlives the stack."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for left in estimate.after_destroy:
        rows.setdefault((left.what, left.costs, left.why), []).append(left.resource)
    return [
        {"what": what, "of": ", ".join(resources), "USD": cost, "why": why}
        for (what, cost, why), resources in rows.items()
    ]


def totals(estimate: Estimate) -> list[tuple[str, str]]:
    """The four figures that a person asks for, in USD."""
    stays = money(estimate.after_destroy_monthly)
    if any(left.monthly is None for left in estimate.after_destroy):
        stays += " and what is stored, see below"
    missing = " + ?" if any(line.kind == "unknown" for line in estimate.lines) else ""
    return [
        ("per hour while deployed", per_hour(estimate)),
        ("per day", span(estimate.daily, estimate.hourly_most * 24) + missing),
        (f"if forgotten for a month ({HOURS_A_MONTH} h)", span(estimate.monthly, estimate.monthly_most) + missing),
        ("per month after destroy", stays),
    ]


def _grouped(estimate: Estimate, kind: str) -> dict[tuple[str, str, str], list[Line]]:
    """Lines of one kind by unit price; those driven by use also by what drives them."""
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for line in estimate.lines:
        if line.kind == kind:
            groups.setdefault((line.service, line.item, line.why if kind == "usage" else ""), []).append(line)
    return groups


def _sum(lines: list[Line]) -> float:
    return sum(line.hourly for line in lines)
