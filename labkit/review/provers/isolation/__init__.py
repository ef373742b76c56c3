"""Proves from the template and the packed code alone that workloads reach AWS by endpoints and nothing else.

It builds the network as the template states it, finds what runs in it, reads which APIs that calls, and follows each
call to an endpoint that lets it pass. Whatever it cannot tell is unknown.
"""

from __future__ import annotations

from labkit.review.provers.isolation.proving import ENGINE, findings, rows, version
from labkit.review.provers.isolation.rules import RULES

__all__ = ["ENGINE", "RULES", "findings", "rows", "version"]
