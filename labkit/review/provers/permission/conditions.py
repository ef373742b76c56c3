"""Whether a statement's conditions hold for a request, with every operator of IAM.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from labkit.review.provers.permission.context import Context
from labkit.review.provers.permission.matching import Match, arn_like, match
from labkit.review.provers.permission.names import Text
from labkit.review.provers.permission.statements import Statement, Test
from labkit.review.provers.permission.symbols import has_tokens, pattern, token

_VARIABLE = re.compile(r"\$\{([^${}]*)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}
Compare = Callable[[str, str], Match]  # what the policy says, what the request holds


def conditions(statement: Statement, context: Context) -> tuple[Match, str]:
    """Tell whether all conditions hold, and name the one that decided."""
    worst, why = Match.YES, ""
    for test in statement.tests:
        held = holds(test, context, variables=statement.variables)
        if held < worst:
            worst, why = held, str(test)
    return worst, why


def holds(test: Test, context: Context, *, variables: bool = True) -> Match:
    """Tell whether one line of a condition block holds. An operator that IAM does not have may hold or not."""
    name = test.operator.lower()
    quantifier, _, name = name.rpartition(":")
    if_exists = name.endswith("ifexists")
    name = name.removesuffix("ifexists")
    if name == "null":
        return _null(test, context)
    negated, compare = _OPERATORS.get(name, (False, None))
    if compare is None or quantifier not in ("", "forallvalues", "foranyvalue"):
        return Match.MAYBE
    if not context.knows(test.key):
        return Match.MAYBE
    found = context.get(test.key)
    if not found:
        # An absent key: negated operators and IfExists hold, and so does "for all" of nothing.
        if quantifier == "foranyvalue":
            return Match.MAYBE if if_exists else Match.NO
        return Match.YES if negated or if_exists or quantifier == "forallvalues" else Match.NO
    wanted = _wanted(test, context, variables=variables, wild=name in _WILD)
    each = [_one(compare, wanted, value, negated=negated) for value in found]
    if quantifier == "foranyvalue":
        return max(each)
    # A key with several values and no quantifier: a negated operator must hold for all, the others for one.
    return min(each) if quantifier == "forallvalues" or negated else max(each)


def _one(compare: Compare, wanted: list[Text], value: str, *, negated: bool) -> Match:
    any_of = Match.NO
    for text in wanted:
        held = compare(text.value, value)
        any_of = max(any_of, held if text.sure else min(held, Match.MAYBE))
    return any_of.otherwise() if negated else any_of


def _null(test: Test, context: Context) -> Match:
    if not context.knows(test.key):
        return Match.MAYBE
    absent = not context.get(test.key)
    answers = {text.value.lower(): text.sure for text in test.values}
    if not answers or answers.keys() - {"true", "false"} or not all(answers.values()):
        return Match.MAYBE
    return Match.YES if ("true" if absent else "false") in answers else Match.NO


def _wanted(test: Test, context: Context, *, variables: bool, wild: bool) -> list[Text]:
    return [
        Text(expanded, text.sure)
        for text in test.values
        if (expanded := expand(text.value, context, variables=variables, wild=wild)) is not None
    ]


def expand(text: str, context: Context, *, variables: bool, wild: bool) -> str | None:
    """Put the request's values into a policy's text; ``None``: a variable has none, so that nothing matches.

    Args:
        text: as the policy has it.
        context: the request.
        variables: whether the policy's version knows them.
        wild: whether ``*`` and ``?`` are wildcards here.
    """
    if "${" not in text:
        return pattern(text) if wild else text
    absent = False

    def known(found: re.Match[str]) -> str:
        nonlocal absent
        name, _, default = found[1].partition(",")
        name = name.strip()
        if name in _LITERALS:
            return _LITERALS[name]
        if not context.knows(name):
            return token("open", name)
        values = context.get(name)
        if values and len(values) == 1:
            return values[0]
        if not values and default:
            return default.strip().strip("'")
        absent = True
        return ""

    if wild:
        # Stars of the policy are wildcards; those that a variable brings are not.
        text = pattern(text.replace("${*}", "\0").replace("${?}", "\1"))
        text = text.replace("\0", "*").replace("\1", "?")
    if variables:
        text = _VARIABLE.sub(known, text)
    return None if absent else text


def _string(wanted: str, value: str) -> Match:
    return match(wanted, value)


def _folded(wanted: str, value: str) -> Match:
    return match(wanted.lower(), value.lower())


def _unknown_or(wanted: str, value: str, answer: Callable[[], bool]) -> Match:
    if has_tokens(wanted) or has_tokens(value):
        return Match.YES if wanted == value else Match.MAYBE
    try:
        return Match.YES if answer() else Match.NO
    except (ValueError, InvalidOperation, OverflowError, OSError, binascii.Error):
        return Match.NO


def _numeric(compare: Callable[[Decimal, Decimal], bool]) -> Compare:
    def compared(wanted: str, value: str) -> Match:
        if has_tokens(wanted) or has_tokens(value):
            return Match.MAYBE
        return _unknown_or(wanted, value, lambda: compare(Decimal(value), Decimal(wanted)))

    return compared


def _dated(compare: Callable[[datetime, datetime], bool]) -> Compare:
    def compared(wanted: str, value: str) -> Match:
        if has_tokens(wanted) or has_tokens(value):
            return Match.MAYBE
        return _unknown_or(wanted, value, lambda: compare(_date(value), _date(wanted)))

    return compared


def _date(text: str) -> datetime:
    if re.fullmatch(r"-?\d+(\.\d+)?", text) and len(text) != 4:
        return datetime.fromtimestamp(float(text), UTC)
    if re.fullmatch(r"\d{4}(-\d{2})?", text):
        text = f"{text}-01" if len(text) == 7 else f"{text}-01-01"
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _address(wanted: str, value: str) -> Match:
    def inside() -> bool:
        network = ipaddress.ip_network(wanted, strict=False)
        address = ipaddress.ip_address(value)
        return address.version == network.version and address in network

    if has_tokens(wanted) or has_tokens(value):
        return Match.MAYBE
    return _unknown_or(wanted, value, inside)


def _truth(wanted: str, value: str) -> Match:
    if has_tokens(wanted) or has_tokens(value):
        return Match.MAYBE
    return Match.YES if wanted.lower() == value.lower() and value.lower() in ("true", "false") else Match.NO


def _binary(wanted: str, value: str) -> Match:
    return _unknown_or(wanted, value, lambda: base64.b64decode(wanted, validate=True) == base64.b64decode(value))


_WILD = ("stringlike", "stringnotlike", "arnequals", "arnlike", "arnnotequals", "arnnotlike")
_OPERATORS: dict[str, tuple[bool, Compare | None]] = {
    "stringequals": (False, _string),
    "stringnotequals": (True, _string),
    "stringequalsignorecase": (False, _folded),
    "stringnotequalsignorecase": (True, _folded),
    "stringlike": (False, _string),
    "stringnotlike": (True, _string),
    "numericequals": (False, _numeric(operator.eq)),
    "numericnotequals": (True, _numeric(operator.eq)),
    "numericlessthan": (False, _numeric(operator.lt)),
    "numericlessthanequals": (False, _numeric(operator.le)),
    "numericgreaterthan": (False, _numeric(operator.gt)),
    "numericgreaterthanequals": (False, _numeric(operator.ge)),
    "dateequals": (False, _dated(operator.eq)),
    "datenotequals": (True, _dated(operator.eq)),
    "datelessthan": (False, _dated(operator.lt)),
    "datelessthanequals": (False, _dated(operator.le)),
    "dategreaterthan": (False, _dated(operator.gt)),
    "dategreaterthanequals": (False, _dated(operator.ge)),
    "bool": (False, _truth),
    "binaryequals": (False, _binary),
    "ipaddress": (False, _address),
    "notipaddress": (True, _address),
    "arnequals": (False, arn_like),
    "arnlike": (False, arn_like),
    "arnnotequals": (True, arn_like),
    "arnnotlike": (True, arn_like),
}
