"""A CodePipeline pipeline runs: sources, builds, approvals, stacks, functions, in the order and by the rules of its mode."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

BUILDSPEC = """
version: 0.2
env: {exported-variables: [SCORE]}
phases:
  build:
    commands:
      - cat word.txt
      - export SCORE=0.9
      - echo "{\\"Parameters\\":{\\"Word\\":\\"$(cat word.txt)-$EXTRA\\"}}" > settings.json
artifacts: {files: [settings.json, template.json]}
"""
FLAKY = """
version: 0.2
phases:
  build:
    commands:
      - python -c "import boto3; boto3.client('ssm').get_parameter(Name='/pipeline/ready')"
"""
TEMPLATE = {
    "Parameters": {"Word": {"Type": "String"}, "Score": {"Type": "String"}},
    "Resources": {
        "Said": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Fn::Sub": "${Word} ${Score}"}},
        }
    },
    "Outputs": {"Name": {"Value": {"Ref": "Said"}}},
}
FUNCTION = """
import boto3, json
def handler(event, context):
    job = event["CodePipeline.job"]
    word = job["data"]["actionConfiguration"]["configuration"].get("UserParameters", "")
    client = boto3.client("codepipeline")
    if word == "refuse":
        client.put_job_failure_result(jobId=job["id"], failureDetails={"type": "JobFailed", "message": "refused"})
    else:
        client.put_job_success_result(jobId=job["id"], outputVariables={"Heard": word})
"""


def zipped(files: dict[str, str]) -> bytes:
    """A zip of texts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def action(name: str, kind: str, *, order: int = 1, inputs: str = "", outputs: str = "", **more: Any) -> dict[str, Any]:
    """An action of ``Category/Provider``."""
    category, _, provider = kind.partition("/")
    configuration = {
        key: value for key, value in more.items() if key not in ("namespace", "roleArn", "timeoutInMinutes")
    }
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "runOrder": order,
        "configuration": configuration,
        "inputArtifacts": [{"name": each} for each in inputs.split()],
        "outputArtifacts": [{"name": each} for each in outputs.split()],
        **({"namespace": more["namespace"]} if "namespace" in more else {}),
    }


def approval(name: str = "Approve", **more: Any) -> dict[str, Any]:
    """A manual approval."""
    return action(name, "Approval/Manual", **more)


