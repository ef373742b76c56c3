"""Alarms follow their metrics, remember what they did, and tell whom they may tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from labkit.rehearsal.runtime import alarm_rules


class Lab:
    """Metrics, alarms, topics and queues."""

    def __init__(self, emulator: Any) -> None:
        self.emulator, self.cloudwatch = emulator, emulator.client("cloudwatch")

    def measure(self, name: str, value: float) -> None:
        """One datum now."""
        self.cloudwatch.put_metric_data(Namespace="Lab", MetricData=[{"MetricName": name, "Value": value}])

    def alarm(self, name: str, **more: Any) -> None:
        """An alarm on the metric of the same name above 10 in one minute."""
        metric = (
            {} if "Metrics" in more else {"Namespace": "Lab", "MetricName": name, "Statistic": "Maximum", "Period": 60}
        )
        self.cloudwatch.put_metric_alarm(
            AlarmName=name,
            **{
                **metric,
                "EvaluationPeriods": 1,
                "Threshold": 10,
                "ComparisonOperator": "GreaterThanThreshold",
                **more,
            },
        )

    def state(self, name: str) -> str:
        """The state of an alarm."""
        found = self.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        (alarm,) = found["MetricAlarms"] + found["CompositeAlarms"]
        return str(alarm["StateValue"])

    def queue(self, name: str) -> tuple[str, str]:
        """A queue's URL and ARN."""
        sqs = self.emulator.client("sqs")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def topic(self, name: str, **attributes: str) -> tuple[str, str]:
        """A topic's ARN and the URL of a queue that subscribes to it."""
        sns = self.emulator.client("sns")
        arn = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        url, queue = self.queue(f"{name}-queue")
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
        return arn, url

    def messages(self, url: str) -> list[Any]:
        """What lies in a queue."""
        found = self.emulator.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in found]


@pytest.fixture(scope="module")
def lab(emulator: Any) -> Iterator[Lab]:
    """The lab."""
    yield Lab(emulator)
    emulator.clear()


def test_an_alarm_goes_through_its_states_and_remembers_them(lab: Lab) -> None:
    # GIVEN an alarm without data
    lab.alarm("walk")
    assert lab.state("walk") == "INSUFFICIENT_DATA"
    # WHEN the metric is low, then high
    lab.measure("walk", 1)
    lab.emulator.advance(60)
    assert lab.state("walk") == "OK"
    lab.measure("walk", 11)
    lab.emulator.advance(60)
    # THEN the alarm is in ALARM, its history tells, and without data it ends in INSUFFICIENT_DATA
    assert lab.state("walk") == "ALARM"
    lab.emulator.advance(300)
    assert lab.state("walk") == "INSUFFICIENT_DATA"
    history = lab.cloudwatch.describe_alarm_history(AlarmName="walk", HistoryItemType="StateUpdate")[
        "AlarmHistoryItems"
    ]
    assert [item["HistorySummary"] for item in reversed(history)] == [
        "Alarm updated from INSUFFICIENT_DATA to OK",
        "Alarm updated from OK to ALARM",
        "Alarm updated from ALARM to INSUFFICIENT_DATA",
    ]


def test_so_many_of_the_last_periods_must_breach(lab: Lab) -> None:
    # GIVEN an alarm for two of three minutes
    lab.alarm("two-of-three", EvaluationPeriods=3, DatapointsToAlarm=2)
    for value, expected in ((11, "INSUFFICIENT_DATA"), (1, "OK"), (12, "ALARM"), (1, "OK")):
        # WHEN each minute brings a value
        lab.measure("two-of-three", value)
        lab.emulator.advance(60)
        # THEN it follows the last three
        assert lab.state("two-of-three") == expected, value


@pytest.mark.parametrize(("treatment", "expected"), [("breaching", "ALARM"), ("notBreaching", "OK")])
def test_missing_data_counts_as_configured(lab: Lab, treatment: str, expected: str) -> None:
    lab.alarm(f"missing-{treatment}", TreatMissingData=treatment)
    lab.emulator.advance(60)
    assert lab.state(f"missing-{treatment}") == expected


