"""What must exist before what: references and DependsOn as one graph, with cycles, in time linear in the template."""

from __future__ import annotations

from collections.abc import Iterable

from stacks.rules.kit.template import Resource, Template
from stacks.rules.kit.values import as_list, references


class Graph:
    """The order in which CloudFormation creates a template's resources; it deletes in the reverse order."""

    def __init__(self, template: Template) -> None:
        self._ids = list(template.resources)
        self._place = {name: place for place, name in enumerate(self._ids)}
        self.named = {name: _named(resource) for name, resource in template.resources.items()}
        self._next = [[self._place[to] for to in self.named[name] if to in self._place] for name in self._ids]
        self._before: list[int] = [0] * len(self._ids)
        self._after: list[list[int]] = [[] for _ in self._ids]
        self.cycles: list[tuple[str, ...]] = []
        for place, targets in enumerate(self._next):
            for target in targets:
                self._after[target].append(place)
        self._close()

    def precedes(self, first: Resource, then: Resource) -> bool:
        """Tell whether CloudFormation finishes one resource before it starts the other."""
        if first.logical_id not in self._place or then.logical_id not in self._place:
            return False
        return bool(self._before[self._place[then.logical_id]] >> self._place[first.logical_id] & 1)

    def includes(self, resource: Resource, other: Resource) -> bool:
        """Tell whether a resource is another one or needs it, however indirectly."""
        return resource is other or self.precedes(other, resource)

    def any_before(self, then: Resource, candidates: Iterable[Resource]) -> bool:
        """Tell whether one of some resources is finished before another one starts."""
        return any(self.precedes(one, then) for one in candidates)

    def users(self, resource: Resource) -> list[str]:
        """Logical ids of the resources that name one directly."""
        place = self._place.get(resource.logical_id)
        return [] if place is None else [self._ids[one] for one in self._after[place]]

    def _close(self) -> None:
        """Find the strongly connected parts without recursion (Tarjan), and what each part needs, as bit sets."""
        count = len(self._ids)
        index, low, open_ = [-1] * count, [0] * count, [False] * count
        part_of = [-1] * count
        needs: list[int] = []
        waiting: list[int] = []
        clock = 0
        for root in range(count):
            if index[root] >= 0:
                continue
            work = [(root, 0)]
            while work:
                node, step = work.pop()
                if step == 0:
                    index[node] = low[node] = clock
                    clock += 1
                    waiting.append(node)
                    open_[node] = True
                targets = self._next[node]
                while step < len(targets) and index[targets[step]] >= 0:
                    if open_[targets[step]]:
                        low[node] = min(low[node], index[targets[step]])
                    step += 1
                if step < len(targets):
                    work += [(node, step + 1), (targets[step], 0)]
                    continue
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    self._part(node, waiting, open_, part_of, needs)

    def _part(self, root: int, waiting: list[int], open_: list[bool], part_of: list[int], needs: list[int]) -> None:
        members: list[int] = []
        while not members or members[-1] != root:
            member = waiting.pop()
            open_[member] = False
            part_of[member] = len(needs)
            members.append(member)
        cyclic = len(members) > 1 or root in self._next[root]
        bits = 0
        for member in members:
            if cyclic:
                bits |= 1 << member
            for target in self._next[member]:
                if part_of[target] != len(needs):
                    bits |= needs[part_of[target]] | 1 << target
        needs.append(bits)
        for member in members:
            self._before[member] = bits
        if cyclic:
            self.cycles.append(tuple(sorted(self._ids[member] for member in members)))


def _named(resource: Resource) -> list[str]:
    depends = [name for name in as_list(resource.whole.get("DependsOn")) if isinstance(name, str)]
    return sorted(references(resource.properties) | set(depends))
