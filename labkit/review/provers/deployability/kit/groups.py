"""Security groups and what they let through."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labkit.review.provers.deployability.kit import text
from stacks.rules.kit.template import Resource
from stacks.rules.kit.values import references

if TYPE_CHECKING:
    from labkit.review.provers.deployability.kit.view import View


class Groups:
    """The security groups of a template."""

    def __init__(self, view: View) -> None:
        self._view = view

    def of(self, values: Iterable[Any]) -> list[Resource] | None:
        """Return the security groups that values name; ``None`` when one is not in the template."""
        found = []
        for value in values:
            group = self._view.template.target(value, "AWS::EC2::SecurityGroup")
            if group is None:
                return None
            found.append(group)
        return found

    def opens(
        self,
        group: Resource,
        *,
        port: int,
        source: Resource | None = None,
        cidr: str | None = None,
        egress: bool = False,
    ) -> bool:
        """Tell whether a security group lets a port through for another group or for addresses.

        What a rule gives as something known only at deployment counts as open.
        """
        for rule in self.rules(group, egress=egress):
            if _covers_port(rule, port) and self._covers_peer(rule, source, cidr, egress=egress):
                return True
        return egress and not self.rules(group, egress=True)

    def leads_out(self, group: Resource, *, port: int, to: Resource) -> bool:
        """Tell whether a group lets a port out to another group, whose addresses any range may hold."""
        rules = self.rules(group, egress=True)
        for rule in rules:
            nowhere = rule.get("CidrIp") in ("255.255.255.255/32", "127.0.0.1/32")
            if _covers_port(rule, port) and not nowhere and self._covers_peer(rule, to, None, egress=True):
                return True
        # Without rules of its own, a group lets everything out.
        return not rules

    def rules(self, group: Resource, *, egress: bool = False) -> list[dict[str, Any]]:
        """Return a group's rules, those of rule resources included."""
        way = "Egress" if egress else "Ingress"
        inline = [one for _, one in group.each(f"SecurityGroup{way}.*") if isinstance(one, dict)]
        return inline + self._rule_resources.get((way, group.logical_id), [])

    @cached_property
    def _rule_resources(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for way in ("Ingress", "Egress"):
            for rule in self._view.of(f"AWS::EC2::SecurityGroup{way}"):
                for name in references(rule.properties.get("GroupId")):
                    found.setdefault((way, name), []).append(rule.properties)
        return found

    def _covers_peer(self, rule: dict[str, Any], source: Resource | None, cidr: str | None, *, egress: bool) -> bool:
        side = "Destination" if egress else "Source"
        group = rule.get(f"{side}SecurityGroupId")
        if group is not None:
            named = references(group)
            return source is None or source.logical_id in named or not (named & set(self._view.template.resources))
        if rule.get(f"{side}PrefixListId") is not None:
            return egress
        given = rule.get("CidrIp")
        if given is None:
            return rule.get("CidrIpv6") is not None and cidr is None
        plain = self._view.plain(given)
        return plain is None or cidr is None or _contains(plain, cidr)


def _covers_port(rule: dict[str, Any], port: int) -> bool:
    protocol = rule.get("IpProtocol")
    if str(protocol) == "-1":
        return True
    if isinstance(protocol, str) and protocol.lower() not in ("tcp", "6"):
        return False
    low, high = text.number(rule.get("FromPort")), text.number(rule.get("ToPort"))
    if (low, high) == (-1, -1):
        return True
    return (low is None or low <= port) and (high is None or port <= high)


def _contains(outer: str, inner: str) -> bool:
    # Only templates with networks pay for this module.
    import ipaddress

    try:
        return ipaddress.ip_network(inner, strict=False).subnet_of(ipaddress.ip_network(outer, strict=False))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return False
