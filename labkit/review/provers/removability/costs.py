"""What something that stays costs, in words, from the table of prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labkit.assembly import Assembly
from labkit.cost import Leftover, estimate, price


@dataclass(frozen=True)
class Costs:
    """The costs of one lab's leftovers.

    Args:
        known: leftovers by resource, as the estimate has them.
    """

    known: Mapping[str, tuple[Leftover, ...]]

    @classmethod
    def of(cls, assembly: Assembly) -> Costs:
        """Estimate a lab; a template that cannot be estimated has no known costs."""
        found: dict[str, tuple[Leftover, ...]] = {}
        try:
            for left in estimate(assembly).after_destroy:
                found[left.resource] = (*found.get(left.resource, ()), left)
        # A template is input: a part that the estimate does not expect costs an unknown amount.
        except Exception:
            return cls({})
        return cls(found)

    def kept(self, logical_id: str) -> str:
        """What a resource costs that is kept."""
        for left in self.known.get(logical_id, ()):
            return "costs nothing" if left.monthly == 0 else f"goes on costing USD {left.costs}"
        return "may cost, at a price that is not known"


def priced(item: list[str] | None) -> str:
    """A unit price, in words."""
    if item is None:
        return "costs nothing"
    found = price(*item)
    return f"costs USD {found.usd:g} per {found.unit}" if found else "costs an amount that no price is known of"
