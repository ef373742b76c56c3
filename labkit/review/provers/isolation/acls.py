"""Network ACLs: whether they let a workload's calls out and the answers back in."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import is_on, references

_HTTPS = 443
# A port of those that clients are given for answers.
_ANSWER = 60000


class Acls:
    """The network ACLs of a template; a subnet without one has the VPC's own, which lets everything through."""

    def __init__(self, view: View) -> None:
        self._view = view

    def blocks(self, subnet: Resource) -> str | None:
        """The network ACL that lets no HTTPS out of a subnet or no answer back in; ``None`` if there is none."""
        for acl in self._acls.get(subnet.logical_id, ()):
            out = [one for one in self._entries.get(acl, ()) if is_on(one.get("Egress"))]
            back = [one for one in self._entries.get(acl, ()) if not is_on(one.get("Egress"))]
            if not any(self._lets(one, _HTTPS) for one in out) or not any(self._lets(one, _ANSWER) for one in back):
                return acl
        return None

    def _lets(self, entry: dict[str, Any], port: int) -> bool:
        if self._view.plain(entry.get("RuleAction")) == "deny":
            return False
        if str(self._view.plain(entry.get("Protocol")) or entry.get("Protocol")) not in ("-1", "6", "None"):
            return False
        span = entry.get("PortRange")
        if not isinstance(span, dict):
            return True
        low, high = span.get("From"), span.get("To")
        return not (isinstance(low, int) and isinstance(high, int)) or low <= port <= high

    @cached_property
    def _acls(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self._view.of("AWS::EC2::SubnetNetworkAclAssociation"):
            acl = self._view.target(one.properties.get("NetworkAclId"), "AWS::EC2::NetworkAcl")
            for subnet in references(one.properties.get("SubnetId")):
                if acl is not None:
                    found.setdefault(subnet, []).append(acl.logical_id)
        return found

    @cached_property
    def _entries(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for entry in self._view.of("AWS::EC2::NetworkAclEntry"):
            for acl in references(entry.properties.get("NetworkAclId")):
                found.setdefault(acl, []).append(entry.properties)
        return found
