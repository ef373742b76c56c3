"""Jobs of the project's own that analyse a model's traffic in a network of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.acceptance import accept
from stacks.images import image_uri
from stacks.patterns.hosting import VARIANT, Endpoint, ModelArtifact
from stacks.secure.archive import Archive
from stacks.secure.bucket import Bucket
from stacks.secure.endpoints import LOGS, METRICS, ServiceEndpoint
from stacks.secure.function import Function
from stacks.secure.housekeeping import Housekeeping
from stacks.secure.key import Key
from stacks.secure.names import ASSETS_ARN, logical_id, placed, ref, stack_of, sub, sub_text
from stacks.secure.network import Network
from stacks.secure.queue import Queue
from stacks.secure.role import Role
from stacks.settings import WatchedEndpoint

OUTCOMES_PREFIX = "outcomes"
WAIT_HOURS = 3  # until the outcome of a prediction is known
LONGEST = 3000  # seconds of a job: it ends before the next one of its kind begins
CODE = Path(__file__).parent / "monitoring_code"

JOBS_API = ServiceEndpoint(
    id="SageMakerApi",
    name="sagemaker.api",
    actions=("sagemaker:CreateProcessingJob",),
    resources=("arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:processing-job/*",),
    china_prefix=True,
)
# What the launcher and the publisher call. Images and the model are fetched by SageMaker, outside the VPC.
ENDPOINTS = (LOGS, METRICS, JOBS_API)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """An endpoint whose requests are captured, of this stack or of another one.

    Args:
        endpoint: its name.
        bucket: name of the bucket of captured requests.
        bucket_arn: the same bucket, with ``${...}`` references.
        prefix: under which the endpoint captures.
        key_arn: the key of captured requests, with ``${...}`` references.
    """

    endpoint: str
    bucket: str
    bucket_arn: str
    prefix: str
    key_arn: str

    @classmethod
    def of(cls, endpoint: Endpoint, captures: Bucket) -> Watched:
        """An endpoint of this stack."""
        return cls(
            endpoint=endpoint.name_,
            bucket=ref(captures),
            bucket_arn=captures.sub_arn,
            prefix=endpoint.capture_prefix,
            key_arn=captures.key.sub_arn,
        )

    @classmethod
    def elsewhere(cls, given: WatchedEndpoint) -> Watched:
        """An endpoint of another stack. Its key's policy must let this account's roles use it, as a lab's key does."""
        return cls(
            endpoint=given.endpoint_name,
            bucket=given.capture_bucket_name,
            bucket_arn=f"arn:${{AWS::Partition}}:s3:::{given.capture_bucket_name}",
            prefix=given.capture_prefix,
            key_arn=given.key_arn,
        )

    @property
    def captured(self) -> str:
        """Where hours of captured requests begin."""
        return f"{self.prefix}/{self.endpoint}/{VARIANT}"


@dataclass(frozen=True)
class Records:
    """The buckets of a monitor: what really happened, what is normal, what was found."""

    outcomes: Bucket
    baselines: Bucket
    reports: Bucket