class Lab:
    """Pipelines on one bucket, with two build projects and a function."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.pipelines = emulator, emulator.client("codepipeline")
        self.s3, iam = emulator.client("s3"), emulator.client("iam")
        self.s3.create_bucket(Bucket="pipelines")
        self.s3.put_bucket_versioning(Bucket="pipelines", VersioningConfiguration={"Status": "Enabled"})
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codepipeline.amazonaws.com"}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        self.role = iam.create_role(RoleName="pipelines", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        self.key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
        for name, buildspec in (("compose", BUILDSPEC), ("flaky", FLAKY)):
            emulator.client("codebuild").create_project(
                name=name,
                source={"type": "CODEPIPELINE", "buildspec": buildspec},
                artifacts={"type": "CODEPIPELINE"},
                environment={"type": "LINUX_CONTAINER", "image": "standard", "computeType": "BUILD_GENERAL1_SMALL"},
                serviceRole=self.role,
            )
        emulator.client("lambda").create_function(
            FunctionName="listener",
            Runtime="python3.12",
            Handler="main.handler",
            Role=self.role,
            Timeout=30,
            Code={"ZipFile": zipped({"main.py": FUNCTION})},
        )
        self.put("word")

    def put(self, word: str) -> str:
        """A new version of the source."""
        content = zipped({"word.txt": word, "template.json": json.dumps(TEMPLATE)})
        return str(self.s3.put_object(Bucket="pipelines", Key="source.zip", Body=content)["VersionId"])

    def create(self, name: str, *stages: tuple[str, list[dict[str, Any]]] | dict[str, Any], **more: Any) -> str:
        """A pipeline of a source and these stages; returns the id of the execution that its creation starts."""
        source = action(
            "Fetch",
            "Source/S3",
            outputs="Source",
            namespace="Origin",
            S3Bucket="pipelines",
            S3ObjectKey="source.zip",
            PollForSourceChanges="false",
        )
        declared = [item if isinstance(item, dict) else {"name": item[0], "actions": item[1]} for item in stages]
        self.pipelines.create_pipeline(
            pipeline={
                "name": name,
                "roleArn": self.role,
                "pipelineType": "V2",
                "artifactStore": {
                    "type": "S3",
                    "location": "pipelines",
                    "encryptionKey": {"id": self.key, "type": "KMS"},
                },
                "stages": [{"name": "Source", "actions": [source]}, *declared],
                **more,
            }
        )
        return self.newest(name)

    def newest(self, name: str) -> str:
        """The id of the last execution."""
        return str(
            self.pipelines.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"][0][
                "pipelineExecutionId"
            ]
        )

    def start(self, name: str, **more: Any) -> str:
        """Start one more."""
        return str(self.pipelines.start_pipeline_execution(name=name, **more)["pipelineExecutionId"])

    def status(self, name: str, execution: str) -> str:
        """Of an execution."""
        found = self.pipelines.get_pipeline_execution(pipelineName=name, pipelineExecutionId=execution)
        return str(found["pipelineExecution"]["status"])

    def until(self, probe: Callable[[], Any]) -> Any:
        """Wait for something that needs no emulated time to pass but a little."""
        return self.emulator.wait(probe, seconds=3600)

    def ends(self, name: str, execution: str, status: str) -> None:
        """Wait until an execution is over and check how."""
        self.until(lambda: self.status(name, execution) not in ("InProgress", "Stopping"))
        assert self.status(name, execution) == status, self.actions(name, execution)

    def stage(self, name: str, stage: str) -> dict[str, Any]:
        """One stage of the pipeline's state."""
        stages = self.pipelines.get_pipeline_state(name=name)["stageStates"]
        return next(dict(item) for item in stages if item["stageName"] == stage)

    def is_in(self, name: str, stage: str, execution: str) -> bool:
        """Whether an execution was the last to enter a stage."""
        return bool(self.stage(name, stage).get("latestExecution", {}).get("pipelineExecutionId") == execution)

    def is_leaving(self, name: str, stage: str) -> bool:
        """Whether the conditions of a stage's success are being checked."""
        condition = self.stage(name, stage).get("onSuccessConditionState", {})
        return bool(condition.get("latestExecution", {}).get("status") == "InProgress")

    def actions(self, name: str, execution: str) -> dict[str, dict[str, Any]]:
        """The last run of each action of an execution."""
        found = self.pipelines.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": execution})
        return {item["actionName"]: item for item in reversed(found["actionExecutionDetails"])}

    def token(self, name: str, stage: str) -> str:
        """Of the approval that waits in a stage."""
        return str(
            self.until(lambda: self.stage(name, stage)["actionStates"][0].get("latestExecution", {}).get("token"))
        )

    def answer(self, name: str, stage: str, status: str = "Approved", token: str = "") -> None:
        """Answer an approval."""
        self.pipelines.put_approval_result(
            pipelineName=name,
            stageName=stage,
            actionName="Approve",
            result={"summary": "seen", "status": status},
            token=token or self.token(name, stage),
        )


@pytest.fixture(scope="module")
def lab(emulator: Any) -> Lab:
    """The lab."""
    return Lab(emulator)


