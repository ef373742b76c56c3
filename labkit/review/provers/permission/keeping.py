"""Checks every row of a lab's table against the policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labkit.review.provers.permission.decision import Decision, answer, applies
from labkit.review.provers.permission.finding import Finding
from labkit.review.provers.permission.matching import Match
from labkit.review.provers.permission.principals import named
from labkit.review.provers.permission.questions import Nameless, Question, Questions
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.table import Row

RULE = "permission-table"


def kept(stack: Stack, questions: Questions, rows: Iterable[Row]) -> Iterator[Finding]:
    """Yield one finding for each row and resource that holds, and one for each request that does not."""
    for row in rows:
        held: dict[str, list[Question]] = {}
        for one in questions.of(row):
            if isinstance(one, Nameless):
                if not one.expected and not row.optional:
                    text = f"{row.place}: {one.name} is nothing of the template; correct the name or take the row out"
                    yield Finding(RULE, "", "open", text, row.because)
                continue
            failed = _failed(stack, one)
            if failed is None:
                held.setdefault(one.resource, []).append(one)
            else:
                yield failed
        for logical_id, ones in held.items():
            verb = "may" if row.kind == "may" else "may not"
            more = f", and {len(ones) - 1} more" if len(ones) > 1 else ""
            yield Finding(RULE, logical_id, "pass", f"{verb}: {ones[0]}{more}", row.because)


def decided(stack: Stack, one: Question) -> Decision:
    """The answer to a question; one through an endpoint asks the endpoint's policy alone."""
    if not one.through:
        return answer(stack, one.asked)
    policy = stack.on_endpoints.get(one.through)
    if policy is None:
        return Decision("deny", f"{one.through} is no VPC endpoint", ())
    allowed, denied, by = Match.NO, Match.NO, []
    for statement in policy.about(one.asked.action):
        held, _ = applies(statement, one.asked, owned=False)
        held = min(held, named(statement, one.asked.who).best)
        if not held.possible:
            continue
        by.append(str(statement))
        if statement.effect != "Deny":
            allowed = max(allowed, held)
        if statement.effect != "Allow":
            denied = max(denied, held)
    if denied is Match.YES or allowed is Match.NO:
        return Decision("deny", "the endpoint's policy does not let it pass", tuple(by))
    if allowed is Match.YES and denied is Match.NO:
        return Decision("allow", "the endpoint's policy lets it pass", tuple(by))
    return Decision("unknown", "the endpoint's policy lets it pass under conditions", tuple(by))


def _failed(stack: Stack, one: Question) -> Finding | None:
    decision = decided(stack, one)
    row = one.row
    if row.kind == "may":
        if decision.allowed or decision.here:
            return None
        if decision.denied and row.optional and not decision.statements:
            return None  # nothing speaks of it, for or against
        certain = decision.outcome != "unknown" or decision.partly
        text = f"{one} must be allowed, and is not certain to be: {decision}. Allow it, or correct {row.place}"
    else:
        if decision.denied:
            return None
        certain = decision.outcome != "unknown" or decision.partly or decision.here
        text = f"{one} must be denied, and is not certain to be: {decision}. Take it away, or correct {row.place}"
    return Finding(RULE, one.resource, "open" if certain else "unknown", text, row.because)
