"""Watching a model with jobs of the project's own, in any account: schedules, metrics, alarms, requests to train again."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.acceptance import accept
from stacks.patterns.analysis import CODE, Analysis
from stacks.patterns.watching import POLICY_UNSEEN
from stacks.secure.function import Function
from stacks.secure.key import Key
from stacks.secure.names import att, placed, ref, stack_of, sub
from stacks.secure.queue import Queue
from stacks.secure.role import Role
from stacks.secure.topic import AlarmTopic

NAMESPACE = "Labs/ModelMonitor"

#: Which job serves which monitors.
KINDS = {"fresh": ("data-quality", "data-faults", "attribution"), "late": ("label", "model-quality", "bias")}
#: Monitors of drift, which is a reason to train again, and what their alarms mean.
DRIFT = {
    "data-quality": "Requests are no longer like the data that the model was accepted on.",
    "label": "What is predicted has become more frequent or rarer.",
    "model-quality": "Predictions have become worse, measured against what really happened.",
    "bias": "One group of cases is now served worse than it was.",
    "attribution": "The model leans on other features than it did when it was accepted.",
}
#: Broken input: training on it would make the model worse.
FAULTS = {"data-faults": "Values are missing, of the wrong type or unknown: repair what sends them."}


class MonitorAlarms(Construct):
    """Alarms that stay as they are until a report says otherwise; those on drift have names that begin alike.

    Args:
        topic: told of every alarm.
    """

    def __init__(self, scope: Construct, id: str, *, topic: AlarmTopic) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        self._topic = topic
        self.drift_prefix = f"{stack_of(self).name}-drift-"

    def add(
        self,
        id: str,
        text: str,
        *,
        namespace: str,
        metric: str,
        dimensions: dict[str, str],
        above: float | None = None,
        below: float | None = None,
        name: str | None = None,
        missing: str = "ignore",
    ) -> None:
        """Add an alarm on one metric.

        Args:
            above: alarm when a value is greater; or ``below``: when it is smaller.
            name: default: CloudFormation chooses.
            missing: what no data means; default: the state stays, because reports come once an hour.
        """
        alarm = cloudwatch.CfnAlarm(
            self,
            id,
            alarm_name=name,
            alarm_description=text,
            namespace=namespace,
            metric_name=metric,
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=n, value=v) for n, v in dimensions.items()],
            statistic="Maximum" if below is None else "Minimum",
            period=300,
            evaluation_periods=1,
            threshold=above if below is None else below,
            comparison_operator="GreaterThanThreshold" if below is None else "LessThanThreshold",
            treat_missing_data=missing,
            alarm_actions=[ref(self._topic)],
            ok_actions=[ref(self._topic)],
        )
        placed(alarm, self, id)
        if stack_of(self).settings.key_arn:
            accept(alarm, "alarm-actions-deliverable", "deploy-target-key-lets-sender", because=POLICY_UNSEEN)


class Monitors(Construct):
    """Hourly jobs that compare captured requests with the baseline, metrics of what they find, an alarm per monitor.

    Two schedules call the launcher: soon after each hour for the requests of that hour, and again when their outcomes
    are known. When a job ends, EventBridge calls a publisher, which puts the numbers of the report into CloudWatch.

    Args:
        analysis: starts the jobs.
        alarms: receives the alarms.
        undelivered: receives what the publisher failed on and what schedules could not deliver.
    """

    def __init__(
        self, scope: Construct, id: str, *, analysis: Analysis, alarms: MonitorAlarms, undelivered: Queue
    ) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        self._analysis, self._undelivered, self._key = analysis, undelivered, analysis.key
        self.publisher = self._publisher()
        self.schedules = [self._schedule("Fresh", "fresh", minute=15), self._schedule("Late", "late", minute=30)]
        for monitor, text in DRIFT.items():
            self._alarm(alarms, monitor, text, name=f"{alarms.drift_prefix}{monitor}")
        for monitor, text in FAULTS.items():
            self._alarm(alarms, monitor, text, name=f"{stack_of(self).name}-{monitor}")
        self._alarm(alarms, "jobs", "A job of the monitor failed: read its log stream.", metric="job_failed")

    def _alarm(
        self, alarms: MonitorAlarms, monitor: str, text: str, *, name: str | None = None, metric: str = "violations"
    ) -> None:
        dimensions = {
            "Endpoint": self._analysis.watched.endpoint,
            "MonitoringSchedule": f"{self._analysis.prefix}-{monitor}",
        }
        alarms.add(monitor, text, namespace=NAMESPACE, metric=metric, dimensions=dimensions, above=0, name=name)

    def _publisher(self) -> Function:
        analysis = self._analysis
        settings = {
            "prefix": analysis.prefix,
            "endpoint": analysis.watched.endpoint,
            "reports": ref(analysis.records.reports),
            "namespace": NAMESPACE,
            "kinds": {kind: list(monitors) for kind, monitors in KINDS.items()},
            "label": analysis.label,
        }
        function = Function(
            self,
            "Publisher",
            code=CODE / "publisher.py",
            handler="publisher.handler",
            key=self._key,
            network=analysis.network,
            environment={"SETTINGS": stack_of(self).to_json_string(settings), "METRICS_NAMESPACE": NAMESPACE},
            timeout=60,
            undelivered=self._undelivered,
        )
        analysis.network.ready_for(function)
        function.role_.can_read(analysis.records.reports)
        function.role_.can_put_metrics(NAMESPACE)
        rule = events.CfnRule(
            self,
            "JobEnded",
            description="A job of the monitor ended: its numbers become metrics",
            event_pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Processing Job State Change"],
                "detail": {
                    "ProcessingJobName": [{"prefix": f"{analysis.prefix}-"}],
                    "ProcessingJobStatus": ["Completed", "Failed"],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Publisher",
                    arn=att(function, "Arn"),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self._undelivered.arn_),
                )
            ],
        )
        placed(rule, self, "JobEnded")
        self._undelivered.serve_rules(rule)
        lambda_.CfnPermission(
            self,
            "JobEndedCallsPublisher",
            action="lambda:InvokeFunction",
            function_name=ref(function),
            principal="events.amazonaws.com",
            source_arn=att(rule, "Arn"),
        )
        return function

    def _schedule(self, id: str, kind: str, *, minute: int) -> scheduler.CfnSchedule:
        parts = Construct(self, f"{id}Parts")
        placed(parts, self, f"{id}Parts")
        role = Role(parts, "Role", service="scheduler")
        role.allow("lambda:InvokeFunction", on=sub(self._analysis.launcher.sub_arn))
        role.allow("sqs:SendMessage", on=sub(self._undelivered.sub_arn))
        role.can_encrypt(self._key)
        schedule = scheduler.CfnSchedule(
            self,
            id,
            description=f"Starts the {kind} job: {' and '.join(KINDS[kind])}",
            schedule_expression=f"cron({minute} * * * ? *)",
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=att(self._analysis.launcher, "Arn"),
                role_arn=role.arn_,
                input=f'{{"mode": "monitor", "kind": "{kind}", "at": "<aws.scheduler.scheduled-time>"}}',
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=self._undelivered.arn_),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=1800, maximum_retry_attempts=3
                ),
            ),
        )
        placed(schedule, self, id)
        role.ready(schedule)
        self._analysis.ends_before(schedule)
        return schedule


class RetrainingRequests(Queue):
    """A queue in which each alarm on drift leaves one message; an alarm on broken input leaves none.

    Args:
        key: the lab's key.
        drift_prefix: with which the names of the alarms begin.
        undelivered: receives messages that nobody could handle, and what EventBridge could not deliver.
    """

    def __init__(self, scope: Construct, id: str, *, key: Key, drift_prefix: str, undelivered: Queue) -> None:
        super().__init__(scope, id, key=key, undelivered=undelivered)
        rule = events.CfnRule(
            self,
            "OnDrift",
            description="Drift was found: ask for training",
            event_pattern={
                "source": ["aws.cloudwatch"],
                "detail-type": ["CloudWatch Alarm State Change"],
                "detail": {"alarmName": [{"prefix": drift_prefix}], "state": {"value": ["ALARM"]}},
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Requests",
                    arn=self.arn_,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=undelivered.arn_),
                )
            ],
        )
        placed(rule, self, "OnDrift")
        self.serve_rules(rule)
        undelivered.serve_rules(rule)
