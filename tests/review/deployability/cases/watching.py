"""Alarms, dashboards and scaling that look at nothing, or cannot be read."""

from __future__ import annotations

from tests.review.deployability.parts import Case, function, having, one, ref, sub

TRACKED = {"TargetValue": 50}
STEPPED = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}]}


def scaling(kind: str, **settings: object) -> dict:
    return one(
        "AWS::ApplicationAutoScaling::ScalingPolicy", PolicyName="p", PolicyType=kind, ScalingTargetId="t", **settings
    )


def fleet(**settings: object) -> dict:
    return one("AWS::AutoScaling::ScalingPolicy", AutoScalingGroupName="g", **settings)


def machine(definition: str) -> dict:
    return one("AWS::StepFunctions::StateMachine", RoleArn="arn:aws:iam::1:role/x", DefinitionString=definition)


def board(body: object) -> dict:
    return one("AWS::CloudWatch::Dashboard", DashboardBody=body)


def alarm(metric: str = "Late", *dimensions: str, namespace: str = "Shop/Flights") -> dict:
    return one("AWS::CloudWatch::Alarm", Namespace=namespace, MetricName=metric, ComparisonOperator="GreaterThanThreshold",
               EvaluationPeriods=1, Dimensions=[{"Name": name, "Value": "v"} for name in dimensions])  # fmt: skip


def counted(metric: str, **more: object) -> dict:
    """A metric filter."""
    found = {"MetricName": metric, "MetricNamespace": "Shop/Flights", "MetricValue": "1"} | more
    return one("AWS::Logs::MetricFilter", LogGroupName="g", FilterPattern="", MetricTransformations=[found])


def publishing(code: str, **variables: str) -> dict:
    """A function whose code stands in the template."""
    return having(function(), Code={"ZipFile": code}, Environment={"Variables": variables})


PUBLISHES = """
client.put_metric_data(Namespace=os.environ["NAMESPACE"], MetricData=[
    {"MetricName": "Late", "Dimensions": [{"Name": "Airport", "Value": airport}], "Value": 1},
    {"MetricName": f"Late_{airline}", "Value": 1}])
"""
COMPUTES = """
client.put_metric_data(Namespace="Shop/Flights", MetricData=[{"MetricName": name, "Value": 1} for name in NAMES])
"""