def test_a_release_goes_from_source_to_stack_and_a_failed_stage_is_retried(lab: Lab) -> None:
    # GIVEN a pipeline with a build, an approval that tells a topic, a stack, and a check that fails for now
    queue = lab.emulator.client("sqs").create_queue(QueueName="asked")["QueueUrl"]
    topic = lab.emulator.client("sns").create_topic(Name="asked")["TopicArn"]
    lab.emulator.client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:asked",
        Attributes={"RawMessageDelivery": "true"},
    )
    extra = json.dumps([{"name": "EXTRA", "value": "#{variables.Extra}"}])
    execution = lab.create(
        "release",
        (
            "Build",
            [
                action(
                    "Compose",
                    "Build/CodeBuild",
                    inputs="Source",
                    outputs="Built",
                    namespace="Built",
                    ProjectName="compose",
                    EnvironmentVariables=extra,
                )
            ],
        ),
        ("Approval", [approval(NotificationArn=topic, CustomData="score #{Built.SCORE}")]),
        (
            "Deploy",
            [
                action(
                    "Stack",
                    "Deploy/CloudFormation",
                    inputs="Built",
                    namespace="Deployed",
                    ActionMode="CREATE_UPDATE",
                    StackName="released",
                    TemplatePath="Built::template.json",
                    TemplateConfiguration="Built::settings.json",
                    ParameterOverrides='{"Score": "#{Built.SCORE}"}',
                    RoleArn=lab.role,
                )
            ],
        ),
        (
            "Check",
            [
                action(
                    "Tell",
                    "Invoke/Lambda",
                    namespace="Told",
                    FunctionName="listener",
                    UserParameters="#{Deployed.Name}",
                ),
                action("Ready", "Test/CodeBuild", inputs="Source", ProjectName="flaky"),
            ],
        ),
        variables=[{"name": "Extra", "defaultValue": "usual"}],
    )
    # WHEN the approval is given
    token = lab.token("release", "Approval")
    message = json.loads(lab.emulator.client("sqs").receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert message["approval"]["token"] == token
    assert message["approval"]["customData"] == "score 0.9"
    lab.answer("release", "Approval", token=message["approval"]["token"])
    lab.ends("release", execution, "Failed")
    # THEN the stack is there with what the build made, and only the check failed
    actions = lab.actions("release", execution)
    said = actions["Stack"]["output"]["outputVariables"]["Name"]
    assert lab.emulator.client("ssm").get_parameter(Name=said)["Parameter"]["Value"] == "word-usual 0.9"
    assert actions["Tell"]["output"]["outputVariables"] == {"Heard": said}
    assert actions["Ready"]["status"] == "Failed"
    assert "COMMAND_EXECUTION_ERROR" in actions["Ready"]["output"]["executionResult"]["errorDetails"]["message"]
    place = actions["Compose"]["output"]["outputArtifacts"][0]["s3location"]
    assert lab.s3.head_object(Bucket=place["bucket"], Key=place["key"])["SSEKMSKeyId"] == lab.key
    # AND WHEN the cause is gone and the failed action is retried THEN the same execution succeeds
    lab.emulator.client("ssm").put_parameter(Name="/pipeline/ready", Value="yes", Type="String")
    lab.pipelines.retry_stage_execution(
        pipelineName="release", stageName="Check", pipelineExecutionId=execution, retryMode="FAILED_ACTIONS"
    )
    lab.ends("release", execution, "Succeeded")
    again = lab.actions("release", execution)
    assert again["Tell"]["actionExecutionId"] == actions["Tell"]["actionExecutionId"]
    assert again["Ready"]["actionExecutionId"] != actions["Ready"]["actionExecutionId"]
    assert lab.stage("release", "Check")["retryStageMetadata"]["manualStageRetryAttempt"] == 1


def test_time_goes_on_while_an_approval_waits_and_it_fails_after_seven_days(lab: Lab) -> None:
    # GIVEN an execution that waits for people
    execution = lab.create("patient", ("Approval", [approval()]))
    token = lab.token("patient", "Approval")
    # WHEN six days pass THEN it still waits
    lab.emulator.advance(6 * 86400)
    assert lab.status("patient", execution) == "InProgress"
    # AND WHEN the seventh is over THEN it has failed, and the token is worth nothing
    lab.emulator.advance(86400)
    lab.ends("patient", execution, "Failed")
    with pytest.raises(lab.pipelines.exceptions.ApprovalAlreadyCompletedException):
        lab.answer("patient", "Approval", token=token)


def test_a_rejected_approval_fails_its_stage_and_a_wrong_token_is_refused(lab: Lab) -> None:
    execution = lab.create("refused", ("Approval", [approval()]))
    lab.token("refused", "Approval")
    with pytest.raises(lab.pipelines.exceptions.InvalidApprovalTokenException):
        lab.answer("refused", "Approval", token="00000000-0000-0000-0000-000000000000")
    lab.answer("refused", "Approval", "Rejected")
    lab.ends("refused", execution, "Failed")
    assert lab.stage("refused", "Approval")["actionStates"][0]["latestExecution"]["summary"] == "seen"


def test_a_waiting_execution_is_superseded_by_a_newer_one(lab: Lab) -> None:
    # GIVEN an execution in the approval, and one that waits behind it
    first = lab.create("superseded", ("Approval", [approval()]))
    token = lab.token("superseded", "Approval")
    second = lab.start("superseded")
    lab.until(lambda: lab.stage("superseded", "Approval").get("inboundExecution"))
    # WHEN a third comes THEN the second is superseded, and the third follows the first
    third = lab.start("superseded")
    lab.ends("superseded", second, "Superseded")
    lab.answer("superseded", "Approval", token=token)
    lab.ends("superseded", first, "Succeeded")
    assert lab.stage("superseded", "Approval")["latestExecution"]["pipelineExecutionId"] == third


def test_queued_executions_follow_each_other_and_parallel_ones_do_not_wait(lab: Lab) -> None:
    # GIVEN three executions of a queued pipeline and of a parallel one
    queued = [
        lab.create("queued", ("Approval", [approval()]), executionMode="QUEUED"),
        lab.start("queued"),
        lab.start("queued"),
    ]
    parallel = [lab.create("parallel", ("Approval", [approval()]), executionMode="PARALLEL"), lab.start("parallel")]
    # WHEN the approvals of the first are given one by one THEN they end in their order
    for execution in queued:
        lab.until(partial(lab.is_in, "queued", "Approval", execution))
        lab.answer("queued", "Approval")
        lab.ends("queued", execution, "Succeeded")
    # AND the parallel ones are both in the approval
    waiting = lab.until(
        lambda: [item for execution in parallel if (item := lab.actions("parallel", execution).get("Approve"))][1:]
    )
    assert waiting
    assert {lab.status("parallel", execution) for execution in parallel} == {"InProgress"}


def test_a_closed_transition_holds_an_execution_until_it_is_opened(lab: Lab) -> None:
    lab.create("closed", ("Tell", [action("Tell", "Invoke/Lambda", FunctionName="listener")]))
    lab.ends("closed", lab.newest("closed"), "Succeeded")
    way = {"pipelineName": "closed", "stageName": "Tell", "transitionType": "Inbound"}
    lab.pipelines.disable_stage_transition(**way, reason="holidays")
    execution = lab.start("closed")
    held = lab.until(lambda: lab.stage("closed", "Tell").get("inboundExecution"))
    assert held["pipelineExecutionId"] == execution
    assert lab.stage("closed", "Tell")["inboundTransitionState"]["disabledReason"] == "holidays"
    lab.pipelines.enable_stage_transition(**way)
    lab.ends("closed", execution, "Succeeded")


def test_an_execution_can_be_stopped_and_the_stage_rolled_back_to_an_earlier_one(lab: Lab) -> None:
    # GIVEN an execution that succeeded with one word, and a second that waits for its approval with another
    stages = [
        approval(),
        action(
            "Tell",
            "Invoke/Lambda",
            order=2,
            namespace="Told",
            FunctionName="listener",
            UserParameters="#{Origin.VersionId}",
        ),
    ]
    first = lab.create("rolled", ("Release", stages))
    lab.answer("rolled", "Release")
    lab.ends("rolled", first, "Succeeded")
    lab.put("other")
    second = lab.start("rolled")
    lab.token("rolled", "Release")
    # WHEN the second is stopped THEN its action is abandoned
    lab.pipelines.stop_pipeline_execution(
        pipelineName="rolled", pipelineExecutionId=second, abandon=True, reason="wrong"
    )
    lab.ends("rolled", second, "Stopped")
    assert lab.actions("rolled", second)["Approve"]["status"] == "Abandoned"
    # AND WHEN the stage is rolled back THEN it runs again with what the first had
    back = lab.pipelines.rollback_stage(pipelineName="rolled", stageName="Release", targetPipelineExecutionId=first)
    lab.answer("rolled", "Release")
    lab.ends("rolled", back["pipelineExecutionId"], "Succeeded")
    told = lab.actions("rolled", back["pipelineExecutionId"])["Tell"]["output"]["outputVariables"]
    assert told == lab.actions("rolled", first)["Tell"]["output"]["outputVariables"]
    found = lab.pipelines.get_pipeline_execution(pipelineName="rolled", pipelineExecutionId=back["pipelineExecutionId"])
    assert found["pipelineExecution"]["executionType"] == "ROLLBACK"


def rule(name: str, provider: str, **configuration: str) -> dict[str, Any]:
    """A rule of a condition."""
    kind = {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "ruleTypeId": kind, "configuration": configuration}


def test_conditions_guard_the_way_into_and_out_of_a_stage(lab: Lab) -> None:
    # GIVEN a stage that is entered only for one word, and left only while an alarm stays calm for ten minutes
    lab.emulator.client("cloudwatch").put_metric_alarm(
        AlarmName="pipelines",
        Namespace="Lab",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    tell = action("Tell", "Invoke/Lambda", FunctionName="listener", UserParameters="#{variables.Word}")
    check = rule("Word", "VariableCheck", Variable="#{variables.Word}", Value="good|refuse", Operator="MATCHES")
    calm = rule("Calm", "CloudWatchAlarm", AlarmName="pipelines", AlarmStates="ALARM", WaitTime="10")
    stage = {
        "name": "Guarded",
        "actions": [tell],
        "beforeEntry": {"conditions": [{"result": "FAIL", "rules": [check]}]},
        "onSuccess": {"conditions": [{"result": "ROLLBACK", "rules": [calm]}]},
        "onFailure": {"result": "RETRY", "retryConfiguration": {"retryMode": "ALL_ACTIONS"}},
    }
    bad = lab.create("guarded", stage, variables=[{"name": "Word", "defaultValue": "bad"}])
    # THEN the word that does not match is kept out
    lab.ends("guarded", bad, "Failed")
    assert "Tell" not in lab.actions("guarded", bad)
    assert lab.stage("guarded", "Guarded")["beforeEntryConditionState"]["latestExecution"]["status"] == "Failed"
    # AND a failing action is retried once by itself
    refused = lab.start("guarded", variables=[{"name": "Word", "value": "refuse"}])
    lab.ends("guarded", refused, "Failed")
    history = lab.pipelines.list_action_executions(pipelineName="guarded", filter={"pipelineExecutionId": refused})
    assert [item["actionName"] for item in history["actionExecutionDetails"]] == ["Tell", "Tell", "Fetch"]
    # AND with a calm alarm the stage is left only after the wait
    begun = lab.emulator.now()
    good = lab.start("guarded", variables=[{"name": "Word", "value": "good"}])
    lab.ends("guarded", good, "Succeeded")
    assert (lab.emulator.now() - begun).total_seconds() >= 600
    # AND an alarm rolls the stage back to it
    worse = lab.start("guarded", variables=[{"name": "Word", "value": "good"}])
    lab.until(lambda: lab.is_in("guarded", "Guarded", worse) and lab.is_leaving("guarded", "Guarded"))
    lab.emulator.client("cloudwatch").put_metric_data(
        Namespace="Lab", MetricData=[{"MetricName": "Errors", "Value": 1, "Timestamp": lab.emulator.now()}]
    )
    lab.until(lambda: lab.status("guarded", worse) != "InProgress")
    assert lab.status("guarded", worse) == "Failed"
    found = lab.pipelines.list_pipeline_executions(pipelineName="guarded")["pipelineExecutionSummaries"][0]
    assert (found["executionType"], found["trigger"]) == (
        "ROLLBACK",
        {"triggerType": "AutomatedRollback", "triggerDetail": worse},
    )
    assert found["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == good


def test_a_rule_starts_a_pipeline_with_another_version_and_is_told_of_its_end(lab: Lab) -> None:
    # GIVEN a pipeline, a rule that starts it with a version and a variable, and a rule that hears of its end
    old = lab.put("older")
    lab.put("newer")
    lab.create(
        "started",
        (
            "Tell",
            [
                action(
                    "Tell",
                    "Invoke/Lambda",
                    FunctionName="listener",
                    namespace="Told",
                    UserParameters="#{Origin.VersionId} #{variables.Why}",
                )
            ],
        ),
        variables=[{"name": "Why", "defaultValue": "nothing"}],
    )
    lab.ends("started", lab.newest("started"), "Succeeded")
    events, queue = (
        lab.emulator.client("events"),
        lab.emulator.client("sqs").create_queue(QueueName="ended")["QueueUrl"],
    )
    events.put_rule(
        Name="ended",
        EventPattern=json.dumps(
            {"source": ["aws.codepipeline"], "detail": {"pipeline": ["started"], "state": ["SUCCEEDED"]}}
        ),
    )
    events.put_targets(Rule="ended", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:ended"}])
    arn = events.put_rule(Name="starting", EventPattern=json.dumps({"source": ["lab"]}))["RuleArn"]
    template = '{"sourceRevisions": [{"actionName": "Fetch", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "<version>"}], "variables": [{"name": "Why", "value": "<why>"}]}'
    target = {
        "Id": "p",
        "Arn": "arn:aws:codepipeline:us-east-1:123456789012:started",
        "RoleArn": lab.role,
        "InputTransformer": {
            "InputPathsMap": {"version": "$.detail.version", "why": "$.detail.why"},
            "InputTemplate": template,
        },
    }
    events.put_targets(Rule="starting", Targets=[target])
    # WHEN the event comes
    detail = json.dumps({"version": old, "why": "drift"})
    events.put_events(Entries=[{"Source": "lab", "DetailType": "new data", "Detail": detail}])
    execution = lab.newest("started")
    lab.ends("started", execution, "Succeeded")
    # THEN that version ran, the rule is named as the trigger, and stage, action and pipeline were told
    assert lab.actions("started", execution)["Tell"]["output"]["outputVariables"] == {"Heard": f"{old} drift"}
    found = lab.pipelines.get_pipeline_execution(pipelineName="started", pipelineExecutionId=execution)[
        "pipelineExecution"
    ]
    assert found["trigger"] == {"triggerType": "CloudWatchEvent", "triggerDetail": arn}
    lab.emulator.advance(1)
    kinds = [
        json.loads(item["Body"])["detail-type"]
        for item in lab.emulator.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    ]
    assert set(kinds) == {f"CodePipeline {what} Execution State Change" for what in ("Action", "Stage", "Pipeline")}


def test_a_connection_fails_with_its_reason_unless_an_archive_is_given(lab: Lab) -> None:
    # GIVEN a pipeline on a repository
    source = action(
        "Fetch",
        "Source/CodeStarSourceConnection",
        outputs="Source",
        ConnectionArn="arn",
        FullRepositoryId="a/b",
        BranchName="main",
    )
    lab.pipelines.create_pipeline(
        pipeline={
            "name": "connected",
            "roleArn": lab.role,
            "artifactStore": {"type": "S3", "location": "pipelines"},
            "stages": [
                {"name": "Source", "actions": [source]},
                {
                    "name": "Build",
                    "actions": [
                        action("Compose", "Build/CodeBuild", inputs="Source", outputs="Built", ProjectName="compose")
                    ],
                },
            ],
        }
    )
    execution = lab.newest("connected")
    lab.ends("connected", execution, "Failed")
    assert (
        "a/b cannot be fetched"
        in lab.actions("connected", execution)["Fetch"]["output"]["executionResult"]["errorDetails"]["message"]
    )
    # WHEN an archive is given for it THEN it runs
    import urllib.request

    content = zipped({"word.txt": "given", "template.json": "{}"})
    urllib.request.urlopen(f"{lab.emulator.url}/rehearsal/codepipeline/source/connected/Fetch", data=content).close()
    execution = lab.start("connected")
    lab.ends("connected", execution, "Succeeded")


def test_stacks_are_replaced_changed_by_sets_and_deleted(lab: Lab) -> None:
    # GIVEN a stack that failed to be created, and actions of every mode
    stacks = lab.emulator.client("cloudformation")
    broken = {"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "Nothing", "Value": "x"}}}}
    stacks.create_stack(StackName="modes", TemplateBody=json.dumps(broken))
    lab.until(lambda: stacks.describe_stacks(StackName="modes")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE")
    more = {"StackName": "modes", "TemplatePath": "Source::template.json"}
    parameters = {"Word": {"Fn::GetArtifactAtt": ["Source", "BucketName"]}, "Score": "1"}
    overrides = json.dumps(parameters)
    lab.create(
        "modes",
        (
            "Deploy",
            [
                action(
                    "Replace",
                    "Deploy/CloudFormation",
                    inputs="Source",
                    outputs="Out",
                    OutputFileName="out.json",
                    ActionMode="REPLACE_ON_FAILURE",
                    ParameterOverrides=overrides,
                    **more,
                ),
                action(
                    "Prepare",
                    "Deploy/CloudFormation",
                    order=2,
                    inputs="Source Out",
                    ActionMode="CHANGE_SET_REPLACE",
                    ChangeSetName="c",
                    ParameterOverrides=json.dumps(
                        {**parameters, "Score": {"Fn::GetParam": ["Out", "out.json", "Name"]}}
                    ),
                    **more,
                ),
                action(
                    "Change",
                    "Deploy/CloudFormation",
                    order=3,
                    ActionMode="CHANGE_SET_EXECUTE",
                    ChangeSetName="c",
                    StackName="modes",
                    namespace="Changed",
                ),
                approval(order=4),
            ],
        ),
        ("Remove", [action("Remove", "Deploy/CloudFormation", ActionMode="DELETE_ONLY", StackName="modes")]),
    )
    execution = lab.newest("modes")
    # WHEN it has gone as far as the approval THEN the set was applied over the replaced stack
    token = lab.until(
        lambda: (
            next(
                (
                    item["latestExecution"].get("token")
                    for item in lab.stage("modes", "Deploy")["actionStates"]
                    if item["actionName"] == "Approve" and "latestExecution" in item
                ),
                None,
            )
            or lab.status("modes", execution) == "Failed"
        )
    )
    assert lab.status("modes", execution) == "InProgress", lab.actions("modes", execution)
    name = lab.actions("modes", execution)["Change"]["output"]["outputVariables"]["Name"]
    assert lab.emulator.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == f"pipelines {name}"
    # AND WHEN it goes on THEN the stack is gone
    lab.answer("modes", "Deploy", token=token)
    lab.ends("modes", execution, "Succeeded")
    with pytest.raises(stacks.exceptions.ClientError, match="does not exist"):
        stacks.describe_stacks(StackName="modes")


def test_a_variable_without_a_value_and_a_missing_artifact_fail_the_action(lab: Lab) -> None:
    execution = lab.create(
        "unresolved",
        ("Tell", [action("Tell", "Invoke/Lambda", FunctionName="listener", UserParameters="#{Nobody.Word}")]),
    )
    lab.ends("unresolved", execution, "Failed")
    error = lab.actions("unresolved", execution)["Tell"]["output"]["executionResult"]["errorDetails"]
    assert error["message"] == "Unresolved variable: #{Nobody.Word}"


def test_workflows_and_copies_run_and_read_files_of_artifacts(lab: Lab) -> None:
    # GIVEN a state machine and a bucket
    machine = {"StartAt": "Say", "States": {"Say": {"Type": "Wait", "Seconds": 1, "End": True}}}
    arn = lab.emulator.client("stepfunctions").create_state_machine(
        name="pipelines", definition=json.dumps(machine), roleArn=lab.role
    )["stateMachineArn"]
    lab.s3.create_bucket(Bucket="copied")
    kind = "Invoke/StepFunctions"
    execution = lab.create(
        "providers",
        (
            "All",
            [
                action("Copy", "Deploy/S3", inputs="Source", BucketName="copied", Extract="true", ObjectKey="to"),
                action("Work", kind, inputs="Source", InputType="FilePath", Input="template.json", StateMachineArn=arn),
            ],
        ),
        ("Unknown", [action("Commands", "Compute/Commands")]),
    )
    # WHEN they have run THEN the files are there, the workflow had the file, and what is not emulated says so
    lab.ends("providers", execution, "Failed")
    keys = [item["Key"] for item in lab.s3.list_objects_v2(Bucket="copied")["Contents"]]
    assert keys == ["to/template.json", "to/word.txt"]
    ran = lab.actions("providers", execution)
    started = ran["Work"]["output"]["outputVariables"]["ExecutionArn"]
    found = lab.emulator.client("stepfunctions").describe_execution(executionArn=started)
    assert json.loads(found["input"]) == TEMPLATE
    assert "not rehearsed" in ran["Commands"]["output"]["executionResult"]["errorDetails"]["message"]


def test_a_build_with_several_inputs_and_outputs_gets_and_gives_them_all(lab: Lab) -> None:
    # GIVEN a build that reads a second artifact and makes two
    spec = """
version: 0.2
phases: {build: {commands: ["cat $CODEBUILD_SRC_DIR_One/settings.json word.txt > both.txt", "cp word.txt alone.txt"]}}
artifacts:
  secondary-artifacts:
    Both: {files: [both.txt]}
    Alone: {files: [alone.txt]}
"""
    lab.emulator.client("codebuild").create_project(
        name="several",
        source={"type": "CODEPIPELINE", "buildspec": spec},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "standard", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=lab.role,
    )
    build = "Build/CodeBuild"
    several = {"ProjectName": "several", "PrimarySource": "Source"}
    execution = lab.create(
        "several",
        ("One", [action("One", build, inputs="Source", outputs="One", ProjectName="compose")]),
        ("Two", [action("Two", build, inputs="Source One", outputs="Both Alone", **several)]),
    )
    # WHEN it has run THEN both are in the store
    lab.ends("several", execution, "Succeeded")
    places = {
        item["name"]: item["s3location"]
        for item in lab.actions("several", execution)["Two"]["output"]["outputArtifacts"]
    }
    assert set(places) == {"Both", "Alone"}
    content = lab.s3.get_object(Bucket=places["Both"]["bucket"], Key=places["Both"]["key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert json.loads(archive.read("both.txt").splitlines()[0])["Parameters"]


def test_an_entry_condition_can_skip_a_stage_be_overridden_or_ask_a_function(lab: Lab) -> None:
    # GIVEN stages that are skipped, refused by a function, and entered by its word
    never = rule("Never", "VariableCheck", Variable="a", Value="b", Operator="EQ")
    no = rule("No", "LambdaInvoke", FunctionName="listener", UserParameters="refuse")
    yes = rule("Yes", "LambdaInvoke", FunctionName="listener", UserParameters="come in")
    tell = [action("Tell", "Invoke/Lambda", FunctionName="listener")]

    def stage(name: str, one: dict[str, Any], result: str) -> dict[str, Any]:
        return {"name": name, "actions": tell, "beforeEntry": {"conditions": [{"result": result, "rules": [one]}]}}

    execution = lab.create(
        "entries", stage("Skipped", never, "SKIP"), stage("Entered", yes, "FAIL"), stage("Kept", no, "FAIL")
    )
    lab.ends("entries", execution, "Failed")
    states = [lab.stage("entries", name)["latestExecution"]["status"] for name in ("Skipped", "Entered", "Kept")]
    assert states == ["Skipped", "Succeeded", "Failed"]
    rules = lab.pipelines.list_rule_executions(pipelineName="entries")["ruleExecutionDetails"]
    assert {item["ruleName"]: item["status"] for item in rules} == {
        "Never": "Failed",
        "Yes": "Succeeded",
        "No": "Failed",
    }
    # WHEN the condition is overridden THEN the execution goes on
    lab.pipelines.override_stage_condition(
        pipelineName="entries", stageName="Kept", pipelineExecutionId=execution, conditionType="BEFORE_ENTRY"
    )
    lab.ends("entries", execution, "Succeeded")


def test_a_stop_lets_what_runs_end_and_a_second_one_is_refused(lab: Lab) -> None:
    execution = lab.create(
        "stopping", ("Wait", [approval()]), ("Tell", [action("Tell", "Invoke/Lambda", FunctionName="listener")])
    )
    lab.token("stopping", "Wait")
    lab.pipelines.stop_pipeline_execution(pipelineName="stopping", pipelineExecutionId=execution, reason="later")
    assert lab.status("stopping", execution) == "Stopping"
    with pytest.raises(lab.pipelines.exceptions.DuplicatedStopRequestException):
        lab.pipelines.stop_pipeline_execution(pipelineName="stopping", pipelineExecutionId=execution)
    lab.answer("stopping", "Wait")
    lab.ends("stopping", execution, "Stopped")
    assert "Tell" not in lab.actions("stopping", execution)


def test_a_template_makes_a_pipeline_that_starts_and_a_change_of_it_is_taken(lab: Lab) -> None:
    # GIVEN a template with a closed transition
    kinds = [action("Fetch", "Source/S3", outputs="Source", S3Bucket="pipelines", S3ObjectKey="source.zip"), approval()]

    def capital(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name if name in ("S3Bucket", "S3ObjectKey") else name[0].upper() + name[1:]: capital(item)
                for name, item in value.items()
            }
        return [capital(item) for item in value] if isinstance(value, list) else value

    properties: dict[str, Any] = {
        "Name": "templated",
        "RoleArn": lab.role,
        "PipelineType": "V2",
        "ExecutionMode": "QUEUED",
        "ArtifactStore": {"Type": "S3", "Location": "pipelines"},
        "Stages": [
            {"Name": name, "Actions": [capital(kind)]} for name, kind in zip(("Source", "Approval"), kinds, strict=True)
        ],
        "DisableInboundStageTransitions": [{"StageName": "Approval", "Reason": "not yet"}],
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    stacks, resource = (
        lab.emulator.client("cloudformation"),
        {"Type": "AWS::CodePipeline::Pipeline", "Properties": properties},
    )
    stacks.create_stack(StackName="templated", TemplateBody=json.dumps({"Resources": {"Pipeline": resource}}))
    lab.until(lambda: stacks.describe_stacks(StackName="templated")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    # WHEN it is created THEN its first execution has run up to there
    assert lab.until(lambda: lab.stage("templated", "Approval").get("inboundExecution"))
    found = lab.pipelines.list_pipeline_executions(pipelineName="templated")["pipelineExecutionSummaries"][0]
    assert (found["trigger"]["triggerType"], found["executionMode"]) == ("CreatePipeline", "QUEUED")
    entry = next(item for item in lab.emulator.call("ledger")["resources"] if item["stack"] == "templated")
    assert (entry["label"], entry["dropped"]) == ("executed", [])
    assert any(
        "polling" in note
        for note in [*entry["notes"], *(item["text"] for item in lab.emulator.call("ledger")["notes"])]
    )
    # AND WHEN the template opens the way and wants a new start THEN both happen
    del properties["DisableInboundStageTransitions"]
    properties["RestartExecutionOnUpdate"] = True
    stacks.update_stack(StackName="templated", TemplateBody=json.dumps({"Resources": {"Pipeline": resource}}))
    lab.until(lambda: stacks.describe_stacks(StackName="templated")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE")
    lab.token("templated", "Approval")
    listed = lab.pipelines.list_pipeline_executions(pipelineName="templated")["pipelineExecutionSummaries"]
    assert [item["trigger"]["triggerType"] for item in listed] == ["StartPipelineExecution", "CreatePipeline"]