def test_a_percentile_and_an_expression_are_evaluated(lab: Lab) -> None:
    # GIVEN one alarm on p90 and one on a ratio
    lab.alarm("p90", Statistic="Sum")
    lab.cloudwatch.delete_alarms(AlarmNames=["p90"])
    lab.cloudwatch.put_metric_alarm(
        AlarmName="p90",
        Namespace="Lab",
        MetricName="latency",
        ExtendedStatistic="p90",
        Period=60,
        EvaluationPeriods=1,
        Threshold=85,
        ComparisonOperator="GreaterThanThreshold",
    )
    stat = {"Period": 60, "Stat": "Sum"}
    lab.alarm(
        "ratio",
        Threshold=0.25,
        Metrics=[
            {
                "Id": "bad",
                "ReturnData": False,
                "MetricStat": {**stat, "Metric": {"Namespace": "Lab", "MetricName": "errors"}},
            },
            {
                "Id": "all",
                "ReturnData": False,
                "MetricStat": {**stat, "Metric": {"Namespace": "Lab", "MetricName": "calls"}},
            },
            {"Id": "share", "Expression": "IF(all > 5, FILL(bad, 0) / all, 0)", "ReturnData": True},
        ],
    )
    # WHEN a minute has latencies 1..100 and three errors in ten calls
    lab.emulator.early()
    lab.cloudwatch.put_metric_data(
        Namespace="Lab", MetricData=[{"MetricName": "latency", "Values": [float(n) for n in range(1, 101)]}]
    )
    for _ in range(10):
        lab.measure("calls", 1)
    for _ in range(3):
        lab.measure("errors", 1)
    lab.emulator.advance(60)
    # THEN both are in ALARM, and an expression that is not known is said to be not evaluated
    assert (lab.state("p90"), lab.state("ratio")) == ("ALARM", "ALARM")
    lab.alarm("odd", Metrics=[{"Id": "x", "Expression": "ANOMALY_DETECTION_BAND(x)", "ReturnData": True}])
    lab.emulator.advance(60)
    assert lab.state("odd") == "INSUFFICIENT_DATA"
    notes = lab.emulator.call("ledger")["notes"]
    assert any(note["about"] == "odd" and "not evaluated" in note["text"] for note in notes)


def test_an_alarm_publishes_to_its_topic_and_to_the_event_bus(lab: Lab) -> None:
    # GIVEN a topic, and a rule for changes of this alarm
    topic, inbox = lab.topic("told")
    url, queue = lab.queue("events-of-alarms")
    events = lab.emulator.client("events")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["loud"], "state": {"value": ["ALARM"]}}}
    events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="alarms", Targets=[{"Id": "queue", "Arn": queue}])
    lab.alarm("loud", AlarmActions=[topic])
    lab.alarm("muted", AlarmActions=[topic], ActionsEnabled=False)
    # WHEN both go off
    lab.measure("loud", 11)
    lab.measure("muted", 11)
    lab.emulator.advance(60)
    # THEN only the enabled one told the topic, and the bus has the event
    (message,) = lab.messages(inbox)
    assert json.loads(message["Message"])["AlarmName"] == "loud"
    assert json.loads(message["Message"])["NewStateValue"] == "ALARM"
    (event,) = lab.messages(url)
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert lab.state("muted") == "ALARM"


def test_an_encrypted_topic_is_told_only_if_its_key_admits_cloudwatch(lab: Lab) -> None:
    # GIVEN two topics whose keys differ in one statement
    kms = lab.emulator.client("kms")
    admit = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
    }
    owner = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    boxes = {}
    for name, statements in (("admitting", [owner, admit]), ("closed", [owner])):
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        key = kms.create_key(Policy=policy)["KeyMetadata"]["KeyId"]
        topic, boxes[name] = lab.topic(name, KmsMasterKeyId=key)
        lab.alarm(f"to-{name}", AlarmActions=[topic])
        lab.measure(f"to-{name}", 11)
    # WHEN both alarms go off
    lab.emulator.advance(60)
    # THEN one message arrives, and the ledger says why the other does not
    assert len(lab.messages(boxes["admitting"])) == 1
    assert lab.messages(boxes["closed"]) == []
    assert any(
        "does not allow cloudwatch.amazonaws.com" in note["text"] for note in lab.emulator.call("ledger")["notes"]
    )


def test_a_composite_alarm_follows_its_rule(lab: Lab) -> None:
    # GIVEN a rule over two alarms
    lab.alarm("left", TreatMissingData="notBreaching")
    lab.alarm("right", TreatMissingData="notBreaching")
    lab.cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("left") AND NOT ALARM("right")')
    # WHEN one goes off
    lab.measure("left", 11)
    lab.emulator.advance(60)
    # THEN the composite does
    assert lab.state("both") == "ALARM"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ALARM(a) OR ALARM(b) AND FALSE", True),
        ("(ALARM(a) OR ALARM(b)) AND FALSE", False),
        ('NOT OK("b") OR INSUFFICIENT_DATA("c")', False),
        ('OK("arn:aws:cloudwatch:us-east-1:123456789012:alarm:b")', True),
    ],
)
def test_operators_bind_as_documented(rule: str, expected: bool) -> None:
    assert alarm_rules.holds(rule, {"a": "ALARM", "b": "OK", "c": "OK"}.__getitem__) is expected


def test_a_rule_that_is_not_understood_is_not_guessed() -> None:
    with pytest.raises(alarm_rules.RuleError):
        alarm_rules.holds("ALARM(a) XOR ALARM(b)", lambda name: "OK")
