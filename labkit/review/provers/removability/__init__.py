"""Proves from the template alone what deleting the stack leaves behind, why, and what that costs.

What stays is found by deletion policies, by what services are known to make on their own, by what roles may make at
run time, and by the order in which CloudFormation deletes.
"""

from __future__ import annotations

from labkit.review.provers.removability.proving import ENGINE, findings, rows, version
from labkit.review.provers.removability.rules import RULES

__all__ = ["ENGINE", "RULES", "findings", "rows", "version"]
