"""Check the deployment

The endpoint must be in service, its containers must stand in the subnets of the lab's VPC, and network isolation must
be on. The table shows what the stack made of your settings.
"""

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    sagemaker, outputs = session.client("sagemaker"), session.outputs

    def settled() -> dict[str, object] | None:
        found = sagemaker.describe_endpoint(EndpointName=outputs["EndpointName"])
        return found if found["EndpointStatus"] not in ("Creating", "Updating", "SystemUpdating") else None

    endpoint = session.wait("the endpoint is being created", settled, timeout=1800)
    if endpoint["EndpointStatus"] != "InService":
        reason = endpoint.get("FailureReason", "no reason given")
        raise StepFailed(
            f"Endpoint {outputs['EndpointName']} is {endpoint['EndpointStatus']}: {reason}. "
            f"Its log group is /aws/sagemaker/Endpoints/{outputs['EndpointName']}."
        )
    variant = endpoint["ProductionVariants"][0]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=outputs["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=outputs["ModelName"])
    inside = set(model.get("VpcConfig", {}).get("Subnets", ())) == set(outputs["SubnetIds"].split(","))
    if not inside:
        raise StepFailed(f"Model {outputs['ModelName']} does not stand in the subnets {outputs['SubnetIds']}.")
    if not model.get("EnableNetworkIsolation"):
        raise StepFailed(f"Model {outputs['ModelName']} runs without network isolation.")
    session.table(
        "What is deployed",
        [
            {"what": "endpoint", "value": f"{outputs['EndpointName']}, {endpoint['EndpointStatus']}"},
            {"what": "instances", "value": f"{variant['CurrentInstanceCount']} x {instance_type(config)}"},
            {"what": "image", "value": outputs["ImageUri"]},
            {"what": "model data", "value": outputs["ModelArtifactV1Uri"]},
            {"what": "subnets", "value": outputs["SubnetIds"]},
            {"what": "network isolation", "value": "on"},
            {"what": "volume key", "value": config.get("KmsKeyId", "none: this instance type encrypts its own disks")},
            {"what": "captured data", "value": endpoint["DataCaptureConfig"]["DestinationS3Uri"]},
        ],
    )


def instance_type(config: dict[str, object]) -> str:
    return str(config["ProductionVariants"][0]["InstanceType"])
