"""What CloudFormation and the services will meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from labkit.catalogue import pick
from stacks.lab_stack import LabStack
from stacks.secure.bucket import Bucket, LogBucket
from stacks.secure.catalogue import Crawler, GlueDatabase, GlueSecurityConfiguration
from stacks.secure.key import Key
from stacks.secure.workgroup import NamedQuery, WorkGroup
from stacks.settings import Settings


@pytest.fixture
def resources(synthesize: Any) -> dict[str, Any]:
    found: dict[str, Any] = synthesize(pick(["d1_data_lake"])[0]).template["Resources"]
    return found


def of(resources: dict[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, entry) for name, entry in resources.items() if entry["Type"] == kind)


def test_log_group_of_the_crawler_has_the_name_that_glue_writes_to(resources: dict[str, Any]) -> None:
    [(_, crawler)] = of(resources, "AWS::Glue::Crawler")
    role = crawler["Properties"]["Role"]["Fn::GetAtt"][0]
    security = crawler["Properties"]["CrawlerSecurityConfiguration"]["Ref"]
    name = {"Fn::Sub": f"/aws-glue/crawlers-role/${{{role}}}-${{{security}}}"}
    [group] = [e for _, e in of(resources, "AWS::Logs::LogGroup") if e["Properties"].get("LogGroupName") == name]
    assert group["Properties"]["KmsKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}


def test_crawler_reads_every_target_and_no_other_folder(resources: dict[str, Any]) -> None:
    [(_, crawler)] = of(resources, "AWS::Glue::Crawler")
    [policy] = [
        entry["Properties"]["PolicyDocument"]["Statement"]
        for _, entry in of(resources, "AWS::IAM::ManagedPolicy")
        if "glue:CreateTable" in json.dumps(entry)
    ]
    readable = {s["Resource"]["Fn::Sub"] for s in policy if "s3:GetObject" in s["Action"]}
    assert readable == {"${Raw.Arn}/flights_*", "${Curated.Arn}/flights_*"}
    paths = [target["Path"]["Fn::Sub"] for target in crawler["Properties"]["Targets"]["S3Targets"]]
    assert all(path.startswith(("s3://${Raw}/flights_", "s3://${Curated}/flights_")) for path in paths)
    assert not any("Delete" in action for statement in policy for action in statement["Action"])


def test_work_group_goes_before_its_results_are_emptied(resources: dict[str, Any]) -> None:
    [(_, group)] = of(resources, "AWS::Athena::WorkGroup")
    emptied = {resources[name]["Properties"].get("BucketName", {}).get("Ref") for name in group["DependsOn"]}
    assert "Results" in emptied
    assert group["Properties"]["RecursiveDeleteOption"] is True


def test_steps_are_told_the_folders_that_are_crawled(synthesize: Any) -> None:
    template = synthesize(pick(["d1_data_lake"])[0]).template
    [(_, crawler)] = of(template["Resources"], "AWS::Glue::Crawler")
    folders = {target["Path"]["Fn::Sub"].split("/")[3] for target in crawler["Properties"]["Targets"]["S3Targets"]}
    told = {
        n for output in ("RawTableNames", "CuratedTableNames") for n in template["Outputs"][output]["Value"].split(",")
    }
    assert folders == told


class Lake(LabStack):
    """The nouns that the tests below put together."""

    def __init__(self, **given: Any) -> None:
        super().__init__(cdk.App(), folder=Path("labs/d1_lake"), title="A lake", settings=Settings(**given))

    def build(self) -> None:
        self.key = Key(self, "Key")
        self.bucket = Bucket(self, "Results", key=self.key, logs=LogBucket(self, "Logs", key=self.key))
        self.database = GlueDatabase(self, "Tables")
        self.security = GlueSecurityConfiguration(self, "Security", key=self.key)

    def crawler(self, *folders: str) -> Crawler:
        parts = {"database": self.database, "security": self.security, "key": self.key}
        return Crawler(self, "Crawler", folders={self.bucket: folders}, **parts)


def test_folders_without_a_common_beginning_are_refused() -> None:
    with pytest.raises(ValueError, match="Lab-d1-lake/Crawler: folders raw, other have no beginning in common"):
        Lake().crawler("raw", "other")


def test_limit_below_what_athena_allows_is_refused() -> None:
    lake = Lake()
    with pytest.raises(ValueError, match="scan_limit is 9999999; Athena allows 10000000 or more"):
        WorkGroup(lake, "WorkGroup", results=lake.bucket, scan_limit=9_999_999)


def test_query_file_without_a_description_is_refused(tmp_path: Path) -> None:
    lake = Lake()
    group = WorkGroup(lake, "WorkGroup", results=lake.bucket, scan_limit=10_000_000)
    file = tmp_path / "mute.sql"
    file.write_text("SELECT 1\n")
    with pytest.raises(ValueError, match=r"mute\.sql: the first line must say what the query answers"):
        NamedQuery(lake, "Query", workgroup=group, database=lake.database, file=file)


def test_another_key_gives_the_security_configuration_another_name() -> None:
    # GIVEN keys that exist already
    keys = [f"arn:aws:kms:us-east-1:123456789012:key/0000000{n}-0000-0000-0000-000000000000" for n in (1, 2)]
    # THEN the configuration, which Glue can only replace, is named after the key
    lakes = [Lake(key_arn=key) for key in keys]
    names = [lake.resolve(lake.security.name) for lake in lakes]
    assert names == [f"Lab-d1-lake-{key.partition('/')[2]}" for key in keys]
