"""Proves from the template alone who may do what, and that nobody can do more than the lab's table says.

``decide`` answers one question and names the statements that decided; ``rows`` runs everything on a lab.
"""

from __future__ import annotations

from labkit.review.provers.permission.decision import Decision, decide
from labkit.review.provers.permission.proving import ENGINE, proved, rows, version
from labkit.review.provers.permission.rules import RULES
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.table import Row, parse

__all__ = ["ENGINE", "RULES", "Decision", "Row", "Stack", "decide", "parse", "proved", "rows", "version"]
