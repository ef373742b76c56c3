"""Jobs of the stack are stopped before the network, the buckets and the roles go that they work with."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.conftest import Make
from tests.review.removability.parts import (
    EMPTIED,
    HANDLER,
    OBJECTS,
    ORDER,
    UNBLOCKED,
    Resources,
    att,
    check,
    hook,
    one,
    passing,
    ref,
    role,
    rows,
    sub,
)

JOBS = sub("arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:processing-job/lab-*")
NETWORK: Resources = {
    "Subnet": one("AWS::EC2::Subnet", VpcId="vpc-1"),
    "Group": one("AWS::EC2::SecurityGroup", VpcId="vpc-1", GroupDescription="jobs"),
}
STOPS: Resources = HANDLER | {"HandlerRole": role("sagemaker:StopProcessingJob")}
SCHEDULE = one("AWS::Scheduler::Schedule", Target={"Arn": att("Launcher")})
ENVIRONMENT = {"Variables": {"GROUP": att("Group", "GroupId"), "SUBNETS": ref("Subnet"), "ROLE": att("JobRole")}}


def launcher(**properties: Any) -> Resources:
    return NETWORK | {
        "JobRole": role("s3:PutObject", OBJECTS, service="sagemaker"),
        "LauncherRole": passing("sagemaker:CreateProcessingJob", resource=JOBS),
        "Launcher": one(
            "AWS::Lambda::Function", Role=att("LauncherRole"), **({"Environment": ENVIRONMENT} | properties)
        ),
    }


def stopped(*depends: str, **properties: Any) -> Resources:
    return STOPS | {"Stopped": hook("Custom::StopJobs", list(depends), **(properties or {"JobPrefix": "lab-"}))}


def starting(*depends: str) -> Resources:
    return {"Starts": SCHEDULE | {"DependsOn": list(depends)}}


RIGHT = launcher() | stopped("Subnet", "Group") | starting("Stopped")


def test_jobs_that_start_of_their_own_accord_are_stopped(make: Make) -> None:
    wrong = STOPS | launcher() | starting()
    check(make, UNBLOCKED, "Launcher", wrong, "Starts lets Launcher start jobs", RIGHT)


def test_jobs_are_stopped_before_their_network_goes(make: Make) -> None:
    for missing in ("Subnet", "Group"):
        kept = [one for one in ("Subnet", "Group") if one != missing]
        wrong = RIGHT | stopped(*kept)
        check(make, ORDER, "Stopped", wrong, f"{missing} may be deleted before Stopped stopped the jobs in it", RIGHT)


def test_nothing_starts_a_job_once_they_are_stopped(make: Make) -> None:
    said = "Starts may let Launcher start a job after Stopped stopped them"
    check(make, ORDER, "Starts", RIGHT | starting(), said, RIGHT)


def test_a_launcher_that_is_gone_starts_nothing(make: Make) -> None:
    # GIVEN a schedule that names its function by text, so that nothing keeps them in order
    arn = "arn:aws:lambda:us-east-1:123456789012:function:launch"
    schedule = {"Starts": one("AWS::Scheduler::Schedule", Target={"Arn": arn})}
    named = RIGHT | launcher(FunctionName="launch") | schedule
    gone = named | {"Launcher": named["Launcher"] | {"DependsOn": ["Stopped"]}}
    # THEN it is enough that the function is gone
    check(make, ORDER, "Starts", named, "Starts may let Launcher start a job", gone)


def test_a_network_that_only_a_condition_names_counts(make: Make) -> None:
    # GIVEN a launcher that is told nothing, but whose role may start jobs in one group alone
    resources = STOPS | launcher(Environment={}) | starting()
    statement = resources["LauncherRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    statement["Condition"] = {"StringEquals": {"sagemaker:VpcSecurityGroupIds": att("Group", "GroupId")}}
    # THEN its jobs are known to be in it
    assert [row.status for row in rows(make, resources, "Launcher", UNBLOCKED)] == ["open"]


def test_the_network_of_a_function_itself_is_not_that_of_its_jobs(make: Make) -> None:
    place = {"SubnetIds": [ref("Subnet")], "SecurityGroupIds": [att("Group", "GroupId")]}
    resources = STOPS | launcher(Environment={}, VpcConfig=place) | starting()
    assert rows(make, resources, "Launcher", UNBLOCKED) == []


def test_jobs_that_a_person_starts_are_stopped_too(make: Make) -> None:
    # GIVEN a launcher that nothing of the stack calls
    right = STOPS | launcher() | stopped("Subnet", "Group")
    right["Launcher"] = right["Launcher"] | {"DependsOn": ["Stopped"]}
    check(make, UNBLOCKED, "Launcher", STOPS | launcher(), "Launcher starts jobs", right)
    # THEN it may start none any more once they are stopped
    late = right | {"Launcher": {k: v for k, v in right["Launcher"].items() if k != "DependsOn"}}
    check(make, ORDER, "Launcher", late, "Launcher may let Launcher start a job after Stopped", right)


def test_an_alarm_about_a_launcher_does_not_start_it(make: Make) -> None:
    alarm = one("AWS::CloudWatch::Alarm", Dimensions=[{"Name": "FunctionName", "Value": ref("Launcher")}])
    (row,) = rows(make, STOPS | launcher() | {"Alarm": alarm}, "Launcher", UNBLOCKED)
    assert "Alarm" not in row.evidence


@pytest.mark.parametrize(
    "wrong",
    [
        stopped("Subnet", "Group", JobPrefix="others-"),
        {"Stopped": hook("Custom::EmptyOnDelete", ["Subnet", "Group"], BucketName="lab-")},
        stopped("Subnet", "Group", Cluster=ref("AWS::StackName")),
        stopped("Subnet", "Group") | {"HandlerRole": role("sagemaker:StopTrainingJob")},
    ],
    ids=["other jobs", "no jobs", "something else", "may not stop"],
)
def test_what_does_not_stop_these_jobs_is_not_taken_for_it(wrong: Resources, make: Make) -> None:
    check(make, UNBLOCKED, "Launcher", RIGHT | wrong, "nothing stops them", RIGHT)


def test_what_is_told_the_launcher_or_the_role_stops_its_jobs(make: Make) -> None:
    for named in ({"Function": ref("Launcher")}, {"Role": att("JobRole")}):
        hooked = {"Stopped": hook("Custom::Stop", ["Subnet", "Group"], **named)}
        assert rows(make, RIGHT | starting() | hooked, "Launcher", UNBLOCKED) == [], named


def test_a_pipeline_of_sagemaker_waits_for_its_jobs_by_itself(make: Make) -> None:
    definition = {"PipelineDefinitionBody": sub("${JobRole.Arn} ${Group.GroupId}")}
    pipeline = one("AWS::SageMaker::Pipeline", RoleArn=att("LauncherRole"), PipelineDefinition=definition)
    (row,) = rows(make, HANDLER | launcher() | {"Launcher": pipeline}, "Launcher", ORDER)
    assert (row.status, "is not deleted while it runs" in row.evidence) == ("pass", True)


def test_what_stops_jobs_does_so_before_the_bucket_is_emptied_that_they_write_into(make: Make) -> None:
    wrong = EMPTIED | RIGHT
    right = EMPTIED | RIGHT | stopped("Subnet", "Group", "Emptied")
    said = "or a job of it that Stopped has not stopped yet, may still write into Bucket after Emptied emptied it"
    check(make, ORDER, "Stopped", wrong, said, right)