class Analysis(Construct):
    """A launcher that starts jobs without a network: one that learns a baseline, and one per window of traffic.

    The launcher may start only jobs in the lab's subnets, with network isolation, under the lab's key, with one role.
    Jobs that still run are stopped before the stack goes; ``ends_before(schedule)`` is for what keeps starting them.

    Args:
        watched: the endpoint.
        model: the artefact that the endpoint serves; its attributions are watched.
        program: what a job runs: file or folder to its place in an archive that Python can run.
        config: what the columns mean, and the thresholds.
        records: buckets.
        network: where jobs and the launcher stand.
        key: encrypts what jobs keep.
        undelivered: receives what the launcher failed on.
        instance_type: of the jobs.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        watched: Watched,
        model: ModelArtifact,
        program: Mapping[Path, str],
        config: Path,
        records: Records,
        network: Network,
        key: Key,
        undelivered: Queue,
        instance_type: str,
    ) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        self.watched, self.records, self.network, self.key = watched, records, network, key
        self.prefix = stack_of(self).name.lower()
        self.label = str(json.loads(config.read_text(encoding="utf-8"))["label"])
        self.image = image_uri("xgboost", region=stack_of(self).settings.region, version="3.2-0")
        code = Archive(self, "Program", kind="pyz", sources=program)
        told = assets.Asset(self, "Config", path=str(config))
        self.job_role = self._job_role(model, code.key, told.s3_object_key)
        self._stopped = self._stop_jobs()
        self.launcher = self._launcher(
            instance_type,
            undelivered,
            code=code.uri,
            config=sub_text(f"s3://{_bootstrap(self)}/{told.s3_object_key}"),
            model=model.uri,
        )

    def ends_before(self, starter: cdk.CfnResource) -> None:
        """Delete what starts jobs before the jobs are stopped."""
        stack_of(self).order(starter, after=lambda: [self._stopped])

    def _job_role(self, model: ModelArtifact, code: str, config: str) -> Role:
        role = self.role_of_jobs(self, "JobRole", image=self.image)
        keys = [code, config, model.key]
        role.can_read_assets(*keys)
        role.can_list_assets(*keys)
        role.can_write(self.records.baselines, "current/")
        self.network.serve_bucket(ASSETS_ARN)
        return role

    def role_of_jobs(self, scope: Construct, id: str, *, image: str) -> Role:
        """A role for jobs that read captured requests, outcomes and baselines, and write reports.

        Args:
            image: the one that the jobs run.
        """
        role, records = Role(scope, id, service="sagemaker"), self.records
        self._reads_captures(role)
        role.can_read(records.outcomes, f"{OUTCOMES_PREFIX}/")
        role.can_read(records.baselines)
        role.can_write(records.reports)
        role.can_encrypt(self.key)
        role.can_attach_volumes(self.key)
        role.can_join(self.network, as_service="sagemaker")
        self.network.serve_bucket(self.watched.bucket_arn)
        role.can_pull(image)
        role.can_put_metrics("/aws/sagemaker/ProcessingJobs")
        # All processing jobs of an account and region log to one group, which the first one creates.
        role.allow(
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            on=sub(
                "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/sagemaker/ProcessingJobs:*"
            ),
            because="SageMaker names the streams after the job; limited to the one group of processing jobs",
        )
        return role

    def _reads_captures(self, role: Role) -> None:
        watched = self.watched
        role.allow(
            "s3:GetObject",
            on=sub(f"{watched.bucket_arn}/{watched.prefix}/*"),
            because="the endpoint names captured objects after their time; limited to the prefix of captured requests",
        )
        self._lists_captures(role)
        role.allow("kms:Decrypt", "kms:DescribeKey", on=sub(watched.key_arn))

    def _lists_captures(self, role: Role) -> None:
        role.allow(
            "s3:ListBucket",
            on=sub(self.watched.bucket_arn),
            condition={"StringLike": {"s3:prefix": [f"{self.watched.prefix}/*"]}},
        )

    def _stop_jobs(self) -> cdk.CfnResource:
        """Jobs end after the schedules are gone, and before the network, the role and the buckets go."""
        records = self.records
        stopped = Housekeeping.of(self, key=self.key).stop_jobs_on_delete(self, prefix=self.prefix)
        self.job_role.ready(stopped)
        self.network.ready_for(stopped)
        stack_of(self).order(stopped, after=lambda: [self.network.workload_group])
        for bucket in (records.outcomes, records.baselines, records.reports):
            bucket.stopped_before_emptied(stopped)
        return stopped

    def _launcher(self, instance_type: str, undelivered: Queue, **uris: str) -> Function:
        watched, records = self.watched, self.records
        settings = {
            "prefix": self.prefix,
            "endpoint": watched.endpoint,
            "captures": watched.bucket,
            "capture_prefix": watched.captured,
            "outcomes": ref(records.outcomes),
            "outcomes_prefix": OUTCOMES_PREFIX,
            "baselines": ref(records.baselines),
            "reports": ref(records.reports),
            "role": self.job_role.arn_,
            "image": self.image,
            "key": self.key.arn,
            "instance_type": instance_type,
            "subnets": self.network.subnet_ids,
            "security_groups": [self.network.workload_group_id],
            "wait_hours": WAIT_HOURS,
            "longest": LONGEST,
            **uris,
        }
        function = Function(
            self,
            "Launcher",
            code=CODE / "launcher.py",
            handler="launcher.handler",
            key=self.key,
            network=self.network,
            environment={
                "SETTINGS": stack_of(self).to_json_string(settings),
                "JOB_INSTANCE_TYPE": instance_type,
            },
            timeout=60,
            undelivered=undelivered,
        )
        self.network.ready_for(function)
        role = function.role_
        # Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
        role.allow(
            "sagemaker:CreateProcessingJob",
            on=sub(f"{self._jobs_arn}-*"),
            because="jobs are named after the time they look at; limited to names that begin with the stack's own, and "
            "to jobs in the lab's network under the lab's key",
            condition={
                "Bool": {"sagemaker:NetworkIsolation": "true", "sagemaker:InterContainerTrafficEncryption": "true"},
                "ArnEquals": {"sagemaker:VolumeKmsKey": self.key.arn, "sagemaker:OutputKmsKey": self.key.arn},
                "ForAllValues:StringEquals": {
                    "sagemaker:VpcSubnets": self.network.subnet_ids,
                    "sagemaker:VpcSecurityGroupIds": [self.network.workload_group_id],
                    "sagemaker:InstanceTypes": [instance_type],
                },
                # For an absent key "for all values" is true.
                "Null": {
                    "sagemaker:VpcSubnets": "false",
                    "sagemaker:VpcSecurityGroupIds": "false",
                    "sagemaker:InstanceTypes": "false",
                },
                "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": str(LONGEST)},
            },
        )
        role.allow(
            "iam:PassRole",
            on=sub(f"${{{logical_id(self.job_role)}.Arn}}"),
            condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )
        accept(
            role,
            "removed-completely",
            because="all processing jobs of an account share the log group, so that a stack may not own it; the steps note "
            "it when the lab is the first to cause it, and destroying the lab then removes it",
            kind="compensated",
        )
        self._lists_captures(role)
        for bucket, prefixes in (
            (records.outcomes, [f"{OUTCOMES_PREFIX}/*"]),
            (records.baselines, ["current/*", "dataset/*"]),
        ):
            role.allow("s3:ListBucket", on=sub(bucket.sub_arn), condition={"StringLike": {"s3:prefix": prefixes}})
        return function

    @property
    def _jobs_arn(self) -> str:
        return f"arn:${{AWS::Partition}}:sagemaker:${{AWS::Region}}:${{AWS::AccountId}}:processing-job/{self.prefix}"


def _bootstrap(scope: Construct) -> str:
    return f"cdk-hnb659fds-assets-${{AWS::AccountId}}-{stack_of(scope).settings.region}"
