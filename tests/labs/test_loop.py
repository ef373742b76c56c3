"""The closed loop of several labs, rehearsed as `labs rehearse --loop` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.catalogue import Lab
from labkit.rehearsal import loop
from labkit.rehearsal.loop import Told, rehearse_loop

pytestmark = pytest.mark.loop


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    from labkit.synth import synth

    folder = tmp_path_factory.mktemp("loop")

    def assembly(lab: Lab, given: Mapping[str, Any]) -> Assembly:
        return synth([lab], given=given, out=folder / "assemblies", file=None)[0].assembly

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "FOLDER", folder)
        return rehearse_loop(assemblies=assembly)


def states(told: Told, event: str, about: str) -> list[str]:
    return [one["state"] for one in told.story if one["event"] == event and about in one["about"]]


def test_every_act_goes_well_and_nothing_is_left(told: Told) -> None:
    assert [(act.title, act.problem) for act in told.acts if act.problem] == []
    assert (told.problems, told.leftovers) == ([], [])
    assert len(told.acts) == 8


def test_training_was_interrupted_and_resumed(told: Told) -> None:
    assert states(told, "training job", "-interrupted-") == ["Stopped"]
    assert states(told, "training job", "-resumed-") == ["Completed"]


def test_the_alarm_came_with_the_drift_and_not_before(told: Told) -> None:
    assert states(told, "alarm", "drift-data-quality")[:2] == ["OK", "ALARM"]


def test_one_version_of_four_was_rejected_and_rolled_back(told: Told) -> None:
    last = [one for one in told.story if one["act"] == "8"]
    assert [one["state"] for one in last if one["about"].endswith("production")] == [
        "UPDATING",
        "ROLLING_BACK",
        "IN_SERVICE",
    ]
    assert [one["state"] for one in last if one["event"] == "model package"][-1] == "Rejected"
