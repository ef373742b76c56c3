"""Which controls of HIPAA and PCI DSS a rule of cdk-nag serves, from the table made out of the pinned cdk-nag."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).parents[1] / "cdk_nag.json"
_PACKS = {"HIPAA.Security": "HIPAA", "PCI.DSS.321": "PCI-DSS"}


def frameworks(name: str) -> tuple[str, ...]:
    """Return controls such as ``HIPAA 164.312(e)(1)``.

    Args:
        name: a rule that one of the two packs has, such as ``S3BucketSSLRequestsOnly``.

    Raises:
        ValueError: neither pack has it.
    """
    found = [
        f"{short} {control}"
        for pack, short in _PACKS.items()
        for control in _rules(pack).get(f"{pack}-{name}", {}).get("controls", ())
    ]
    if not found:
        raise ValueError(f"cdk-nag has no rule {name} in {' or '.join(_PACKS)}")
    return tuple(found)


@cache
def _rules(pack: str) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, dict[str, Any]]] = json.loads(_TABLE.read_text())["packs"]
    return table[pack]
