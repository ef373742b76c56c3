"""The runner: deploy, steps, claims, destroy and leftovers of a small lab, with every way to fail told."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.catalogue import Lab
from labkit.errors import UserError
from labkit.rehearsal import runner
from labkit.rehearsal.emulator import Emulator
from labkit.rehearsal.report import Report
from tests.rehearsal.base.conftest import Cloud
from tests.rehearsal.base.every_type import ref, resource

STEP = '''"""Put an object

Puts one.
"""

def run(session):
    session.client("s3").put_object(Bucket=session.outputs["BucketName"], Key="a", Body=b"b")
    session.client("s3").delete_object(Bucket=session.outputs["BucketName"], Key="a")
'''
CLAIM = '''def test_the_bucket_is_there(session):
    """The lab has a bucket."""
    assert session.client("s3").head_bucket(Bucket=session.outputs["BucketName"])
'''

Make = Callable[..., tuple[Lab, Assembly]]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """An emulator of its own: the more services an emulator has seen, the longer its audit."""
    with Emulator() as emulator:
        yield Cloud(emulator)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a lab with its assembly, as synthesis leaves it."""
    monkeypatch.setattr("labkit.sandbox.run.ROOT", tmp_path)
    monkeypatch.setattr(runner, "ROOT", tmp_path)

    def lab(*, step: str = STEP, claim: str = CLAIM, resources: dict[str, Any] | None = None) -> tuple[Lab, Assembly]:
        folder = tmp_path / "labs" / "d1_small"
        (folder / "steps").mkdir(parents=True)
        (folder / "steps" / "01_put.py").write_text(step)
        (folder / "verify.py").write_text(claim)
        made = Lab(
            folder=folder, title="Small", teaches="a test", domain=1, tasks=(), minutes=1, needs=(), controls=(),
            availability="", quotas=(), sources=(),
        )  # fmt: skip
        out = tmp_path / "cdk.out" / made.name
        out.mkdir(parents=True)
        template = {
            "Parameters": {"DeleteAt": {"Type": "String", "Default": ""}},
            "Resources": resources or {"Bucket": resource("AWS::S3::Bucket", {"Tags": [{"Key": "lab", "Value": "d1-small"}]})},
            "Outputs": {"BucketName": {"Value": ref("Bucket")}} if not resources else {},
        }  # fmt: skip
        record = {
            "lab": made.name, "stack": made.stack, "region": "us-east-1", "partition": "aws", "findings": [], "accepted": [],
            "versions": {}, "settings": {"hours_to_live": 4}, "template_sha256": sha256(json.dumps(template).encode()).hexdigest(), "fingerprint": "0",
        }  # fmt: skip
        (out / "lab.json").write_text(json.dumps(record))
        (out / f"{made.stack}.template.json").write_text(json.dumps(template))
        (out / f"{made.stack}.assets.json").write_text(json.dumps({"files": {}}))
        (out / "manifest.json").write_text(json.dumps({"artifacts": {made.stack: {"properties": {}}}}))
        return made, Assembly.read(out)

    return lab


