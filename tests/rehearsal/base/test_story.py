"""A story stops at the act that goes wrong, says why, and cleans up."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.errors import UserError
from labkit.rehearsal import loop
from labkit.rehearsal.loop import rehearse_loop

STORY = '''
import os
import boto3
from labkit.session import StepFailed

def first(loop):
    """The first act."""
    assert "localhost" in os.environ["AWS_ENDPOINT_URL"]

def second(loop):
    """The second act.

    More words.
    """
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="left-behind")
    {fault}

def third(loop):
    """Never reached."""
    raise RuntimeError("reached")

ACTS = (first, second, third)
'''


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ('raise StepFailed("no model came")', "no model came"),
        ("1 / 0", "ZeroDivisionError: division by zero (story.py line 16)"),
    ],
)
def test_an_act_that_fails_ends_the_story_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, says: str
) -> None:
    monkeypatch.setattr(loop, "FOLDER", tmp_path)
    story = tmp_path / "story.py"
    story.write_text(STORY.replace("{fault}", fault))
    told = rehearse_loop(assemblies=lambda lab, given: None, story=story)  # type: ignore[arg-type, return-value]
    assert [(act.title, act.problem) for act in told.acts] == [("The first act.", ""), ("The second act.", says)]
    assert [one["identifier"] for one in told.leftovers] == ["left-behind"]
    assert not told.ok


def test_a_story_that_is_not_there_is_answered_by_a_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no story"):
        rehearse_loop(assemblies=lambda lab, given: None, story=tmp_path / "none.py")  # type: ignore[arg-type, return-value]
