"""What is scheduled happens when the emulated clock gets there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labkit.rehearsal.runtime.timetable import ScheduleError, Timetable

ROLE = "arn:aws:iam::123456789012:role/scheduler"
STACK = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
DAY = datetime(2026, 2, 27, tzinfo=UTC)  # a Friday


class Lab:
    """Queues, schedules and rules."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.sqs = emulator, emulator.client("sqs")
        self.scheduler, self.events = emulator.client("scheduler"), emulator.client("events")

    def queue(self, name: str) -> tuple[str, str]:
        """A queue's URL and ARN."""
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        return url, self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def schedule(self, name: str, expression: str, arn: str, text: str = "", **more: Any) -> None:
        """A schedule with an input."""
        self.scheduler.create_schedule(
            Name=name,
            ScheduleExpression=expression,
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": arn, "RoleArn": ROLE, **({"Input": text} if text else {})},
            **more,
        )

    def messages(self, url: str) -> list[str]:
        """What lies in a queue."""
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found]


@pytest.fixture(scope="module")
def lab(emulator: Any) -> Lab:
    """The lab."""
    return Lab(emulator)


def test_a_stack_is_deleted_when_its_hours_are_over(lab: Lab) -> None:
    # GIVEN a stack with four hours to live
    cloudformation = lab.emulator.client("cloudformation")
    cloudformation.create_stack(StackName="short-lived", TemplateBody=STACK)
    end = lab.emulator.now() + timedelta(hours=4)
    lab.schedule(
        "end-of-short-lived",
        f"at({end:%Y-%m-%dT%H:%M:%S})",
        "arn:aws:scheduler:::aws-sdk:cloudformation:deleteStack",
        json.dumps({"StackName": "short-lived"}),
        ActionAfterCompletion="DELETE",
    )
    # WHEN less, then all of them pass
    lab.emulator.advance(3.9 * 3600)
    assert cloudformation.describe_stacks(StackName="short-lived")["Stacks"]
    lab.emulator.advance(0.2 * 3600)
    # THEN stack and schedule are gone
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="short-lived")
    with pytest.raises(ClientError):
        lab.scheduler.get_schedule(Name="end-of-short-lived")


def test_a_rate_and_a_cron_call_their_targets_each_time(lab: Lab) -> None:
    # GIVEN a queue that is sent something every ten minutes, and one at every full hour
    often, often_arn = lab.queue("often")
    hourly, hourly_arn = lab.queue("hourly")
    lab.emulator.early()
    lab.schedule("often", "rate(10 minutes)", often_arn, "tick")
    lab.schedule("hourly", "cron(0 * * * ? *)", hourly_arn)
    lab.schedule("off", "rate(1 minute)", often_arn, "never", State="DISABLED")
    # WHEN an hour passes
    lab.emulator.advance(3600)
    # THEN they were called six times and once
    assert lab.messages(often) == ["tick"] * 6
    (event,) = lab.messages(hourly)
    assert json.loads(event)["time"].endswith(":00:00Z")
    for name in ("often", "hourly", "off"):
        lab.scheduler.delete_schedule(Name=name)


def test_a_target_that_fails_is_noted_and_its_message_kept(lab: Lab) -> None:
    # GIVEN a schedule for a queue that does not exist
    url, arn = lab.queue("kept")
    soon = lab.emulator.now() + timedelta(minutes=5)
    lab.scheduler.create_schedule(
        Name="lost",
        ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:sqs:us-east-1:123456789012:nowhere",
            "RoleArn": ROLE,
            "Input": "precious",
            "DeadLetterConfig": {"Arn": arn},
        },
    )
    # WHEN it falls due
    lab.emulator.advance(600)
    # THEN the message is in the dead-letter queue and the ledger tells
    assert lab.messages(url) == ["precious"]
    assert any(note["about"] == "lost" for note in lab.emulator.call("ledger")["notes"])