@pytest.fixture
def no_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checking claims starts a process, which tests about something else need not wait for."""
    monkeypatch.setattr("labkit.sandbox.verify", lambda lab, assembly: [])


def rehearse(cloud: Cloud, made: tuple[Lab, Assembly]) -> Report:
    return runner.rehearse(*made, emulator=cloud.emulator)


def test_the_whole_loop_is_rehearsed_and_labelled(cloud: Cloud, make: Make) -> None:
    """GIVEN a lab that works WHEN rehearsed THEN the report is good, and labels resource, step and claim."""
    report = rehearse(cloud, make())

    assert report.faults() == []
    assert [(one["type"], one["label"]) for one in report.resources] == [("AWS::S3::Bucket", "executed")]
    assert [(part.title, part.label) for part in report.steps] == [("Put an object", "executed")]
    assert [(part.title, part.label) for part in report.claims] == [("The lab has a bucket.", "executed")]
    assert set(report.seconds) == {"deploy", "steps", "verify", "destroy", "audit"}
    assert report.never
    json.dumps(report.record(), default=str)


def test_a_failed_step_fails_the_rehearsal_and_the_lab_is_removed(cloud: Cloud, make: Make) -> None:
    """GIVEN a step that fails WHEN rehearsed THEN the claims are not checked, and nothing is left."""
    report = rehearse(cloud, make(step='"""Fail"""\ndef run(session):\n    assert False, "no luck"\n'))
    assert report.faults() == ["step 01_put: no luck"]
    assert report.claims == []
    assert report.leftovers == []


def test_a_step_with_a_bug_is_told_with_its_place(cloud: Cloud, make: Make) -> None:
    """GIVEN a step that raises something unexpected WHEN rehearsed THEN the report names the error, the file and the line."""
    report = rehearse(cloud, make(step='"""Fail"""\ndef run(session):\n    {}["key"]\n'))
    assert [fault for fault in report.faults() if "KeyError" in fault and "01_put.py line 3" in fault]


def test_a_failed_claim_fails_the_rehearsal(cloud: Cloud, make: Make) -> None:
    """GIVEN a claim that does not hold WHEN rehearsed THEN the report says which."""
    report = rehearse(cloud, make(claim='def test_it(session):\n    """It holds."""\n    assert 1 == 2\n'))
    assert [part.title for part in report.claims if part.problem] == ["It holds."]
    assert not report.ok


def test_what_a_step_leaves_behind_fails_the_rehearsal(cloud: Cloud, make: Make, no_claims: None) -> None:
    """GIVEN a step that forgets a queue and trusts a canned answer WHEN rehearsed THEN the report tells both."""
    step = (
        '"""Forget"""\ndef run(session):\n    session.client("sqs").create_queue(QueueName="forgotten")\n'
        '    session.client("comprehend").detect_sentiment(Text="good", LanguageCode="en")\n'
    )
    report = rehearse(cloud, make(step=step))

    assert [(part.label, part.because) for part in report.steps] == [
        ("not rehearsed", ("comprehend DetectSentiment: a canned answer",))
    ]
    assert [one["kind"] for one in report.leftovers] == ["sqs::Queue"]
    assert "forgotten" in report.faults()[0]
    cloud.client("sqs").delete_queue(QueueUrl=report.leftovers[0]["identifier"])


def test_an_unknown_type_fails_the_rehearsal(cloud: Cloud, make: Make, no_claims: None) -> None:
    """GIVEN a resource that is only a record WHEN rehearsed THEN the report fails and names it."""
    trail = {"Trail": resource("AWS::CloudTrail::Trail", {"IsLogging": True, "S3BucketName": "b"})}
    report = rehearse(cloud, make(resources=trail, step='"""Do nothing"""\ndef run(session):\n    pass\n'))
    assert "Trail (AWS::CloudTrail::Trail): the rehearsal does not know this type" in report.faults()


def test_a_failed_deployment_is_told_and_removed(cloud: Cloud, make: Make) -> None:
    """GIVEN a template that its service refuses WHEN rehearsed THEN the reason is in the report and nothing is left."""
    bad = {"Dashboard": resource("AWS::CloudWatch::Dashboard", {"DashboardBody": "{"})}
    report = rehearse(cloud, make(resources=bad))
    assert "DashboardBody must be a valid JSON object" in report.faults()[0]
    assert (report.steps, report.leftovers) == ([], [])


def test_an_emulator_that_dies_half_way_ends_the_rehearsal(make: Make) -> None:
    """GIVEN a step during which the emulator is killed WHEN rehearsed THEN one message says so, and no report is written."""
    with Emulator() as emulator:
        step = f'"""Kill"""\nimport os\ndef run(session):\n    os.kill({emulator.pid}, {int(signal.SIGKILL)})\n    session.now()\n'
        made = make(step=step)
        before = dict(os.environ)
        with pytest.raises(UserError, match="The emulator ended half-way"):
            runner.rehearse(*made, emulator=emulator)
        assert dict(os.environ) == before


def test_the_report_is_written_whole(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a rehearsal WHEN it ends THEN its report stands in the lab's folder, and no draft beside it."""
    lab, assembly = make()
    monkeypatch.setattr(runner, "rehearse", lambda *given, **named: Report("d1_small", "Lab-d1-small", "us-east-1"))
    said: list[str] = []

    (report,) = runner.rehearse_labs([(lab, assembly)], say=said.append)

    folder = runner.reports_folder(lab)
    assert json.loads((folder / "rehearsal.json").read_text())["ok"] is True
    assert not list(folder.glob("*.draft"))
    assert "start" in report.seconds
    assert any("answers at http://localhost" in line for line in said)
