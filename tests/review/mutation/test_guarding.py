"""Survivors that lower security are shown to Guard, in one go, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.review.mutation import every_operator, guarding
from labkit.review.mutation.mutants import mutants
from labkit.review.mutation.running import Result

PROJECT = {
    "Type": "AWS::CodeBuild::Project",
    "Properties": {"Environment": {"PrivilegedMode": False}, "TimeoutInMinutes": 60},
}


def test_a_survivor_that_guard_has_something_new_about_is_named(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN two survivors, one of which lowers security
    assembly = make({"Build": PROJECT})
    wanted = ("build-privileged", "build-time-short")
    chosen = mutants(assembly, [one for one in every_operator() if one.id in wanted])
    survivors = [Result(one, "survived") for one in chosen]
    asked: list[Any] = []

    def judge(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked.extend(requests)
        already = {"rule": "build-in-vpc", "logical_id": "Build"}
        new = {"rule": "build-not-privileged", "logical_id": "Build"}
        return [{"guard": [already]}, {"guard": [already, new]}]

    monkeypatch.setattr(guarding, "_ask", judge)

    # WHEN Guard is asked
    after = guarding.asked_again(survivors, {assembly.lab: assembly.folder})

    # THEN it saw the original and the one mutant, and named it by what the original does not have
    modes = [one["content"]["Resources"]["Build"]["Properties"]["Environment"]["PrivilegedMode"] for one in asked]
    assert modes == [False, True]
    assert [(one.fate, one.engine, one.rule) for one in after] == [
        ("named", "Guard", "build-not-privileged"),
        ("survived", "", ""),
    ]


def test_nobody_is_asked_where_nothing_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "_ask", lambda requests: pytest.fail("Guard was asked"))
    assert guarding.asked_again([], {}) == []
