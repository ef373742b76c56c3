"""CloudWatch: composite alarms."""

from __future__ import annotations

from typing import Any

RESPONSE = "CloudWatchResponse"


def put_composite_alarm(self: Any) -> Any:
    from moto.core.responses import EmptyResult

    given = self._get_param
    self.cloudwatch_backend.put_metric_alarm(
        name=given("AlarmName"),
        namespace=None,
        metric_name=None,
        metric_data_queries=None,
        comparison_operator=None,
        evaluation_periods=None,
        datapoints_to_alarm=None,
        period=None,
        threshold=None,
        statistic=None,
        extended_statistic=None,
        description=given("AlarmDescription"),
        dimensions=[],
        alarm_actions=given("AlarmActions", []),
        ok_actions=given("OKActions", []),
        insufficient_data_actions=given("InsufficientDataActions", []),
        unit=None,
        actions_enabled=given("ActionsEnabled") is not False,
        treat_missing_data=None,
        evaluate_low_sample_count_percentile=None,
        threshold_metric_id=None,
        rule=given("AlarmRule"),
        tags=given("Tags", []),
    )
    return EmptyResult()


OPERATIONS = (put_composite_alarm,)


def _with_tags(original: Any) -> Any:
    """moto loses the tags of a dashboard."""

    def put_dashboard(self: Any) -> Any:
        answer = original(self)
        tags = self._get_param("Tags")
        if tags:
            backend = self.cloudwatch_backend
            arn = (
                f"arn:{self.partition}:cloudwatch::{self.current_account}:dashboard/{self._get_param('DashboardName')}"
            )
            backend.tagger.tag_resource(arn, tags)
        return answer

    return put_dashboard


def _untagged(original: Any) -> Any:
    def delete_dashboards(self: Any) -> Any:
        answer = original(self)
        for name in self._get_param("DashboardNames", []):
            arn = f"arn:{self.partition}:cloudwatch::{self.current_account}:dashboard/{name}"
            self.cloudwatch_backend.tagger.delete_all_tags_for_resource(arn)
        return answer

    return delete_dashboards


WRAPPED = {"put_dashboard": _with_tags, "delete_dashboards": _untagged}
