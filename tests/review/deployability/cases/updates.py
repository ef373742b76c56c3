"""Updates that a deployed stack refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.review.deployability.parts import Resources, having, one


@dataclass(frozen=True)
class Update:
    """A deployed template, one that fails as its update, and one that does not."""

    name: str
    check: str
    deployed: dict[str, Any]
    refused: dict[str, Any]
    taken: dict[str, Any]
    says: str
    entry: str = ""


def stack(resources: Resources, **exports: str) -> dict[str, Any]:
    outputs = {name: {"Value": value, "Export": {"Name": f"Network-{name}"}} for name, value in exports.items()}
    return {"Resources": resources, "Outputs": outputs}


def table(*indexes: str) -> dict[str, Any]:
    found = [
        {
            "IndexName": name,
            "KeySchema": [{"AttributeName": name, "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
        for name in indexes
    ]
    return one("AWS::DynamoDB::Table", KeySchema=[], GlobalSecondaryIndexes=found)


BROKERS = one(
    "AWS::MSK::Cluster",
    ClusterName="flows",
    KafkaVersion="3.6.0",
    NumberOfBrokerNodes=2,
    BrokerNodeGroupInfo={"InstanceType": "kafka.m5.large", "ClientSubnets": ["a", "b"]},
)
CLUSTER = one("AWS::EKS::Cluster", RoleArn="r", Version="1.30", ResourcesVpcConfig={"SubnetIds": ["a", "b"]})
COMPUTE = one("AWS::Batch::ComputeEnvironment", Type="MANAGED", ComputeEnvironmentName="workers")
QUEUE = one("AWS::SQS::Queue")

CASES = [
    Update("two attributes of a broker cluster at once", "deploy-update-one-step", stack({"B": BROKERS}),
           stack({"B": having(BROKERS, KafkaVersion="3.7.x", NumberOfBrokerNodes=4)}), stack({"B": having(BROKERS, NumberOfBrokerNodes=4)}), "multiple attributes of the cluster", "DF-093"),
    Update("two indexes of a table at once", "deploy-update-one-step", stack({"T": table("a")}), stack({"T": table("b")}), stack({"T": table("a", "b")}), "more than one GSI creation or deletion", "DF-133"),
    Update("version and network of a cluster at once", "deploy-update-one-step", stack({"C": CLUSTER}),
           stack({"C": having(CLUSTER, Version="1.31", ResourcesVpcConfig={"SubnetIds": ["a", "c"]})}), stack({"C": having(CLUSTER, Version="1.31")}), "Only one type of update"),
    Update("an export that goes", "deploy-update-keeps-exports", stack({"Q": QUEUE}, Id="one", Arn="two"), stack({"Q": QUEUE}, Id="one"), stack({"Q": QUEUE}, Id="one", Arn="two", Name="three"), "cannot be deleted as it is in use", "DF-131"),
    Update("an export whose value changes", "deploy-update-keeps-exports", stack({"Q": QUEUE}, Id="one"), stack({"Q": QUEUE}, Id="two"), stack({"Q": QUEUE}, Id="one"), "cannot be updated as it is in use"),
    Update("a replaced compute environment that keeps its name", "deploy-update-keeps-named", stack({"C": COMPUTE}), stack({"C": having(COMPUTE, Type="UNMANAGED")}),
           stack({"C": having(COMPUTE, Type="UNMANAGED", ComputeEnvironmentName="workers-2")}), "found existing JobQueue relationship"),
    Update("a replaced function that keeps its name", "deploy-update-keeps-named", stack({"T": one("AWS::SNS::Topic", TopicName="alerts.fifo")}), stack({"T": one("AWS::SNS::Topic", TopicName="alerts.fifo", FifoTopic=True)}),
           stack({"T": one("AWS::SNS::Topic", TopicName="alerts.fifo", DisplayName="Alerts")}), "custom-named resource requires replacing"),
]  # fmt: skip
