"""A CodeBuild project's own commands run, phase by phase, and everything about a build can be read afterwards."""

from __future__ import annotations

import io
import json
import textwrap
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from labkit.rehearsal.runtime.buildspec import Artifact, BuildspecError, parse
from labkit.rehearsal.runtime.codebuild_files import FilesError, chosen

BUILDSPEC = """
version: 0.2
env:
  variables: {STAGE: buildspec, ONLY: here}
  parameter-store: {LIMIT: /build/limit}
  secrets-manager: {TOKEN: "build/token:key"}
  exported-variables: [ANSWER, MISSING]
phases:
  install:
    runtime-versions: {python: "3.12"}
    commands: ["echo stage $STAGE limit $LIMIT token $TOKEN only $ONLY"]
  pre_build:
    commands: ["cd work", "HIDDEN=5"]
  build:
    commands:
      - echo hidden $HIDDEN in $(basename $(pwd))
      - export ANSWER=$((6 * 7))
      - python ../count.py > count.txt
  post_build:
    commands: ["echo succeeding $CODEBUILD_BUILD_SUCCEEDING"]
    finally: ["echo finally"]
artifacts:
  files: ["**/*.txt"]
  base-directory: work
  name: result
"""
COUNT = """
import os, sys, boto3
names = [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]
print("builds" in names, os.environ["CODEBUILD_SRC_DIR"] == os.path.dirname(os.getcwd()), os.environ["HOME"] != os.path.expanduser("~root"))
"""


def zipped(**files: str) -> bytes:
    """A zip; ``__`` in a name is a folder, the last ``_`` a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(".".join(name.replace("__", "/").rsplit("_", 1)), text)
    return out.getvalue()


class Lab:
    """A project that builds what lies in a bucket."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.builds, self.s3 = emulator, emulator.client("codebuild"), emulator.client("s3")
        self.role = "arn:aws:iam::123456789012:role/build"
        self.s3.create_bucket(Bucket="builds")
        emulator.client("ssm").put_parameter(Name="/build/limit", Value="seventeen", Type="String")
        emulator.client("secretsmanager").create_secret(Name="build/token", SecretString='{"key": "s3cr3t-value"}')

    def project(self, name: str, buildspec: str, source: bytes | None = None, **more: Any) -> None:
        """A project with this buildspec."""
        if source is not None:
            self.s3.put_object(Bucket="builds", Key=f"{name}.zip", Body=source)
        place = {"type": "S3", "location": f"builds/{name}.zip"} if source is not None else {"type": "NO_SOURCE"}
        settings: dict[str, Any] = {
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {"type": "LINUX_CONTAINER", "image": "standard", "computeType": "BUILD_GENERAL1_SMALL"},
            "serviceRole": self.role,
            **more,
        }
        self.builds.create_project(name=name, source={**place, "buildspec": buildspec}, **settings)

    def run(self, name: str, **request: Any) -> dict[str, Any]:
        """A finished build."""
        started = self.builds.start_build(projectName=name, **request)["build"]
        return self.ended(started["id"])

    def ended(self, identifier: str) -> dict[str, Any]:
        """The build when it is over."""

        def over() -> Any:
            build = self.builds.batch_get_builds(ids=[identifier])["builds"][0]
            return build if build["buildComplete"] else None

        return dict(self.emulator.wait(over))

    def log(self, build: dict[str, Any]) -> list[str]:
        """Its lines, without those of CodeBuild itself."""
        where = build["logs"]
        events = self.emulator.client("logs").get_log_events(
            logGroupName=where["groupName"], logStreamName=where["streamName"]
        )["events"]
        return [event["message"] for event in events if not event["message"].startswith("[Container]")]


@pytest.fixture(scope="module")
def lab(emulator: Any) -> Lab:
    """The lab."""
    return Lab(emulator)


def phases(build: dict[str, Any]) -> dict[str, str]:
    """Status by phase."""
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def spec(**given: str) -> str:
    """A buildspec of one command per phase."""
    return "version: 0.2\nphases:\n" + "".join(
        f"  {name}:\n    commands:\n      - {command}\n" for name, command in given.items()
    )


