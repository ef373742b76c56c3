"""Check the deployment

The endpoint must be in service with version 1, and the three alarms that can roll an update back must exist. The template
holds a deployment configuration already; the first deployment had no old fleet, so there was nothing to shift.
"""

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    outputs, sagemaker = session.outputs, session.client("sagemaker")

    def in_service() -> dict[str, object] | None:
        found = sagemaker.describe_endpoint(EndpointName=outputs["EndpointName"])
        return found if found["EndpointStatus"] not in ("Creating", "Updating", "RollingBack") else None

    endpoint = session.wait("the endpoint settles", in_service, timeout=7200, every=30)
    if endpoint["EndpointStatus"] != "InService":
        raise StepFailed(
            f"Endpoint {outputs['EndpointName']} is {endpoint['EndpointStatus']}: "
            f"{endpoint.get('FailureReason', 'no reason given')}. "
            f"Its log group is /aws/sagemaker/Endpoints/{outputs['EndpointName']}."
        )
    names = outputs["AlarmNames"].split(",")
    alarms = session.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    if missing := set(names) - {alarm["AlarmName"] for alarm in alarms}:
        raise StepFailed(f"There is no alarm {', '.join(sorted(missing))}: an update could not be rolled back.")
    variant = endpoint["ProductionVariants"][0]
    session.say(
        f"{outputs['EndpointName']} serves {endpoint['EndpointConfigName']} with {variant['CurrentInstanceCount']} "
        "instances."
    )
    session.table(
        "Alarms that roll an update back",
        [
            {
                "alarm": alarm["AlarmName"],
                "metric": alarm["MetricName"],
                "above": alarm["Threshold"],
                "looks at": ", ".join(one["Name"] for one in alarm["Dimensions"]),
                "state": alarm["StateValue"],
            }
            for alarm in alarms
        ],
    )
