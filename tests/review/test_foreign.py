"""Templates of others are reviewed like ours; a broken or hostile one is answered by a message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.errors import UserError
from labkit.review import read_folder, review_folder
from labkit.review.documents import DEEPEST, DocumentError, read_document

YAML = """\
Resources:
  Data:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub "${AWS::StackName}-data"
      Tags: [{Key: made, Value: 2026-01-31}]
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Data
      PolicyDocument:
        Statement:
          - {Effect: Allow, Principal: "*", Action: s3:GetObject, Resource: !GetAtt Data.Arn}
"""


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_short_intrinsics_of_yaml_are_written_out(tmp_path: Path) -> None:
    resources = read_document(written(tmp_path, "a.yaml", YAML))["Resources"]
    assert resources["Data"]["Properties"]["BucketName"] == {"Fn::Sub": "${AWS::StackName}-data"}
    statement = resources["Policy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert statement["Resource"] == {"Fn::GetAtt": ["Data", "Arn"]}
    assert resources["Policy"]["Properties"]["Bucket"] == {"Ref": "Data"}
    assert resources["Data"]["Properties"]["Tags"][0]["Value"] == "2026-01-31"


def test_a_folder_of_templates_is_reviewed(tmp_path: Path) -> None:
    written(tmp_path, "app/a.yaml", YAML)
    written(tmp_path, "b.json", json.dumps({"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}}}))
    written(tmp_path, "notes.json", '{"no": "template"}')
    found = review_folder(tmp_path, second_opinion=False)
    assert [lab.lab for lab in found.labs] == ["app/a", "b"]
    rules = {(row.lab, row.rule) for row in found.open}
    assert ("app/a", "bucket-tls-only") in rules
    assert ("b", "key-rotates") in rules
    (place,) = {(row.file, row.line) for row in found.open if row.rule == "key-rotates"}
    assert place == ((tmp_path / "b.json").as_posix(), 1)


def test_conventions_of_our_labs_are_not_asked_of_others(tmp_path: Path) -> None:
    written(tmp_path, "a.yaml", YAML)
    assert not [row for row in review_folder(tmp_path, second_opinion=False).rows if row.rule == "resources-tagged"]


def test_cfn_lint_reads_foreign_templates_too(tmp_path: Path) -> None:
    written(tmp_path, "a.yaml", YAML.replace("AWS::S3::BucketPolicy", "AWS::S3::NoSuchThing"))
    found = review_folder(tmp_path)
    assert [row.rule for row in found.open if row.engine == "cfn-lint"] == ["E3006"]


def test_stacks_of_an_assembly_and_of_its_stages_are_found(tmp_path: Path) -> None:
    template = json.dumps({"Resources": {"Key": {"Type": "AWS::KMS::Key"}}})
    for folder, region in ((tmp_path, "eu-west-1"), (tmp_path / "assembly-Prod", "cn-north-1")):
        written(folder, "One.template.json", template)
        stack = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://123456789012/{region}",
            "properties": {"templateFile": "One.template.json"},
            "metadata": {"/One/Keys/Key": [{"type": "aws:cdk:logicalId", "data": "Key"}]},
        }
        artifacts = {f"One-{region}": stack, "tree": {"type": "cdk:tree"}}
        if folder == tmp_path:
            artifacts["Prod"] = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
        written(folder, "manifest.json", json.dumps({"artifacts": artifacts}))
    found = read_folder(tmp_path)
    assert [(one.stack, one.region, one.partition, one.paths) for one in found] == [
        ("One-eu-west-1", "eu-west-1", "aws", {"Key": "Keys/Key"}),
        ("One-cn-north-1", "cn-north-1", "aws-cn", {"Key": "Keys/Key"}),
    ]


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"Resources": {', "line 1"),
        ("Resources:\n  A: [", "is not YAML: line"),
        ("just words", "got str"),
        ("[1, 2]", "got list"),
        ("", "got NoneType"),
        ('{"Resources": {"A": {"Type": "AWS::KMS::Key"}, "A": {"Type": "AWS::SQS::Queue"}}}', "'A' twice"),
        (BOMB, "aliases"),
        ("a: !!python/object/apply:os.system [ls]", "is not YAML"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "nested deeper"),
        ("[" * 3000 + "]" * 3000, "nested deeper"),
        ("a: " + "[" * 3000 + "]" * 3000, "nested deeper"),
        ("\x00\x01", "is not YAML"),
    ],
)
def test_a_broken_or_hostile_file_is_answered_by_a_message(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DocumentError, match=says):
        read_document(written(tmp_path, "a.json", text))


def test_a_template_as_deep_as_is_read_is_read(tmp_path: Path) -> None:
    depth = DEEPEST - 2
    assert read_document(written(tmp_path, "a.json", '{"a":' * depth + "1" + "}" * depth))


def test_every_broken_file_is_named_and_nothing_is_reviewed(tmp_path: Path) -> None:
    written(tmp_path, "good.yaml", YAML)
    written(tmp_path, "bad.json", "{")
    written(tmp_path, "worse.yaml", "a: [")
    with pytest.raises(UserError, match=r"(?s)bad\.json.*worse\.yaml"):
        read_folder(tmp_path)


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_a_folder_without_templates_is_answered_by_a_message(tmp_path: Path, folder: str) -> None:
    with pytest.raises(UserError, match=r"no such folder|holds no CloudFormation template"):
        read_folder(tmp_path / folder)


def test_references_in_a_circle_do_not_hang_any_engine(tmp_path: Path) -> None:
    circle = {
        "A": {
            "Type": "AWS::SNS::Topic",
            "DependsOn": "B",
            "Properties": {"KmsMasterKeyId": {"Fn::GetAtt": ["B", "Arn"]}},
        },
        "B": {"Type": "AWS::KMS::Key", "DependsOn": "A", "Properties": {"KeyPolicy": {"Ref": "A"}}},
        "C": {
            "Type": "Not::A::Type",
            "Properties": {"X": [{"Fn::If": ["No", {"Ref": "Gone"}, {"Ref": "AWS::NoValue"}]}]},
        },
    }
    written(tmp_path, "a.json", json.dumps({"Resources": circle}))
    assert review_folder(tmp_path, second_opinion=False).rows