def test_a_build_runs_its_commands_in_one_shell_and_stores_its_artifacts(lab: Lab) -> None:
    # GIVEN a project with a source, variables from everywhere and an artifact
    lab.project(
        "whole",
        BUILDSPEC,
        zipped(count_py=COUNT, work__keep_md="kept"),
        artifacts={
            "type": "S3",
            "location": "builds",
            "path": "out",
            "packaging": "NONE",
            "overrideArtifactName": True,
        },
        cache={"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE"]},
        logsConfig={"cloudWatchLogs": {"status": "ENABLED", "groupName": "/lab/whole", "streamName": "runs"}},
    )
    # WHEN it is built with a variable that comes before the buildspec's
    build = lab.run("whole", environmentVariablesOverride=[{"name": "STAGE", "value": "given"}])
    notes = {note["text"] for note in lab.emulator.call("ledger")["notes"] if note["about"] == "whole"}
    assert "nothing is kept between builds: the cache is stored" in notes
    assert "buildspec runtime-versions: this project's Python is used" in notes
    # THEN every phase succeeded, its output is in the project's group, and secrets are not
    assert build["buildStatus"] == "SUCCEEDED", lab.log(build)
    assert set(phases(build).values()) == {"SUCCEEDED", ""}
    assert lab.log(build) == [
        "stage given limit *** token *** only here",
        "hidden 5 in work",
        "succeeding 1",
        "finally",
    ]
    assert build["logs"]["groupName"] == "/lab/whole"
    assert build["logs"]["streamName"].startswith("runs/")
    assert build["exportedEnvironmentVariables"] == [{"name": "ANSWER", "value": "42"}]
    # AND the command reached the emulator, and what it wrote is in the bucket
    assert lab.s3.get_object(Bucket="builds", Key="out/result/count.txt")["Body"].read() == b"True True True\n"
    assert "keep.md" not in json.dumps(lab.s3.list_objects_v2(Bucket="builds", Prefix="out/"), default=str)


def test_a_failed_build_command_still_runs_post_build_and_names_the_command(lab: Lab) -> None:
    # GIVEN commands of which the second fails
    lab.project("failing", spec(build="exit 3", post_build="echo succeeding $CODEBUILD_BUILD_SUCCEEDING"))
    # WHEN it is built
    build = lab.run("failing")
    # THEN the phase says which command failed, and post_build knew
    assert build["buildStatus"] == "FAILED"
    failed = next(phase for phase in build["phases"] if phase["phaseType"] == "BUILD")
    assert failed["contexts"] == [
        {
            "statusCode": "COMMAND_EXECUTION_ERROR",
            "message": "Error while executing command: exit 3. Reason: exit status 3",
        }
    ]
    assert lab.log(build) == ["succeeding 0"]


def test_a_failed_pre_build_ends_the_build_unless_it_may_go_on(lab: Lab) -> None:
    # GIVEN two projects that fail before the build phase, one with on-failure
    lab.project("ends", spec(pre_build="'false'", build="echo built"))
    goes_on = spec(pre_build="'false'", build="echo built").replace(
        "pre_build:", "pre_build:\n    on-failure: CONTINUE"
    )
    lab.project("goes-on", goes_on)
    # WHEN both are built THEN only one got to its build phase
    ends, on = lab.run("ends"), lab.run("goes-on")
    assert "BUILD" not in phases(ends)
    assert phases(ends)["PRE_BUILD"] == "FAILED"
    assert phases(on)["BUILD"] == "SUCCEEDED"
    assert lab.log(on) == ["built"]
    assert (ends["buildStatus"], on["buildStatus"]) == ("FAILED", "FAILED")


def test_a_build_reaches_no_network_but_the_emulator(lab: Lab) -> None:
    # GIVEN a build that would install a package and connect to a foreign address
    connect = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    lab.project(
        "network", spec(pre_build=f'python -c "{connect}" 2>&1 | tail -1', build="pip install -q nosuchpackage")
    )
    # WHEN it is built THEN neither works
    build = lab.run("network")
    assert build["buildStatus"] == "FAILED"
    assert "Network is unreachable" in lab.log(build)[0]
    assert "pip install" in json.dumps(build["phases"], default=str)


