"""How IAM decides about a job, as far as the guard goes: its denials against the condition keys of a request.

The same decision from AWS: iam:SimulateCustomPolicy with the guard's document and the same context.
"""

from collections.abc import Iterator
from typing import Any

from labkit.session import Session

Context = dict[str, list[str]]


def statements(session: Session) -> list[dict[str, Any]]:
    """The guard's statements as they are attached."""
    iam, arn = session.client("iam"), session.outputs["GuardPolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return list(document["Statement"])


def context(request: dict[str, Any]) -> Context:
    """The condition keys that SageMaker fills from a CreateTrainingJob request; what is not given is absent."""
    network, resources = request.get("VpcConfig", {}), request["ResourceConfig"]
    keys: dict[str, Any] = {
        "sagemaker:VpcSubnets": network.get("Subnets"),
        "sagemaker:VpcSecurityGroupIds": network.get("SecurityGroupIds"),
        "sagemaker:NetworkIsolation": request.get("EnableNetworkIsolation"),
        "sagemaker:InterContainerTrafficEncryption": request.get("EnableInterContainerTrafficEncryption"),
        "sagemaker:VolumeKmsKey": resources.get("VolumeKmsKeyId"),
        "sagemaker:OutputKmsKey": request["OutputDataConfig"].get("KmsKeyId"),
        "sagemaker:InstanceTypes": resources["InstanceType"],
        "sagemaker:MaxRuntimeInSeconds": request["StoppingCondition"].get("MaxRuntimeInSeconds"),
    }
    found = {}
    for name, value in keys.items():
        if value is not None:
            values = value if isinstance(value, list) else [value]
            found[name] = [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
    return found


def denied_by(policy: list[dict[str, Any]], request: dict[str, Any]) -> list[str]:
    """The statements that deny a CreateTrainingJob request."""
    keys = context(request)
    return [
        statement["Sid"]
        for statement in policy
        if statement["Effect"] == "Deny"
        and "sagemaker:CreateTrainingJob" in statement["Action"]
        and all(holds(*test, keys) for test in tests(statement["Condition"]))
    ]


def tests(condition: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, list[str]]]:
    """Operator, key and values of each test of a condition; all must hold."""
    for operator, keys in condition.items():
        for name, values in keys.items():
            yield operator, name, [str(one) for one in (values if isinstance(values, list) else [values])]


def holds(operator: str, name: str, values: list[str], keys: Context) -> bool:
    """Whether one test holds.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    given = keys.get(name)
    if operator == "Null":
        return (given is None) == (values == ["true"])
    if operator == "ForAnyValue:StringNotEquals":  # an absent key has no value that could differ
        return any(one not in values for one in given or ())
    if operator == "ArnNotEquals":  # an absent key differs
        return given is None or given[0] not in values
    if given is None:
        return False
    if operator == "Bool":
        return given[0] in values
    if operator == "NumericGreaterThan":
        return float(given[0]) > float(values[0])
    raise ValueError(f"condition operator {operator} is not known here")


def variations(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The definition with one protection taken away, by what was taken."""

    def without(*path: str, instead: Any = None) -> dict[str, Any]:
        *way, last = path
        copy = {**definition}
        at = copy
        for name in way:
            at[name] = {**at[name]}
            at = at[name]
        at.pop(last, None)
        if instead is not None:
            at[last] = instead
        return copy

    other = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    return {
        "no VPC": without("VpcConfig"),
        "another subnet": without("VpcConfig", "Subnets", instead=["subnet-00000000000000000"]),
        "another security group": without("VpcConfig", "SecurityGroupIds", instead=["sg-00000000000000000"]),
        "network isolation not given": without("EnableNetworkIsolation"),
        "network isolation off": without("EnableNetworkIsolation", instead=False),
        "traffic encryption not given": without("EnableInterContainerTrafficEncryption"),
        "traffic encryption off": without("EnableInterContainerTrafficEncryption", instead=False),
        "no volume key": without("ResourceConfig", "VolumeKmsKeyId"),
        "another volume key": without("ResourceConfig", "VolumeKmsKeyId", instead=other),
        "no key for results": without("OutputDataConfig", "KmsKeyId"),
        "another key for results": without("OutputDataConfig", "KmsKeyId", instead=other),
        "a larger instance": without("ResourceConfig", "InstanceType", instead="ml.p4d.24xlarge"),
        "a day instead of an hour": without("StoppingCondition", "MaxRuntimeInSeconds", instead=86400),
    }
