"""What a delivery must be like to be trained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

DATA, MODELS = "data", "models"


@pytest.fixture
def validate(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("src/release/stages/validate.py")


@pytest.fixture
def winter(lab_folder: Path) -> str:
    return (lab_folder / "data" / "winter.csv").read_text()


def changed(text: str, line: int, column: str, value: str) -> str:
    """The same delivery with one cell changed; line 1 is the header."""
    lines = text.splitlines()
    header, cells = lines[0].split(","), lines[line - 1].split(",")
    cells[header.index(column)] = value
    lines[line - 1] = ",".join(cells)
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", ["winter", "summer"])
def test_real_deliveries_are_accepted(validate: ModuleType, lab_folder: Path, winter: str, name: str) -> None:
    text = (lab_folder / "data" / f"{name}.csv").read_text()
    assert validate.problems(text, validate.statistics([winter])) == []


def test_a_lost_column_is_named(validate: ModuleType, lab_folder: Path) -> None:
    text = (lab_folder / "data" / "broken.csv").read_text()
    assert validate.problems(text, {}) == ["columns missing: pressure"]


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("weekday", "Mon", "line 5: weekday 'Mon' is not a number"),
        ("late", "", "line 5: late is missing"),
        ("humid", "140", "line 5: humid 140 is not between 0 and 100"),
        ("date", "01.02.2013", "line 5: date '01.02.2013' is not like 2013-01-31"),
        ("date", "2013-02-01", "line 5: date 2013-02-01 is not in month 1"),
    ],
)
def test_a_wrong_cell_is_told_with_its_line(
    validate: ModuleType, winter: str, column: str, value: str, told: str
) -> None:
    assert validate.problems(changed(winter, 5, column, value), {}) == [told]


def test_a_short_row_and_a_short_file_are_told(validate: ModuleType, winter: str) -> None:
    lines = winter.splitlines()[:50]
    assert validate.problems("\n".join([*lines, "2013-01-31,0"]), {}) == [
        "50 rows; at least 200 are expected",
        "line 51: 2 cells; 18 are expected",
    ]


def test_an_empty_file_is_no_delivery(validate: ModuleType) -> None:
    assert "columns missing" in validate.problems("", {})[0]


def test_only_the_first_wrong_cells_are_listed(validate: ModuleType, winter: str) -> None:
    text = winter
    for line in range(2, 10):
        text = changed(text, line, "origin", "7")
    told = validate.problems(text, {})
    assert len(told) == 6
    assert told[-1] == "and 3 more"


def test_another_unit_of_measurement_is_noticed(validate: ModuleType, winter: str) -> None:
    # GIVEN the same flights with the pressure in hectopascal above 900, as if another station's scale were used
    header, *rows = [line.split(",") for line in winter.splitlines()]
    place = header.index("pressure")
    for row in rows:
        row[place] = "905" if row[place] else ""
    text = "\n".join(",".join(row) for row in (header, *rows))
    # THEN the shift is told although every value is in range
    (told,) = validate.problems(text, validate.statistics([winter]))
    assert told.startswith("pressure: the mean moved by")


def test_labels_that_cannot_be_true_are_refused(validate: ModuleType, winter: str) -> None:
    header, *rows = [line.split(",") for line in winter.splitlines()]
    for row in rows:
        row[1] = "0"
    text = "\n".join(",".join(row) for row in (header, *rows))
    assert validate.problems(text, {}) == ["0% of the flights are late; 5% to 60% is credible"]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "RUN_ID": "one",
        "MODELS_BUCKET": MODELS,
        "DATA_BUCKET": DATA,
        "MODEL_PACKAGE": "none",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = boto3.client("s3")
        for bucket in (DATA, MODELS):
            client.create_bucket(Bucket=bucket)
        yield client


def put(s3: Any, lab_folder: Path, name: str) -> None:
    s3.put_object(Bucket=DATA, Key=f"incoming/{name}", Body=(lab_folder / "data" / name).read_bytes())


def keys(s3: Any) -> set[str]:
    return {entry["Key"] for entry in s3.list_objects_v2(Bucket=DATA).get("Contents", [])}


def test_a_bad_file_fails_the_stage_once_and_is_left_out_when_it_is_tried_again(
    validate: ModuleType, s3: Any, lab_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a good and a bad delivery
    put(s3, lab_folder, "winter.csv")
    put(s3, lab_folder, "broken.csv")
    # WHEN the stage runs THEN it fails, with the bad one in quarantine and the good one accepted
    with pytest.raises(SystemExit):
        validate.main()
    assert "REFUSED: broken.csv is in quarantine: columns missing: pressure" in capsys.readouterr().out
    assert {"quarantine/broken.csv", "accepted/winter.csv", "incoming/broken.csv", "incoming/winter.csv"} <= keys(s3)
    assert "accepted/broken.csv" not in keys(s3)
    # WHEN it is tried again THEN it goes on without the bad one
    validate.main()
    assert "1 accepted deliveries" in capsys.readouterr().out


def test_a_file_sent_again_is_judged_again(validate: ModuleType, s3: Any, lab_folder: Path) -> None:
    put(s3, lab_folder, "broken.csv")
    with pytest.raises(SystemExit):
        validate.main()
    # WHEN a good file comes under the name of the bad one
    s3.put_object(Bucket=DATA, Key="incoming/broken.csv", Body=(lab_folder / "data" / "winter.csv").read_bytes())
    validate.main()
    verdict = json.loads(s3.get_object(Bucket=DATA, Key="verdicts/broken.csv.json")["Body"].read())
    assert verdict["verdict"] == "accepted"


def test_without_data_the_stage_says_what_is_missing(
    validate: ModuleType, s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        validate.main()
    assert "there is no accepted delivery to train on: put one into incoming/" in capsys.readouterr().out


def test_an_execution_that_releases_a_package_judges_nothing(
    validate: ModuleType, s3: Any, lab_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_PACKAGE", "arn:aws:sagemaker:us-east-1:123456789012:model-package/lab/1")
    put(s3, lab_folder, "broken.csv")
    validate.main()
    assert keys(s3) == {"incoming/broken.csv"}
