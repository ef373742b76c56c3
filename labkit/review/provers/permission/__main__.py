"""Prints a draft of a lab's table: ``python -m labkit.review.provers.permission d3_realtime_endpoint``."""

from __future__ import annotations

import sys

from labkit.assembly import Assembly
from labkit.catalogue import ROOT
from labkit.errors import UserError
from labkit.review.lab import Lab
from labkit.review.provers.permission.draft import draft

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("name one synthesized lab, such as d3_realtime_endpoint")
    try:
        print(draft(Lab(Assembly.read(ROOT / "cdk.out" / sys.argv[1]))))
    except UserError as error:
        sys.exit(str(error))
