"""Train in a VPC that has no route to the internet, and register what came of it.

step ──► launcher ──► SageMaker API ──► training job ──► bucket, one prefix:
        (Lambda,      (interface         isolated,        input, checkpoints, output
         definition    endpoint)         spot              │
         and guard)                      one key           └──► model package group
"""

from stacks.lab_stack import LabStack
from stacks.patterns.training import LOG_GROUP, TRAINING_ENDPOINTS, PrivateTraining
from stacks.secure.bucket import Bucket, LogBucket, lifecycle_rule
from stacks.secure.key import Key
from stacks.secure.model_group import ModelGroup
from stacks.secure.names import ref
from stacks.secure.network import Network

PREFIX = "flights/"


class TrainPrivate(LabStack):
    def build(self) -> None:
        chosen = self.settings
        key = Key(self, "Key")
        network = Network(self, "Network", endpoints=TRAINING_ENDPOINTS, key=key)
        logs = LogBucket(self, "AccessLogs", key=key)
        data = Bucket(
            self,
            "Data",
            key=key,
            logs=logs,
            lifecycle=[
                lifecycle_rule("old-versions"),
                lifecycle_rule("checkpoints", prefix=f"{PREFIX}checkpoints/", days_kept=14, old_versions_kept=1),
            ],
        )
        training = PrivateTraining(
            self,
            "Training",
            code=self.src("code"),
            launcher=self.src("launcher.py"),
            bucket=data,
            prefix=PREFIX,
            network=network,
            key=key,
            instance_type=chosen.training_instance_type,
        )
        purpose = "Will a flight from New York arrive more than 15 minutes late?"
        models = ModelGroup(self, "Models", description=purpose, key=key)

        self.give("LauncherFunctionName", ref(training.launcher))
        self.give("TrainingRoleArn", training.role_.arn_)
        self.give("GuardPolicyArn", ref(training.guard))
        self.give("ImageUri", training.image)
        self.give("CodeUri", training.code_uri)
        self.give("DataBucketName", ref(data))
        self.give("DataPrefix", PREFIX)
        self.give("KeyArn", key.arn)
        self.give("ModelPackageGroupName", models.name_)
        self.give("TrainingLogGroupName", LOG_GROUP)
        self.give("VpcId", network.vpc_id)
        self.give("SubnetIds", ",".join(network.subnet_ids))
        self.give("WorkloadSecurityGroupId", network.workload_group_id)