def test_rules_reach_queues_topics_and_state_machines_and_only_for_what_they_match(lab: Lab) -> None:
    # GIVEN a rule with a topic and a queue, one that is scheduled, one that is disabled
    url, arn = lab.queue("matched")
    scheduled, scheduled_arn = lab.queue("scheduled-rule")
    sns = lab.emulator.client("sns")
    topic = sns.create_topic(Name="of-rule")["TopicArn"]
    inbox, inbox_arn = lab.queue("of-rule")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=inbox_arn)
    pattern = json.dumps({"source": ["lab"], "detail": {"kind": ["wanted"]}})
    lab.events.put_rule(Name="wanted", EventPattern=pattern)
    transformer = {
        "InputPathsMap": {"what": "$.detail.kind"},
        "InputTemplate": '{"got": <what>, "said": "it was <what>"}',
    }
    lab.events.put_targets(
        Rule="wanted",
        Targets=[
            {"Id": "q", "Arn": arn, "InputTransformer": transformer},
            {"Id": "t", "Arn": topic, "InputPath": "$.detail"},
        ],
    )
    pass_on = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
    machine = lab.emulator.client("stepfunctions").create_state_machine(
        name="of-rule", definition=json.dumps(pass_on), roleArn=ROLE
    )["stateMachineArn"]
    lab.events.put_targets(Rule="wanted", Targets=[{"Id": "s", "Arn": machine, "RoleArn": ROLE}])
    lab.events.put_rule(Name="clock", ScheduleExpression="rate(5 minutes)")
    lab.events.put_targets(Rule="clock", Targets=[{"Id": "q", "Arn": scheduled_arn}])
    lab.events.put_rule(Name="asleep", EventPattern=pattern, State="DISABLED")
    lab.events.put_targets(Rule="asleep", Targets=[{"Id": "q", "Arn": arn}])
    # WHEN two events come and ten minutes pass
    for kind in ("wanted", "unwanted"):
        detail = json.dumps({"kind": kind})
        lab.events.put_events(Entries=[{"Source": "lab", "DetailType": "test", "Detail": detail}])
    lab.emulator.advance(600)
    # THEN each target got what it asked for
    assert [json.loads(text) for text in lab.messages(url)] == [{"got": "wanted", "said": "it was wanted"}]
    (published,) = lab.messages(inbox)
    assert json.loads(json.loads(published)["Message"]) == {"kind": "wanted"}
    assert [json.loads(text)["detail-type"] for text in lab.messages(scheduled)] == ["Scheduled Event"] * 2
    assert len(lab.emulator.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]) == 1
    lab.events.disable_rule(Name="clock")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("at(2026-02-28T08:30:00)", ["28 08:30"]),
        ("cron(15 12 * * ? *)", ["27 12:15", "28 12:15"]),
        ("cron(0 8-10/2 ? * MON-FRI *)", ["27 08:00", "27 10:00"]),
        ("cron(0 6 L * ? *)", ["28 06:00"]),
        ("cron(0 6 ? * 7 *)", ["28 06:00"]),
        ("cron(0 6 ? * 6#4 2026)", ["27 06:00"]),
        ("cron(0 0/12 28W 2 ? 2026)", ["27 12:00"]),
        ("cron(0,30 23 * FEB SAT *)", ["28 23:00", "28 23:30"]),
        ("rate(18 hours)", ["27 18:00", "28 12:00"]),
    ],
)
def test_expressions_fall_due_as_documented(expression: str, expected: list[str]) -> None:
    # GIVEN the last Friday and Saturday of a February
    found = Timetable(expression, since=DAY).due(DAY, DAY + timedelta(days=2) - timedelta(minutes=1))
    assert [f"{moment:%d %H:%M}" for moment in found] == expected


def test_a_time_zone_moves_a_schedule_with_its_clock_changes() -> None:
    # GIVEN eight in the morning in Berlin, across the change to summer time
    timetable = Timetable("cron(0 8 * * ? *)", "Europe/Berlin")
    start = datetime(2026, 3, 28, tzinfo=UTC)
    assert [moment.hour for moment in timetable.due(start, start + timedelta(days=2))] == [7, 6]


@pytest.mark.parametrize("expression", ["cron(30 8 * * ? *)", "at(2026-02-27T08:30:00)", "rate(30 minutes)"])
def test_nothing_falls_due_before_it_was_made(expression: str) -> None:
    # GIVEN a schedule made at half past eight, a moment after the last tick
    half = DAY + timedelta(hours=8, minutes=30)
    timetable = Timetable(expression, since=half)
    # THEN the next tick does not make up for what was before
    assert timetable.due(half - timedelta(seconds=1), half + timedelta(seconds=59)) == []


@pytest.mark.parametrize("expression", ["every minute", "cron(0 8 * * ?)", "rate(soon)", "cron(0 8 ? * XYZ *)"])
def test_an_expression_of_no_documented_form_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError):
        Timetable(expression, since=DAY).due(DAY, DAY + timedelta(days=1))
