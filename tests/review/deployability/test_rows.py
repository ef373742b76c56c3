"""The prover's evidence: a row for each resource that a check looked at, in words for a person."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date
from typing import Any

import pytest

from labkit.assembly import Assembly
from labkit.catalogue import ROOT
from labkit.review import engines
from labkit.review.lab import Lab
from labkit.review.provers import deployability, every_prover
from labkit.review.provers.deployability import RULES
from tests.review.conftest import Make, acceptance
from tests.review.deployability.parts import arn, key, one

LOGS = "logs.us-east-1.amazonaws.com"
CHECK = "deploy-key-lets-service"


def rows(assembly: Assembly, rule: str = CHECK) -> list[Any]:
    return [row for row in engines.quick(Lab(assembly), today=date(2026, 12, 1)) if row.rule == rule]


def group(**properties: Any) -> dict[str, Any]:
    return one("AWS::Logs::LogGroup", KmsKeyId=arn("Key"), **properties)


def test_the_prover_is_found_by_walking_the_folder() -> None:
    assert deployability.ENGINE in {prover.ENGINE for prover in every_prover()}


def test_a_fault_says_where_what_happens_what_aws_says_and_what_to_change(make: Make) -> None:
    # GIVEN a log group whose key does not know CloudWatch Logs
    found = rows(make({"Key": key(), "Group": group()}))
    # THEN one open row on the group says everything that a person needs
    (row,) = found
    assert (row.status, row.logical_id, row.engine, row.finding) == ("open", "Group", deployability.ENGINE, CHECK)
    for part in ("Key.KeyPolicy", f"{LOGS} lacks", "At create", "AWS says: The specified KMS key", "Change: Allow"):
        assert part in row.evidence


def test_every_resource_that_was_looked_at_has_a_row(make: Make) -> None:
    found = rows(make({"Key": key(LOGS), "One": group(), "Two": group()}))
    assert {row.logical_id: row.status for row in found} == {"One": "pass", "Two": "pass"}


def test_a_check_without_resources_is_not_applicable(make: Make) -> None:
    (row,) = rows(make({"Queue": one("AWS::SQS::Queue")}))
    assert row.status == "not applicable"


def test_a_check_of_updates_says_that_it_needs_two_versions(make: Make) -> None:
    (row,) = rows(make({"Queue": one("AWS::SQS::Queue")}), "deploy-update-one-step")
    assert (row.status, "two versions" in row.evidence) == ("not applicable", True)


def test_what_the_template_does_not_tell_is_unknown(make: Make) -> None:
    (row,) = rows(make({"Group": group() | {"Properties": {"KmsKeyId": "arn:aws:kms:us-east-1:1:key/2"}}}))
    assert row.status == "unknown"


@pytest.mark.parametrize("name", ["Group", "Other"])
def test_a_finding_is_accepted_by_the_checks_id_on_its_resource(make: Make, name: str) -> None:
    # GIVEN an acceptance on one of two resources
    resources = {"Key": key(), "Group": group(), "Other": group()}
    found = rows(make(resources, accepted=[acceptance(CHECK, name, engine="own")]))
    # THEN it accepts there and nowhere else
    assert {row.logical_id for row in found if row.status == "accepted"} == {name}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_check_explains_itself(rule: Any) -> None:
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")
    assert rule.error
    assert rule.types
    assert all(source.startswith("https://") for source in rule.sources)
    assert any("docs.aws.amazon.com" in source for source in rule.sources)


def test_ids_and_titles_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len({rule.title for rule in RULES}) == len(RULES)


def test_every_table_row_names_types_that_cloudformation_has() -> None:
    from labkit.rehearsal.stacks.schema import schema

    types = {type_ for rule in RULES for type_ in rule.types if type_.startswith("AWS::")}
    types -= {"AWS::Serverless::Function", "AWS::CloudFormation::CustomResource"}
    assert {type_ for type_ in types if schema(type_) is None} == set()


def test_the_table_of_sources_is_complete() -> None:
    import tomllib

    for file in sorted((ROOT / "labkit/review/provers/deployability/tables").glob("*.toml")):
        content = tomllib.loads(file.read_text())
        tables = [
            row for rows_ in content.values() if isinstance(rows_, list) for row in rows_ if isinstance(row, dict)
        ]
        assert all(str(row.get("source", "")).startswith("https://") for row in tables), file.name
        assert tables or "https://docs.aws.amazon.com/" in file.read_text(), file.name


BOOTSTRAP = "cdk-hnb659fds-assets-${AWS::AccountId}-us-east-1"


def packed(assembly: Assembly, **files: dict[str, str]) -> None:
    """Put archives and the list of them beside the template, each under the key ``<name>.zip``."""
    listed = {}
    for name, members in files.items():
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as opened:
            for member, text in members.items():
                opened.writestr(member, text)
        (assembly.folder / f"asset.{name}.zip").write_bytes(content.getvalue())
        place = {"bucketName": BOOTSTRAP, "objectKey": f"{name}.zip"}
        listed[name] = {"source": {"path": f"asset.{name}.zip"}, "destinations": {"here": place}}
    (assembly.folder / f"{assembly.stack}.assets.json").write_text(json.dumps({"files": listed}))


def publisher(file: str, **variables: str) -> dict[str, Any]:
    code = {"S3Bucket": {"Fn::Sub": BOOTSTRAP}, "S3Key": f"{file}.zip"}
    return one("AWS::Lambda::Function", Code=code, Environment={"Variables": variables})


def watching(metric: str, dimension: str) -> dict[str, Any]:
    dimensions = [{"Name": dimension, "Value": "v"}]
    return one("AWS::CloudWatch::Alarm", Namespace="Shop/Flights", MetricName=metric, Dimensions=dimensions)


PROGRAM = """
import names
client.put_metric_data(Namespace=os.environ["NAMESPACE"], MetricData=[
    {"MetricName": "Late", "Dimensions": [{"Name": "Airport", "Value": airport}], "Value": 1}])
