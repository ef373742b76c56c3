"""Training that cannot leave its network: a role, a complete job definition, and a guard over whoever starts jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.acceptance import accept
from stacks.images import image_uri
from stacks.patterns.hosting import SERVING_CODE
from stacks.patterns.instances import has_local_storage
from stacks.secure.archive import Archive
from stacks.secure.bucket import Bucket
from stacks.secure.endpoints import ServiceEndpoint
from stacks.secure.function import Function
from stacks.secure.housekeeping import Housekeeping
from stacks.secure.key import Key
from stacks.secure.names import ASSETS_ARN, placed, ref, stack_of, sub
from stacks.secure.network import Network
from stacks.secure.role import Role
from stacks.settings import SettingsError

CHANNELS = ("train", "validation", "holdout")
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
CHECKPOINTS = "/opt/ml/checkpoints"
LONGEST = 3600  # seconds of one job; a spot job may wait as long again for capacity
_HERE = "${AWS::Region}:${AWS::AccountId}"
_JOBS = f"arn:${{AWS::Partition}}:sagemaker:{_HERE}:training-job"
# Kinds of jobs that run somebody's code on somebody's data.
_CREATING = ["sagemaker:CreateHyperParameterTuningJob", "sagemaker:CreateProcessingJob", "sagemaker:CreateTrainingJob"]
_METRICS = ("train-logloss", "train-auc", "validation-logloss", "validation-auc", "holdout-auc", "holdout-logloss")

# The function that starts jobs calls the API from inside the VPC. The jobs themselves need S3 only: SageMaker pulls the
# image and writes logs and metrics outside of the VPC.
# Source: https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html
TRAINING_ENDPOINTS = (
    ServiceEndpoint(
        id="SageMakerApi",
        name="sagemaker.api",
        actions=("sagemaker:AddTags", "sagemaker:CreateTrainingJob", "sagemaker:StopTrainingJob"),
        resources=(f"{_JOBS}/*",),
        china_prefix=True,
    ),
)


class PrivateTraining(Construct):
    """Script-mode XGBoost training of which nothing but name, hyperparameters and checkpoints is left to the caller.

    One function holds the whole job definition and alone may start it; who may invoke the function needs no right to
    create jobs or to pass roles. The job's role reads and writes one prefix of one bucket and reads one code archive.
    The guard is a managed policy that denies every job without the lab's network, isolation and keys; it binds the
    function and can be attached to any other principal.

    Args:
        code: folder with ``train.py``; the archive also holds the serving code, which training puts beside the model.
        launcher: the function's file, ``launcher.py``.
        bucket: data, checkpoints and results.
        prefix: of all three, ending in ``/``.
        network: where the jobs run.
        key: encrypts volumes, results and checkpoints.
        instance_type: without disks of its own, because SageMaker refuses a volume key there.
        version: XGBoost framework version of the AWS image.

    Raises:
        SettingsError: the instance type has disks of its own.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        code: Path,
        launcher: Path,
        bucket: Bucket,
        prefix: str,
        network: Network,
        key: Key,
        instance_type: str,
        version: str = "3.2-0",
    ) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        if has_local_storage(instance_type):
            raise SettingsError(
                f"setting training_instance_type: got {instance_type!r}; allowed: types without local disks such as "
                "ml.m5.large, because SageMaker refuses a volume key on the others and the guard wants one"
            )
        stack = stack_of(self)
        self.image = image_uri("xgboost", region=stack.settings.region, version=version)
        self.name_ = stack.name
        archive = Archive(self, "Code", kind="tar.gz", sources={code: "", SERVING_CODE: "serving"})
        self.code_uri = archive.uri
        network.serve_bucket(bucket)
        network.serve_bucket(ASSETS_ARN)
        self.role_ = self._role(archive, bucket=bucket, prefix=prefix, network=network, key=key)
        definition = self._definition(
            archive, bucket=f"s3://{ref(bucket)}/{prefix}", network=network, key=key, instance_type=instance_type
        )
        self.launcher = self._launcher(launcher, definition=definition, network=network, key=key)
        self.guard = self._guard(network=network, key=key, instance_type=instance_type)
        self._stop_jobs(bucket=bucket, network=network, key=key)
        if network.interface_endpoints:
            accept(
                self.launcher,
                "isolated-api-paths",
                because="the developer guide asks for a way to S3 alone where training runs in a VPC (train-vpc); logs and "
                "metrics of a job whose container has no network are SageMaker's own to deliver",
            )
        accept(
            self.launcher.role_,
            "removed-completely",
            because="SageMaker makes one log group for all jobs of an account; the steps note it when they cause it, and "
            "`labs destroy` then removes it; what else is in it belongs to others",
        )

    def _role(self, archive: Archive, *, bucket: Bucket, prefix: str, network: Network, key: Key) -> Role:
        """What a job does with a role of its own.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms
        """
        role = Role(self, "Role", service="sagemaker")
        role.can_read(bucket, prefix)
        role.can_write(bucket, prefix)
        role.can_read_assets(archive.key)
        role.can_list_assets(archive.key)
        role.can_join(network, as_service="sagemaker")
        role.can_attach_volumes(key)
        role.can_pull(self.image)
        # The group belongs to the account: every training job of the region writes there. Not to create it is on
        # purpose, so that it is made once, with a retention, and not by the first job, without one.
        role.allow(
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            on=sub(f"arn:${{AWS::Partition}}:logs:{_HERE}:log-group:{LOG_GROUP}:log-stream:{self.name_.lower()}-*"),
            because="SageMaker names the streams after its jobs; limited to jobs of this stack",
        )
        role.can_put_metrics(LOG_GROUP)
        return role

    def _definition(
        self, archive: Archive, *, bucket: str, network: Network, key: Key, instance_type: str
    ) -> dict[str, Any]:
        """The CreateTrainingJob request, without the name."""
        return {
            "RoleArn": self.role_.arn_,
            "AlgorithmSpecification": {
                "TrainingImage": self.image,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {"Name": name.replace("-", ":"), "Regex": f"{name}:([0-9.]+)"} for name in _METRICS
                ],
            },
            "InputDataConfig": [
                *(_channel(name, f"{bucket}input/{name}/", content="text/csv") for name in CHANNELS),
                # With network isolation the container cannot fetch code: SageMaker does, before it starts.
                _channel("code", self.code_uri),
            ],
            "OutputDataConfig": {"S3OutputPath": f"{bucket}output/", "KmsKeyId": key.arn},
            "CheckpointConfig": {"S3Uri": f"{bucket}checkpoints/", "LocalPath": CHECKPOINTS},
            "ResourceConfig": {
                "InstanceType": instance_type,
                "InstanceCount": 1,
                "VolumeSizeInGB": 5,
                "VolumeKmsKeyId": key.arn,
            },
            "VpcConfig": {"Subnets": network.subnet_ids, "SecurityGroupIds": [network.workload_group_id]},
            "EnableNetworkIsolation": True,
            "EnableInterContainerTrafficEncryption": True,
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": LONGEST, "MaxWaitTimeInSeconds": 2 * LONGEST},
            "HyperParameters": {
                "sagemaker_program": '"train.py"',
                "sagemaker_submit_directory": f'"/opt/ml/input/data/code/{archive.key}"',
            },
            # The container installs the code with pip when it starts. Without a network pip must build with the
            # setuptools that the image has; the first variable is read as the value of build_isolation.
            "Environment": {"PIP_NO_BUILD_ISOLATION": "false", "PIP_NO_INDEX": "true"},
            "Tags": [{"Key": "lab", "Value": self.name_.removeprefix("Lab-")}],
        }

    def _launcher(self, code: Path, *, definition: dict[str, Any], network: Network, key: Key) -> Function:
        function = Function(
            self,
            "Launcher",
            code=code,
            handler="launcher.handler",
            key=key,
            network=network,
            environment={
                "JOB_DEFINITION": stack_of(self).to_json_string(definition),
                "JOB_PREFIX": self.name_,
            },
        )
        role = function.role_
        own = sub(f"{_JOBS}/{self.name_.lower()}-*")
        because = "jobs are named when they start; limited to names that begin with the stack's"
        role.allow("sagemaker:AddTags", "sagemaker:StopTrainingJob", on=own, because=because)
        # What the guard denies to everybody it is attached to is not allowed here in the first place.
        role.allow(
            "sagemaker:CreateTrainingJob",
            on=own,
            because=because,
            condition={
                "ArnEquals": {"sagemaker:OutputKmsKey": key.arn, "sagemaker:VolumeKmsKey": key.arn},
                "Bool": {"sagemaker:InterContainerTrafficEncryption": "true", "sagemaker:NetworkIsolation": "true"},
                "ForAnyValue:StringEquals": {
                    "sagemaker:InstanceTypes": [definition["ResourceConfig"]["InstanceType"]],
                    "sagemaker:VpcSecurityGroupIds": [network.workload_group_id],
                    "sagemaker:VpcSubnets": network.subnet_ids,
                },
                "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": str(LONGEST)},
            },
        )
        role.allow(
            "iam:PassRole",
            on=self.role_.arn_,
            condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )
        return function

    def _stop_jobs(self, *, bucket: Bucket, network: Network, key: Key) -> None:
        """What jobs use is there before the launcher; on deletion it goes first, then what still runs, then the rest."""
        stopped = Housekeeping.of(self, key=key).stop_jobs_on_delete(self, prefix=self.name_.lower(), kind="training")
        self.role_.ready(stopped)
        network.ready_for(stopped)
        stack_of(self).order(stopped, after=lambda: [network.workload_group])
        stack_of(self).order(self.launcher, after=lambda: [stopped])
        bucket.stopped_before_emptied(stopped)

    def _guard(self, *, network: Network, key: Key, instance_type: str) -> iam.CfnManagedPolicy:
        """Denials that no other policy of a principal can lift.

        Operators with Not also match a request that lacks the key; Bool and ForAnyValue do not, so Null stands beside them.
        Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
        """
        denials: dict[str, dict[str, Any]] = {
            "WithoutVpc": {"Null": {"sagemaker:VpcSubnets": "true"}},
            "OtherSubnets": {"ForAnyValue:StringNotEquals": {"sagemaker:VpcSubnets": network.subnet_ids}},
            "WithoutSecurityGroup": {"Null": {"sagemaker:VpcSecurityGroupIds": "true"}},
            "OtherSecurityGroups": {
                "ForAnyValue:StringNotEquals": {"sagemaker:VpcSecurityGroupIds": [network.workload_group_id]}
            },
            "IsolationNotGiven": {"Null": {"sagemaker:NetworkIsolation": "true"}},
            "IsolationOff": {"Bool": {"sagemaker:NetworkIsolation": "false"}},
            "TrafficEncryptionNotGiven": {"Null": {"sagemaker:InterContainerTrafficEncryption": "true"}},
            "TrafficEncryptionOff": {"Bool": {"sagemaker:InterContainerTrafficEncryption": "false"}},
            "OtherVolumeKey": {"ArnNotEquals": {"sagemaker:VolumeKmsKey": key.arn}},
            "OtherOutputKey": {"ArnNotEquals": {"sagemaker:OutputKmsKey": key.arn}},
            "OtherInstances": {"ForAnyValue:StringNotEquals": {"sagemaker:InstanceTypes": [instance_type]}},
            "TooLong": {"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": str(LONGEST)}},
        }
        policy = iam.CfnManagedPolicy(
            self,
            "Guard",
            description="No job without the lab's network, isolation and keys",
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {"Sid": sid, "Effect": "Deny", "Action": _CREATING, "Resource": "*", "Condition": condition}
                    for sid, condition in denials.items()
                ],
            },
            roles=[ref(self.launcher.role_)],
        )
        placed(policy, self, "Guard")
        stack_of(self).order(self.launcher, after=lambda: [policy])
        return policy


def _channel(name: str, uri: str, *, content: str | None = None) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    channel: dict[str, Any] = {"ChannelName": name, "DataSource": {"S3DataSource": source}}
    return {**channel, "ContentType": content} if content else channel
