"""What a lab costs, told from its template before anything is created."""

from labkit.cost.estimate import Estimate, estimate, unpriced
from labkit.cost.leftovers import Leftover
from labkit.cost.line import Line
from labkit.cost.prices import Price, Quota, price, quota

__all__ = ["Estimate", "Leftover", "Line", "Price", "Quota", "estimate", "price", "quota", "unpriced"]
