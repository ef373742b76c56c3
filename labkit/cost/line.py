"""One line of an estimate, and the four kinds that there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from labkit.cost.prices import Price, price
from labkit.cost.template import Resource

Kind = Literal["fixed", "usage", "free", "unknown"]


@dataclass(frozen=True)
class Line:
    """What one resource costs.

    ``fixed`` costs ``quantity`` units as long as the resource exists, up to ``most`` when it scales; ``usage`` has a
    unit price and no amount, because only the reader knows what will be used; ``free`` names who says so;
    ``unknown`` says that no price is known of something that may run by the hour, which is not the same as nothing.
    """

    resource: str
    type: str
    kind: Kind
    service: str
    item: str
    why: str
    price: Price | None = None
    quantity: float = 0
    most: float = 0

    @property
    def unpriced(self) -> bool:
        """Whether it may cost and the table does not know how much."""
        return self.price is None and self.kind != "free"

    @property
    def hourly(self) -> float:
        """USD per hour while the resource exists; 0 for what is charged by use."""
        return self._per_hour(self.quantity)

    @property
    def hourly_most(self) -> float:
        """USD per hour when the resource has scaled out as far as it may."""
        return self._per_hour(max(self.quantity, self.most))

    def _per_hour(self, quantity: float) -> float:
        if self.kind != "fixed" or self.price is None or self.price.hours is None:
            return 0.0
        return self.price.usd * quantity / self.price.hours


def fixed(resource: Resource, service: str, item: str, *, quantity: float, why: str, most: float = 0) -> Line:
    """A cost that runs as long as the resource exists; ``unknown`` when the table has no row for it."""
    known = price(service, item)
    if known is None:
        return unknown(resource, service, item, why=f"{quantity:g} x {item}")
    return Line(resource.logical_id, resource.type, "fixed", service, item, why, known, quantity, max(quantity, most))


def usage(resource: Resource, service: str, item: str, *, why: str) -> Line:
    """A cost that something drives; without a price when the table has no row for it, which is shown.

    Args:
        why: what drives it, such as ``each query``.
    """
    return Line(resource.logical_id, resource.type, "usage", service, item, why, price(service, item))


def free(resource: Resource, *, source: str) -> Line:
    """No charge of its own, and who says so."""
    return Line(resource.logical_id, resource.type, "free", resource.type.split("::")[1], "no charge", source)


def unknown(resource: Resource, service: str, item: str, *, why: str) -> Line:
    """Something that costs by the hour, or may, and whose price the table does not hold: no total is complete."""
    return Line(resource.logical_id, resource.type, "unknown", service, item, why)