def test_a_build_can_be_stopped_and_is_told_on_the_event_bus(lab: Lab) -> None:
    # GIVEN a rule on the state of builds
    queue = lab.emulator.client("sqs").create_queue(QueueName="builds")["QueueUrl"]
    events = lab.emulator.client("events")
    pattern = {
        "source": ["aws.codebuild"],
        "detail-type": ["CodeBuild Build State Change"],
        "detail": {"project-name": ["slow"]},
    }
    events.put_rule(Name="builds", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="builds", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:builds"}])
    lab.project("slow", spec(build="tail -f /dev/null"))
    # WHEN a build is stopped half-way
    identifier = lab.builds.start_build(projectName="slow")["build"]["id"]
    lab.builds.stop_build(id=identifier)
    # THEN it says so, and both changes were told
    assert lab.ended(identifier)["buildStatus"] == "STOPPED"
    lab.emulator.advance(1)
    messages = lab.emulator.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    states = {json.loads(message["Body"])["detail"]["build-status"] for message in messages}
    assert states == {"IN_PROGRESS", "STOPPED"}


def test_a_build_out_of_time_is_timed_out(lab: Lab) -> None:
    # GIVEN a build that sleeps for longer than it may
    lab.project("late", spec(build="sleep 10m"), timeoutInMinutes=5)
    # WHEN it is built THEN the build ends when its time is over
    build = lab.run("late")
    assert build["buildStatus"] == "TIMED_OUT"
    assert phases(build)["BUILD"] == "TIMED_OUT"
    assert 300 <= (build["endTime"] - build["startTime"]).total_seconds() < 600


def test_sleeping_in_a_build_lets_emulated_time_pass(lab: Lab) -> None:
    # GIVEN a build that sleeps in the shell and in Python
    before = lab.emulator.now()
    lab.project("asleep", spec(pre_build="sleep 90", build="python -c 'import time; time.sleep(1800)'"))
    # WHEN it is built THEN half an hour has passed, and it was soon over
    begun = time.monotonic()
    assert lab.run("asleep")["buildStatus"] == "SUCCEEDED"
    assert (lab.emulator.now() - before).total_seconds() >= 1890
    assert time.monotonic() - begun < 600


def test_a_missing_source_or_network_or_buildspec_fails_in_its_own_phase(lab: Lab) -> None:
    # GIVEN projects that cannot begin
    lab.project("sourceless", spec(build="'true'"), b"")
    lab.s3.delete_object(Bucket="builds", Key="sourceless.zip")
    vpc = {"vpcId": "vpc-1", "subnets": ["subnet-nowhere"], "securityGroupIds": ["sg-1"]}
    lab.project("nowhere", spec(build="'true'"), vpcConfig=vpc)
    lab.project("broken", "version: 0.2\nphases: {bild: {}}\n")
    # WHEN they are built THEN each fails where it would in AWS
    assert phases(lab.run("sourceless"))["DOWNLOAD_SOURCE"] == "FAILED"
    build = lab.run("nowhere")
    assert build["phases"][-3]["contexts"][0]["statusCode"] == "VPC_CLIENT_ERROR"
    context = lab.run("broken")["phases"][-3]["contexts"][0]
    assert context == {"statusCode": "YAML_FILE_ERROR", "message": "YAML file error: unknown keys in phases: bild"}


def test_a_template_makes_a_project_that_keeps_every_property(lab: Lab) -> None:
    # GIVEN a template with a pipeline's project
    properties = {
        "Name": "from-template",
        "ServiceRole": lab.role,
        "Source": {"Type": "CODEPIPELINE", "BuildSpec": "buildspecs/train.yml"},
        "Artifacts": {"Type": "CODEPIPELINE"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "Image": "aws/codebuild/standard:7.0",
            "ComputeType": "BUILD_GENERAL1_SMALL",
        },
        "EncryptionKey": "arn:aws:kms:us-east-1:123456789012:key/1",
        "TimeoutInMinutes": 20,
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "/lab/train"}},
    }
    template = {"Resources": {"Project": {"Type": "AWS::CodeBuild::Project", "Properties": properties}}}
    stacks = lab.emulator.client("cloudformation")
    stacks.create_stack(StackName="builds", TemplateBody=json.dumps(template))
    # WHEN the stack is there
    lab.emulator.wait(
        lambda: stacks.describe_stacks(StackName="builds")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    )
    # THEN the project has it all and nothing was dropped, and it is labelled as running
    project = lab.builds.batch_get_projects(names=["from-template"])["projects"][0]
    assert project["encryptionKey"].endswith("key/1")
    assert project["timeoutInMinutes"] == 20
    entry = next(item for item in lab.emulator.call("ledger")["resources"] if item["stack"] == "builds")
    assert (entry["label"], entry["dropped"]) == ("executed", [])


def test_artifact_patterns_choose_files_as_codebuild_does(tmp_path: Path) -> None:
    for name in ("a.txt", "sub/b.txt", "sub/deep/c.txt", "sub/d.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)

    def names(*files: str, **more: Any) -> list[str]:
        return sorted(chosen(Artifact(files=files, **more), tmp_path))

    assert names("*.txt") == ["a.txt"]
    assert names("**/*") == ["a.txt", "sub/b.txt", "sub/d.md", "sub/deep/c.txt"]
    assert names("sub/*") == ["sub/b.txt", "sub/d.md"]
    assert names("**/*.txt", base="sub") == ["b.txt", "deep/c.txt"]
    assert names("**/*.txt", discard_paths=True) == ["a.txt", "b.txt", "c.txt"]
    assert names("**/*", exclude=("sub/**/*",)) == ["a.txt"]
    with pytest.raises(FilesError, match="no matching artifact paths"):
        names("*.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("phases: {}", "Invalid buildspec version: none"),
        ("version: 0.2", "phases is missing"),
        ("version: 0.2\nphases: {build: {comands: [a]}}", "unknown keys in phases.build: comands"),
        ("version: 0.2\nphases: {build: {commands: [{a: b}]}}", "to be of string type"),
        ("version: 0.2\nphases: {build: {on-failure: IGNORE}}", "on-failure: IGNORE given"),
        ("version: 0.2\nphases: {build: {}}\nartifacts: {name: a}", "artifacts.files is missing"),
        ("version: 0.2\nenv: {shell: fish}\nphases: {}", "env.shell: fish given"),
        ("a: [", "YAML file error"),
    ],
)
def test_a_buildspec_that_codebuild_refuses_is_refused(text: str, message: str) -> None:
    with pytest.raises(BuildspecError, match=message):
        parse(textwrap.dedent(text))
