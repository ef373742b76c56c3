"""Environments that a pipeline deploys models to."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from stacks.patterns.building import SOURCE
from stacks.patterns.instances import has_local_storage
from stacks.patterns.retraining import job_role
from stacks.patterns.separation import APPROVING, releases_nothing
from stacks.secure.acting_role import ActingRole
from stacks.secure.bucket import Bucket
from stacks.secure.housekeeping import Housekeeping
from stacks.secure.key import Key
from stacks.secure.log_group import LogGroup
from stacks.secure.names import placed, ref, stack_of, sub
from stacks.secure.network import Network
from stacks.secure.pipeline import Action
from stacks.secure.role import Role
from stacks.secure.topic import AlarmTopic

_HERE = "${AWS::Region}:${AWS::AccountId}"
_SAGEMAKER = f"arn:${{AWS::Partition}}:sagemaker:{_HERE}"


class Environment(Construct):
    """Where a released model runs: a stack that a pipeline deploys from its source, and all that this stack needs.

    Roles, logs and the network stay in the lab's own stack, so that the template from the source can create a model, an
    endpoint and their alarms, and nothing that holds a permission. The deployed stack is removed before this one.

    Args:
        name: ``staging`` or ``production``.
        instance_type: of the endpoint, such as ``ml.m5.large``.
        instances: of the endpoint.
        canary_seconds: how long one instance serves a new version before all do; 0 shifts all at once.
        models: bucket with models below ``runs/``; gets the endpoint's captured traffic below ``captured/``.
        image: of the serving container.
        topic: who is told of alarms.
        network: where the containers stand.
        key: encrypts volumes, captured traffic and logs.
        pipeline: the pipelines' own role.
        artifacts: the pipelines' bucket.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        instance_type: str,
        instances: int,
        canary_seconds: int,
        models: Bucket,
        image: str,
        topic: AlarmTopic,
        network: Network,
        key: Key,
        pipeline: Role,
        artifacts: Bucket,
    ) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        stack = stack_of(self)
        self.name, self.stack_name = name, f"{stack.name}-{name}"
        self.endpoint_name = self.stack_name.lower()
        self.endpoint_arn = f"{_SAGEMAKER}:endpoint/{self.endpoint_name}"
        self._alarms = f"arn:${{AWS::Partition}}:cloudwatch:{_HERE}:alarm:{self.endpoint_name}-*"
        self._stack_arn = f"arn:${{AWS::Partition}}:cloudformation:{_HERE}:stack/{self.stack_name}/*"
        logs = LogGroup(self, "Logs", key=key, name=f"/aws/sagemaker/Endpoints/{self.endpoint_name}")
        self.host = self._host(image, models, logs, network, key)
        self.deployment = self._deployment(key, artifacts, stack.name.removeprefix("Lab-"))
        self.deployer = self._deployer(pipeline, artifacts)
        self.parameters: Mapping[str, str] = {
            "Environment": name,
            "EndpointName": self.endpoint_name,
            "ExecutionRoleArn": self.host.arn_,
            "SubnetIds": ",".join(network.subnet_ids),
            "SecurityGroupId": network.workload_group_id,
            "KeyArn": key.arn,
            "VolumeKeyArn": "" if has_local_storage(instance_type) else key.arn,
            "AlarmTopicArn": ref(topic),
            "CaptureUri": f"s3://{ref(models)}/captured/{name}",
            "InstanceType": instance_type,
            "InstanceCount": str(instances),
            "CanarySeconds": str(canary_seconds),
        }
        releases_nothing(self.host, self.deployer)
        self.deployment.may_never(*APPROVING)
        self.removed = Housekeeping.of(self, key=key).remove_stack_on_delete(self, "Removed", name=self.stack_name)
        stack.order(self.removed, after=lambda: [logs, topic, network.workload_group])
        self.host.ready(self.removed)
        self.deployment.ready(self.removed)
        network.ready_for(self.removed)
        models.stopped_before_emptied(self.removed)

    def deploy(self, name: str) -> Action:
        """Create or update the environment's stack from the source's template and the release's parameters."""
        return Action(
            name=name,
            category="Deploy",
            provider="CloudFormation",
            role=self.deployer,
            configuration={
                # A first deployment that failed leaves a stack which can only be replaced.
                "ActionMode": "REPLACE_ON_FAILURE" if self.name == "staging" else "CREATE_UPDATE",
                "StackName": self.stack_name,
                "TemplatePath": f"{SOURCE}::endpoint.template.json",
                "TemplateConfiguration": f"Release::configurations/{self.name}.json",
                "RoleArn": self.deployment.arn_,
            },
            inputs=(SOURCE, "Release"),
        )

    def _host(self, image: str, models: Bucket, logs: LogGroup, network: Network, key: Key) -> Role:
        role = job_role(self, "HostRole", image=image, network=network, key=key, kinds=())
        role.can_read(models, "runs/")
        role.can_write(models, f"captured/{self.name}/")
        role.can_log(logs)
        role.can_put_metrics("/aws/sagemaker/Endpoints")
        role.allow(
            "cloudwatch:DescribeAlarms",  # SageMaker looks at the alarms of an update with the model's role
            on=sub(self._alarms),
            because="the alarms of the deployed stack begin with the name of its endpoint",
        )
        return role

    def _deployment(self, key: Key, artifacts: Bucket, slug: str) -> Role:
        """What CloudFormation does with the template: a model, an endpoint configuration, an endpoint, alarms."""
        role = Role(self, "Deployment", service="cloudformation")
        role.can_read(artifacts)
        named = "CloudFormation makes up the names of models and configurations; creating and deleting asks for the lab's tag"
        both = [sub(f"{_SAGEMAKER}:{kind}/*") for kind in ("endpoint-config", "model")]
        role.allow(
            "sagemaker:CreateEndpointConfig",
            "sagemaker:CreateModel",
            on=both,
            because=named,
            condition={"StringEquals": {"aws:RequestTag/lab": slug}},
        )
        role.allow(
            "sagemaker:DeleteEndpointConfig",
            "sagemaker:DeleteModel",
            on=both,
            because=named,
            condition={"StringEquals": {"aws:ResourceTag/lab": slug}},
        )
        role.allow(
            "sagemaker:AddTags",
            "sagemaker:DeleteTags",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:DescribeModel",
            "sagemaker:ListTags",
            on=both,
            because=named,
        )
        role.allow(
            "sagemaker:AddTags",
            "sagemaker:DeleteTags",
            "sagemaker:DescribeEndpoint",
            "sagemaker:ListTags",
            "sagemaker:CreateEndpoint",
            "sagemaker:DeleteEndpoint",
            "sagemaker:UpdateEndpoint",
            on=sub(self.endpoint_arn),
        )
        # Creating and updating an endpoint is checked against its configuration, too.
        role.allow("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint", on=both[0], because=named)
        role.allow(
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:ListTagsForResource",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
            on=sub(self._alarms),
            because="the alarms of the deployed stack begin with the name of its endpoint",
        )
        role.allow(
            "iam:PassRole",
            on=self.host.arn_,
            condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )
        role.can_attach_volumes(key)
        return role

    def _deployer(self, pipeline: Role, artifacts: Bucket) -> ActingRole:
        role = ActingRole(self, "Deployer", of=pipeline)
        role.can_read(artifacts)
        role.allow(
            "cloudformation:CreateStack",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStacks",
            "cloudformation:GetTemplate",
            "cloudformation:TagResource",
            "cloudformation:UntagResource",
            "cloudformation:UpdateStack",
            *(["cloudformation:DeleteStack"] if self.name == "staging" else []),
            on=sub(self._stack_arn),
            because="CloudFormation adds an id of its own to a stack's name; limited to one stack by name",
        )
        role.allow(
            "iam:PassRole",
            on=self.deployment.arn_,
            condition={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        )
        return role
