"""Check the deployment

The endpoint must be in service and capture every request and answer, the two schedules must be on, and no alarm may
have been raised yet. The table shows which of the two ways of watching your setting `monitor_path` chose.
"""

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    sagemaker, outputs = session.client("sagemaker"), session.outputs

    def settled() -> dict[str, object] | None:
        found = sagemaker.describe_endpoint(EndpointName=outputs["EndpointName"])
        return found if found["EndpointStatus"] not in ("Creating", "Updating", "SystemUpdating") else None

    endpoint = session.wait("the endpoint is being created", settled, timeout=1800)
    if endpoint["EndpointStatus"] != "InService":
        raise StepFailed(f"Endpoint {outputs['EndpointName']} is {endpoint['EndpointStatus']}.")
    capture = endpoint.get("DataCaptureConfig") or {}
    if not capture.get("EnableCapture") or capture.get("CurrentSamplingPercentage") != 100:
        raise StepFailed(f"Endpoint {outputs['EndpointName']} does not capture every request: {capture or 'nothing'}.")
    path = outputs["MonitorPathName"]
    rows = [
        {"what": "endpoint", "value": f"{outputs['EndpointName']}, {endpoint['EndpointStatus']}"},
        {"what": "captured to", "value": capture["DestinationS3Uri"]},
        {"what": "way of watching", "value": path},
    ]
    for name in outputs["ScheduleNames"].split(","):
        rows.append({"what": "schedule", "value": f"{name}: {schedule(session, path, name)}"})
    alarms = session.client("cloudwatch").describe_alarms(AlarmNamePrefix=outputs["DriftAlarmsPrefix"])["MetricAlarms"]
    rows += [{"what": "alarm", "value": f"{alarm['AlarmName']}: {alarm['StateValue']}"} for alarm in alarms]
    session.table("What watches the model", rows)


def schedule(session: Session, path: str, name: str) -> str:
    if path == "sagemaker":
        found = session.client("sagemaker").describe_monitoring_schedule(MonitoringScheduleName=name)
        return str(found["MonitoringScheduleStatus"])
    found = session.client("scheduler").get_schedule(Name=name)
    return f"{found['ScheduleExpression']}, {found['State'].lower()}"