"""


def test_an_alarm_on_a_metric_that_packed_code_does_not_publish_is_named(make: Make) -> None:
    # GIVEN a function whose settings hold the namespace and whose archive publishes, and three alarms
    published = publisher("program", NAMESPACE="Shop/Flights")
    alarms = {
        "Right": watching("Late", "Airport"),
        "Wrong": watching("Lates", "Airport"),
        "Apart": watching("Late", "Airports"),
    }
    assembly = make({"Publisher": published, **alarms})
    packed(assembly, program={"handler.py": PROGRAM})

    # WHEN the prover looks, THEN it names the metric and the dimension that nobody publishes
    found = rows(assembly, "deploy-custom-metric-published")
    assert {row.logical_id: row.status for row in found} == {"Right": "pass", "Wrong": "open", "Apart": "open"}


def test_the_namespace_may_stand_in_the_packed_code(make: Make) -> None:
    assembly = make({"Publisher": publisher("program"), "Wrong": watching("Lates", "Airport")})
    packed(assembly, program={"handler.py": PROGRAM.replace('os.environ["NAMESPACE"]', '"Shop/Flights"')})

    (row,) = rows(assembly, "deploy-custom-metric-published")
    assert row.status == "open"


@pytest.mark.parametrize(
    "files",
    [
        {"other": {"handler.py": PROGRAM}},
        {"program": {"index.js": "put({MetricName: 'Late'})"}},
        {"program": {"handler.py": PROGRAM.replace('"Late"', '"Wrong"')}},
    ],
    ids=["it is not among the files", "it is in another language", "it publishes the metric"],
)
def test_an_alarm_is_let_pass_where_the_code_cannot_be_read(make: Make, files: dict[str, dict[str, str]]) -> None:
    # GIVEN a function that knows the namespace, and whose code is not there, cannot be read or publishes the metric
    assembly = make(
        {"Publisher": publisher("program", NAMESPACE="Shop/Flights"), "Alarm": watching("Wrong", "Airport")}
    )
    packed(assembly, **files)

    # THEN nothing is said of the alarm
    (row,) = rows(assembly, "deploy-custom-metric-published")
    assert row.status == "pass"


def test_names_may_stand_in_the_layer_that_a_publisher_uses(make: Make) -> None:
    # GIVEN a function that takes the names from its layer, which is packed too
    layer = one("AWS::Lambda::LayerVersion", Content={"S3Bucket": {"Fn::Sub": BOOTSTRAP}, "S3Key": "layer.zip"})
    function = publisher("program", NAMESPACE="Shop/Flights")
    function["Properties"]["Layers"] = [{"Ref": "Layer"}]
    alarms = {"Right": watching("Early", "Airport"), "Wrong": watching("Earlys", "Airport")}
    assembly = make({"Layer": layer, "Publisher": function, **alarms})
    packed(assembly, program={"handler.py": PROGRAM}, layer={"python/names.py": 'EARLY = "Early"'})

    # THEN its names count
    found = rows(assembly, "deploy-custom-metric-published")
    assert {row.logical_id: row.status for row in found} == {"Right": "pass", "Wrong": "open"}


def test_code_that_deployment_does_not_upload_is_named(make: Make) -> None:
    # GIVEN an assembly that uploads one file, and two functions
    bucket = {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-us-east-1"}

    def function(file: str) -> dict[str, Any]:
        return one("AWS::Lambda::Function", Code={"S3Bucket": bucket, "S3Key": file})

    assembly = make({"There": function("there.zip"), "Gone": function("gone.zip")})
    place = {"bucketName": "cdk-hnb659fds-assets-${AWS::AccountId}-us-east-1", "objectKey": "there.zip"}
    listed = {"files": {"a": {"source": {"path": "asset.a.zip"}, "destinations": {"here": place}}}}
    (assembly.folder / f"{assembly.stack}.assets.json").write_text(json.dumps(listed))

    # WHEN the prover looks, THEN it names the one whose code is nowhere
    found = rows(assembly, "deploy-code-uploaded")
    assert {row.logical_id: row.status for row in found} == {"There": "pass", "Gone": "open"}
