"""Metric math as far as alarms and scaling policies here use it: + - * /, IF, FILL, SUM, AVG, MIN, MAX; no more."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.rehearsal.runtime.metrics import Metrics, Series

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OVER_MANY: dict[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}


class ExpressionError(Exception):
    """An expression that this does not know; whoever asked says so instead of guessing."""


def evaluate(
    store: Metrics,
    queries: Sequence[Mapping[str, Any]],
    *,
    start: datetime,
    end: datetime,
    anchor: datetime | None = None,
) -> dict[str, Series]:
    """The series of each query of GetMetricData or of an alarm, by its id.

    Args:
        queries: ``{"Id", "MetricStat" | "Expression", ...}``, as the API spells them.
        anchor: a moment at which a period begins; default: the epoch.

    Raises:
        ExpressionError: an expression uses something else than the docstring of this module names.
    """
    from labkit.rehearsal.runtime.metrics import by_name, floor

    found: dict[str, Any] = {}
    period = min((int(query["MetricStat"]["Period"]) for query in queries if "MetricStat" in query), default=60)
    for query in queries:
        if stat := query.get("MetricStat"):
            metric = stat["Metric"]
            found[query["Id"]] = store.series(
                metric["Namespace"],
                metric["MetricName"],
                by_name(metric.get("Dimensions") or ()),
                stat["Stat"],
                start=start,
                end=end,
                period=int(stat["Period"]),
                anchor=anchor,
            )
    first = floor(start, 60 if anchor else period)
    moments = [
        first + timedelta(seconds=period * number)
        for number in range(max(int((end - first).total_seconds()) // period, 1))
    ]
    expressions = {query["Id"]: query["Expression"] for query in queries if query.get("Expression")}
    metrics = tuple(found)

    def value(name: str) -> Any:
        if name not in found:
            if name not in expressions:
                raise ExpressionError(f"{name} is no query")
            text = expressions.pop(name)
            result = _Expression(value, metrics, moments).of(text)
            found[name] = result if isinstance(result, dict) else dict.fromkeys(moments, float(result))
        return found[name]

    for name in [query["Id"] for query in queries]:
        value(name)
    return found


class _Expression:
    """Evaluates one expression over series; a moment that one operand lacks has no result."""

    def __init__(self, value: Callable[[str], Any], metrics: Sequence[str], moments: Sequence[datetime]) -> None:
        self._value, self._metrics, self._moments = value, metrics, moments

    def of(self, text: str) -> Any:
        try:
            return self._node(ast.parse(text.strip(), mode="eval").body)
        except SyntaxError as error:
            raise ExpressionError(f"{text} is not understood") from error

    def _node(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name):
            return self._value(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return _combine(operator.mul, -1.0, self._node(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _combine(_OPERATORS[type(node.op)], self._node(node.left), self._node(node.right))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPERATORS:
            return _combine(_OPERATORS[type(node.ops[0])], self._node(node.left), self._node(node.comparators[0]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._call(node.func.id.upper(), node.args)
        raise ExpressionError(f"{ast.unparse(node)} is not understood")

    def _call(self, name: str, arguments: Sequence[ast.AST]) -> Any:
        if name == "IF" and len(arguments) in (2, 3):
            condition, *branches = (self._spread(self._node(argument)) for argument in arguments)
            yes, no = branches[0], branches[1] if len(branches) == 2 else {}
            return {
                moment: branch[moment]
                for moment, truth in condition.items()
                if moment in (branch := yes if truth else no)
            }
        if name == "FILL" and len(arguments) == 2:
            return self._fill(self._spread(self._node(arguments[0])), arguments[1])
        if name in _OVER_MANY and len(arguments) == 1:
            return self._over_many(_OVER_MANY[name], arguments[0])
        raise ExpressionError(f"the function {name} is not known here")

    def _fill(self, series: Series, how: ast.AST) -> Series:
        filled: Series = {}
        last: float | None = None
        word = how.id.upper() if isinstance(how, ast.Name) else ""
        constant = self._spread(self._node(how)) if not word else {}
        if word not in ("", "REPEAT"):
            raise ExpressionError(f"FILL(..., {word}) is not known here")
        for moment in self._moments:
            last = series.get(moment, last)
            filler = constant.get(moment) if not word else last
            if moment in series or filler is not None:
                filled[moment] = series[moment] if moment in series else float(filler or 0.0)
        return filled

    def _over_many(self, function: Callable[[Sequence[float]], float], argument: ast.AST) -> Any:
        is_call = isinstance(argument, ast.Call) and isinstance(argument.func, ast.Name)
        if is_call and argument.func.id.upper() == "METRICS":  # type: ignore[attr-defined]
            operands = [self._value(name) for name in self._metrics]
        elif isinstance(argument, ast.List):
            operands = [self._spread(self._node(element)) for element in argument.elts]
        else:
            series = self._spread(self._node(argument))  # of one series: one number over all its moments
            return function(list(series.values())) if series else {}
        gathered: dict[datetime, list[float]] = {}
        for operand in operands:
            for moment, value in operand.items():
                gathered.setdefault(moment, []).append(value)
        return {moment: function(values) for moment, values in sorted(gathered.items())}

    def _spread(self, value: Any) -> Any:
        return value if isinstance(value, dict) else dict.fromkeys(self._moments, value)


def _combine(function: Callable[[float, float], float], left: Any, right: Any) -> Any:
    if not isinstance(left, dict) and not isinstance(right, dict):
        return float(function(left, right))
    moments = left.keys() & right.keys() if isinstance(left, dict) and isinstance(right, dict) else None
    found: Series = {}
    for moment in sorted(moments if moments is not None else (left if isinstance(left, dict) else right)):
        one = left[moment] if isinstance(left, dict) else left
        other = right[moment] if isinstance(right, dict) else right
        try:
            found[moment] = float(function(one, other))
        except ZeroDivisionError:
            continue  # CloudWatch has no data point where the divisor is 0
    return found