CASES = [
    Case("a policy that tracks a target and calls itself one of steps", "deploy-options-agree", {"Policy": scaling("StepScaling", TargetTrackingScalingPolicyConfiguration=TRACKED)},
         {"Policy": scaling("TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=TRACKED)}, "of the kind TargetTrackingScaling"),
    Case("a policy of steps that has none", "deploy-options-agree", {"Policy": scaling("StepScaling")}, {"Policy": scaling("StepScaling", StepScalingPolicyConfiguration=STEPPED)}, "needs StepScalingPolicyConfiguration"),
    Case("a policy of steps that calls itself predictive", "deploy-options-agree", {"Policy": scaling("PredictiveScaling", StepScalingPolicyConfiguration=STEPPED)}, {"Policy": scaling("StepScaling", StepScalingPolicyConfiguration=STEPPED)}),
    Case("a fleet's policy that tracks a target and names no kind", "deploy-options-agree", {"Policy": fleet(TargetTrackingConfiguration=TRACKED)},
         {"Policy": fleet(PolicyType="TargetTrackingScaling", TargetTrackingConfiguration=TRACKED)}, "of the kind TargetTrackingScaling"),
    Case("a fleet's simple policy that calls itself one of steps", "deploy-options-agree", {"Policy": fleet(PolicyType="StepScaling", ScalingAdjustment=1)}, {"Policy": fleet(ScalingAdjustment=1)}),
    Case("a fleet's policy of steps that calls itself simple", "deploy-options-agree", {"Policy": fleet(PolicyType="SimpleScaling", StepAdjustments=[{"ScalingAdjustment": 1}])},
         {"Policy": fleet(PolicyType="StepScaling", StepAdjustments=[{"ScalingAdjustment": 1}])}),
    Case("a dashboard that is no JSON", "deploy-json-readable", {"Board": board("{widgets:")}, {"Board": board('{"widgets": []}')}, "DashboardBody must be a valid JSON object", on="Board"),
    Case("a dashboard whose substituted text is no JSON", "deploy-json-readable", {"Board": board(sub('{"widgets": [{"title": "${AWS::StackName}", "period": 60}}'))},
         {"Board": board(sub('{"widgets": [{"title": "${AWS::StackName}", "period": ${Period}}]}'))}),
    Case("a dashboard whose joined text is no JSON", "deploy-json-readable", {"Board": board({"Fn::Join": ["", ['{"widgets": ["', ref("Endpoint"), "]}"]]})},
         {"Board": board({"Fn::Join": ["", ['{"widgets": ["', ref("Endpoint"), '"]}']]})}),
    Case("a dashboard that may be JSON once a piece is filled in", "deploy-json-readable", {"Board": board(sub('{"widgets": [${First} ${Second}]}}'))}, {"Board": board(sub('{"widgets": [{} ${More}]}'))}, unknown=True),
    Case("a dashboard that is a list", "deploy-json-readable", {"Board": board("[]")}, {"Board": board(ref("Body"))}, "no object"),
    Case("a state machine whose definition lacks a bracket", "deploy-json-readable", {"Machine": machine('{"StartAt": "${First}"')}, {"Machine": machine('{"StartAt": "${First}"}')}),
    Case("an alarm on a metric that no metric filter counts", "deploy-custom-metric-published", {"Count": counted("Late"), "Alarm": alarm("Lates")}, {"Alarm": alarm("Late")}, "metric of Shop/Flights", on="Alarm"),
    Case("an alarm on a dimension that its metric filter does not set", "deploy-custom-metric-published", {"Count": counted("Late", Dimensions=[{"Key": "Airport", "Value": "$.a"}]), "Alarm": alarm("Late", "Airports")},
         {"Alarm": alarm("Late", "Airport")}, "dimension in Shop/Flights"),
    Case("an alarm on a metric that the code does not name", "deploy-custom-metric-published", {"Worker": publishing(PUBLISHES, NAMESPACE="Shop/Flights"), "Alarm": alarm("Lates")}, {"Alarm": alarm("Late_AA", "Airport")}),
    Case("an alarm on a dimension that the code does not name", "deploy-custom-metric-published", {"Worker": publishing(PUBLISHES, NAMESPACE="Shop/Flights"), "Alarm": alarm("Late", "Airports")},
         {"Alarm": alarm("Late", "Airport", "service")}, "Dimensions.0.Name"),
    Case("an expression over a metric that the code does not name", "deploy-custom-metric-published",
         {"Worker": publishing(PUBLISHES, NAMESPACE="Shop/Flights"),
          "Alarm": one("AWS::CloudWatch::Alarm", Metrics=[{"Id": "m", "MetricStat": {"Metric": {"Namespace": "Shop/Flights", "MetricName": "Early"}, "Period": 60, "Stat": "Sum"}}])},
         {"Worker": publishing(PUBLISHES, NAMESPACE="Shop/Flights", ALSO="Early, Diverted")}, "Metrics.0.MetricStat.Metric.MetricName"),
    Case("scaling by a metric that the code does not name", "deploy-custom-metric-published",
         {"Worker": publishing(PUBLISHES, NAMESPACE="Shop/Flights"), "Policy": scaling("TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration={
             "TargetValue": 1, "CustomizedMetricSpecification": {"Namespace": "Shop/Flights", "MetricName": "Delay", "Statistic": "Sum"}})},
         {"Worker": publishing(PUBLISHES, NAMESPACE="Shop/Trains")}),
    Case("an alarm on a metric where the code takes the names from elsewhere", "deploy-custom-metric-published", {"Worker": publishing(COMPUTES), "Alarm": alarm("Early")},
         {"Worker": publishing(COMPUTES.replace("NAMES", '["Early"]'))}, unknown=True),
    Case("an alarm beside a program in another language", "deploy-custom-metric-published", {"Worker": publishing("const namespace = 'Shop/Flights'; put({late: 1})"), "Alarm": alarm("early")}, {"Alarm": alarm("late")}, unknown=True),
    Case("an alarm whose namespace is also filled by code that is not here", "deploy-custom-metric-published", {"Count": counted("Late"), "Alarm": alarm("Early")},
         {"Worker": function(Environment={"Variables": {"NAMESPACE": "Shop/Flights"}})}),
    Case("an alarm whose namespace only others fill", "deploy-custom-metric-published", {"Count": counted("Late"), "Alarm": alarm("Early")}, {"Alarm": alarm("Early", namespace="Shop/Trains")}),
    Case("an alarm on a metric that a filter names at deployment", "deploy-custom-metric-published", {"Count": counted("Late"), "Alarm": alarm("Early")}, {"Count": counted(sub("${Kind}ly"))}),
]  # fmt: skip
