"""Decides from policies alone whether a request is allowed: allow, deny or unknown, with the statements that decided.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-request-context.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from labkit.review.provers.permission.asking import Request, request
from labkit.review.provers.permission.conditions import conditions, expand
from labkit.review.provers.permission.matching import Match, match
from labkit.review.provers.permission.principals import named
from labkit.review.provers.permission.stack import Stack
from labkit.review.provers.permission.statements import Policy, Statement, read
from labkit.review.provers.permission.symbols import has_tokens, pattern, shown

Outcome = Literal["allow", "deny", "unknown"]
# Services whose resource policy must itself let the caller in, or hand the decision to the account.
_POLICY_DECIDES = ("kms:", "sts:")


@dataclass(frozen=True)
class Decision:
    """What the policies say of one request.

    Args:
        outcome: ``allow``, ``deny``, or ``unknown`` when the template alone does not tell.
        reason: why, in a sentence.
        statements: the statements that decided, as ``LogicalId.path``.
        partly: some of what was asked is certainly allowed and some is not.
        here: the template's own policies allow it; only those of a resource elsewhere are not known.
    """

    outcome: Outcome
    reason: str
    statements: tuple[str, ...] = ()
    partly: bool = False
    here: bool = False

    @property
    def allowed(self) -> bool:
        return self.outcome == "allow"

    @property
    def denied(self) -> bool:
        return self.outcome == "deny"

    def __str__(self) -> str:
        by = f" [{'; '.join(self.statements)}]" if self.statements else ""
        return f"{self.outcome}: {self.reason}{by}"


@dataclass
class _Say:
    """How far some statements allow and deny a request, and which of them."""

    allow: Match = Match.NO
    deny: Match = Match.NO
    allowing: list[Statement] = field(default_factory=list)
    denying: list[Statement] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def decide(
    template: Any,
    *,
    principal: str,
    action: str,
    resource: str,
    context: Mapping[str, Any] | None = None,
    complete: bool = False,
    region: str = "",
    partition: str = "",
    account: str = "",
    session: Any = None,
    service_control: Sequence[Any] = (),
    resource_control: Sequence[Any] = (),
    through: str = "",
) -> Decision:
    """Decide one request from a template. Never raises for what stands in the template.

    Args:
        template: a CloudFormation template as JSON gives it, or a ``Stack`` made of one.
        principal: logical id of a role or user; a service such as ``lambda.amazonaws.com``; an ARN; ``account``; ``*``.
        action: such as ``s3:GetObject``; may have wildcards, then all of them are asked for.
        resource: a logical id, also with more behind a slash (``Raw/flights_*``), an ARN with ``${AWS::...}`` or
            ``${LogicalId}`` in it, or ``*``.
        context: condition keys of the request; ``None`` as value: the key is absent. What is not named is unknown,
            but for the principal's own keys, TLS, and no ``aws:SourceAccount`` unless a service asks.
        complete: keys that are not named are absent instead of unknown.
        region: where it would be deployed; default: not known.
        partition: default: not known.
        account: the account's number; default: not known.
        session: a session policy.
        service_control: service control policies, all of which must allow.
        resource_control: resource control policies, all of which must allow.
        through: logical id of the VPC endpoint that the request takes.
    """
    stack = (
        template
        if isinstance(template, Stack)
        else Stack(template, region=region, partition=partition, account=account)
    )
    asked = request(stack, principal=principal, action=action, resource=resource, context=context, complete=complete)
    if isinstance(asked, str):
        return Decision("unknown", asked)
    extra = {
        "session policy": [session] if session is not None else [],
        "service control policy": list(service_control),
        "resource control policy": list(resource_control),
    }
    guards = [
        (kind, read(stack.names, document, logical_id=f"({kind})", path=str(number)))
        for kind, documents in extra.items()
        for number, document in enumerate(documents)
    ]
    if through:
        policy = stack.on_endpoints.get(through)
        if policy is None:
            return Decision("unknown", f"{through} is no VPC endpoint of the template")
        guards.append(("endpoint policy", policy))
    return answer(stack, asked, guards=guards)


def answer(stack: Stack, asked: Request, *, guards: Sequence[tuple[str, Policy]] = ()) -> Decision:
    """Decide a request that has been put together."""
    who = asked.who
    identity = _say(stack.identity.get(who.logical_id, ()), asked, owned=True)
    on_resource, direct, through_account, anyone = _on_resources(stack, asked)
    says = [identity, on_resource]
    bounds = (
        [("permissions boundary", _say(stack.boundaries[who.logical_id], asked, owned=True))]
        if (who.logical_id in stack.boundaries)
        else []
    )
    for kind, policy in guards:
        # Service control policies do not bind services, and endpoint policies name principals.
        if kind == "service control policy" and who.kind == "service":
            continue
        bounds.append((kind, _say([policy], asked, owned=kind != "endpoint policy")))
    says += [say for _, say in bounds]
    denied = max(say.deny for say in says)
    if denied is Match.YES:
        deciding = [one for say in says for one in say.denying]
        return Decision("deny", f"an explicit Deny applies ({deciding[0]})", _places(deciding))

    limit = min((say.allow for kind, say in bounds), default=Match.YES)
    allowed, doubt = _combined(stack, asked, identity.allow, direct, through_account, anyone, limit)
    allowing = [one for say in (identity, on_resource) for one in say.allowing]
    doubts = [text for say in says for text in say.doubts] + ([doubt] if doubt else [])
    if allowed is Match.NO:
        limiting = [kind for kind, say in bounds if say.allow is Match.NO]
        if allowing and limiting:
            return Decision("deny", f"the {limiting[0]} does not allow it", _places(allowing))
        return Decision("deny", _implicit(asked, allowing), _places(allowing))
    outside = bool(doubt) and bool(who.logical_id)
    here = denied is Match.NO and outside and min(identity.allow, limit) is Match.YES
    if allowed is Match.YES and denied is Match.NO:
        return Decision("allow", f"allowed by {allowing[0] if allowing else 'the account itself'}", _places(allowing))
    partly = (allowed is Match.PARTLY and denied is not Match.MAYBE) or (
        allowed is Match.YES and denied is Match.PARTLY
    )
    if partly:
        reason = "allowed for some of what was asked and not for all"
    else:
        reason = doubts[0] if doubts else "depends on what the template does not tell"
    denying = [one for say in says for one in say.denying]
    return Decision("unknown", reason, _places(allowing + denying), partly=partly, here=here)


def applies(statement: Statement, asked: Request, *, owned: bool) -> tuple[Match, str]:
    """Tell how far a statement is about a request, its principal aside, and why it is not certain.

    Args:
        statement: any statement.
        asked: the request.
        owned: whether it stands in an identity policy, which always names resources.
    """
    if statement.problem:
        return Match.MAYBE, f"{statement} cannot be read: {statement.problem}"
    acts = statement.acts(asked.action)
    if acts is Match.NO:
        return acts, ""
    on = _on(statement, asked, owned=owned)
    if on is Match.NO:
        return on, ""
    held, test = conditions(statement, asked.context)
    found = min(acts, on, held, Match.YES if statement.sure else Match.MAYBE)
    if found is not Match.MAYBE:
        return found, ""
    if held is Match.MAYBE:
        return found, f"{statement} depends on {test}"
    if not statement.sure:
        return found, f"{statement} exists only under a condition of the template"
    return found, f"{statement} names something that the template does not tell"


def _on(statement: Statement, asked: Request, *, owned: bool) -> Match:
    if not statement.resources:
        return Match.MAYBE if owned else Match.YES  # a trust policy names no resource
    found = Match.NO
    for text in statement.resources:
        expanded = expand(text.value, asked.context, variables=statement.variables, wild=True)
        if expanded is not None:
            found = max(found, min(match(expanded, asked.resource), Match.YES if text.sure else Match.MAYBE))
    return found.otherwise() if statement.other_resources else found


def _say(policies: Iterable[Policy], asked: Request, *, owned: bool) -> _Say:
    said = _Say()
    for policy in policies:
        for statement in policy.about(asked.action):
            held, doubt = applies(statement, asked, owned=owned)
            if statement.principals is not None and not owned:
                held = min(held, named(statement, asked.who).best)
            _note(said, statement, held, doubt)
    return said


def _note(said: _Say, statement: Statement, held: Match, doubt: str) -> None:
    if not held.possible:
        return
    if doubt:
        said.doubts.append(doubt)
    if statement.effect != "Deny":
        said.allow = max(said.allow, held)
        said.allowing.append(statement)
    if statement.effect != "Allow":
        said.deny = max(said.deny, held)
        (said.denying.insert(0, statement) if held is Match.YES else said.denying.append(statement))


def _on_resources(stack: Stack, asked: Request) -> tuple[_Say, Match, Match, Match]:
    said = _Say()
    direct = through_account = anyone = Match.NO
    # A trust policy is asked for assuming the role only, and other policies of a role do not exist.
    silent = frozenset() if asked.action.lower().startswith("sts:") else stack.roles
    for holder, inside in stack.holders(asked.resource):
        if holder in silent:
            continue
        for policy in stack.on_resources[holder]:
            for statement in policy.about(asked.action):
                who = named(statement, asked.who)
                best = Match.MAYBE if statement.problem else who.best
                if best is Match.NO:
                    continue
                held, doubt = applies(statement, asked, owned=False)
                held = min(held, inside)
                _note(said, statement, min(held, best), doubt)
                if statement.effect == "Allow":
                    direct = max(direct, min(held, who.direct))
                    through_account = max(through_account, min(held, who.account))
                    anyone = max(anyone, min(held, who.anyone))
                elif statement.problem:
                    through_account = max(through_account, min(held, Match.MAYBE))
    return said, direct, through_account, anyone


def _combined(
    stack: Stack, asked: Request, identity: Match, direct: Match, account: Match, anyone: Match, limit: Match
) -> tuple[Match, str]:
    """Join what the sides say, as the kind of principal and resource asks for; and the doubt that this adds."""
    who = asked.who
    resource_side = max(direct, account, anyone)
    if who.kind in ("service", "anyone", "federated"):
        return min(resource_side, limit), ""
    number, own = _account(stack, asked.resource), stack.names.account
    if not who.logical_id:
        if who.kind == "account" and who.account == own:
            # The account's administrators: whatever the key or role hands to the account.
            decides = asked.action.lower().startswith(_POLICY_DECIDES) and bool(stack.holders(asked.resource))
            return min(resource_side if decides else Match.YES, limit), ""
        if who.account == own:
            return min(max(min(direct, limit), Match.MAYBE), limit), f"the policies of {shown(who.arn)} are elsewhere"
        allowed = min(resource_side, Match.MAYBE)
        return min(allowed, limit), f"the policies of {shown(who.arn)} are in another account"
    if number not in ("", own, None):
        doubt = f"{shown(asked.resource)} belongs to another account, whose policy is not in the template"
        return min(identity, limit, Match.MAYBE), doubt
    if asked.action.lower().startswith(_POLICY_DECIDES):
        if not any(held is Match.YES for _, held in stack.holders(asked.resource)):
            if _takes_no_resource(asked):
                return min(identity, limit), ""
            return min(identity, limit, Match.MAYBE), f"the policy of {shown(asked.resource)} is not in the template"
        handed = min(account, identity)
        return min(max(direct, anyone, handed), limit), ""
    allowed = min(max(identity, direct, anyone), limit)
    if who.kind == "user":
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        allowed = max(allowed, min(direct, Match.YES if limit is Match.YES else Match.MAYBE))
    outside = number == "" and asked.action.lower().startswith("s3:") and asked.resource.startswith("arn:")
    if outside and identity.possible and stack.resource(asked.resource) is None:
        return min(allowed, Match.MAYBE), f"{shown(asked.resource)} is outside the template; its own policy decides too"
    return allowed, ""


def _takes_no_resource(asked: Request) -> bool:
    return asked.resource == pattern("*")


def _account(stack: Stack, arn: str) -> str | None:
    parts = arn.split(":", 5)
    if len(parts) != 6:
        return None
    number = parts[4]
    if number == stack.names.account or not number:
        return number
    return number if number.isdigit() or (has_tokens(number) and len(number) == 1) else None


def _implicit(asked: Request, allowing: Sequence[Statement]) -> str:
    if allowing:
        return f"{allowing[0]} allows it on one side; the policy of the resource does not let {shown(asked.who.arn)} in"
    return f"no statement allows {shown(asked.action)} on {shown(asked.resource)}"


def _places(statements: Iterable[Statement]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(one) for one in statements))
