"""Serve predictions from a VPC that has no route to the internet.

caller ──► interface endpoint ──► SageMaker endpoint ──capture──► bucket
(Lambda)                            │ model artefact v1 (v2 waits)
             isolated subnets, one KMS key, 2..4 instances by load and clock
"""

from stacks.lab_stack import LabStack
from stacks.patterns.hosting import VARIANT, Endpoint, ModelArtifact, PrivateModel
from stacks.patterns.instances import is_burstable
from stacks.patterns.scaling import Scaling
from stacks.patterns.watching import EndpointAlarms, EndpointDashboard
from stacks.secure.bucket import Bucket, LogBucket, lifecycle_rule
from stacks.secure.endpoints import HOSTING_ENDPOINTS
from stacks.secure.function import Function
from stacks.secure.key import Key
from stacks.secure.names import att, ref, sub
from stacks.secure.network import Network
from stacks.secure.topic import AlarmTopic

PER_INSTANCE = 120  # invocations a minute; an instance can do far more, but one learner's load should reach it


class RealtimeEndpoint(LabStack):
    def build(self) -> None:
        chosen = self.settings
        key = Key(self, "Key")
        network = Network(self, "Network", endpoints=HOSTING_ENDPOINTS, key=key)
        logs = LogBucket(self, "AccessLogs", key=key)
        capture = Bucket(self, "Capture", key=key, logs=logs, lifecycle=[lifecycle_rule("captured", days_kept=30)])
        network.serve_bucket(capture)

        versions = [ModelArtifact(self, f"Version{n}", model=self.src(f"model_v{n}")) for n in (1, 2)]
        model = PrivateModel(self, "Model", artifacts=versions, network=network, key=key)
        endpoint = Endpoint(
            self,
            "Endpoint",
            model=model,
            instance_type=chosen.endpoint_instance_type,
            instances=chosen.endpoint_instances,
            capture=capture,
            key=key,
        )

        if not is_burstable(chosen.endpoint_instance_type):
            least, most = chosen.endpoint_instances, chosen.endpoint_instances_max
            scaling = Scaling(self, "Scaling", endpoint=endpoint, least=least, most=most)
            scaling.on_invocations(per_instance=PER_INSTANCE)
            scaling.on_latency(milliseconds=200)
            scaling.on_cpu(percent=70)
            scaling.at("evening-down", cron="0 20 * * ? *", least=1, most=1)
            scaling.at("morning-up", cron="0 6 * * ? *", least=least, most=most)

        topic = AlarmTopic(self, "Alerts", key=key)
        EndpointAlarms(self, "Alarms", endpoint=endpoint, topic=topic, latency_ms=500)
        dashboard = EndpointDashboard(self, "Dashboard", endpoint=endpoint)

        caller = Function(
            self,
            "Caller",
            code=self.src("caller.py"),
            handler="caller.handler",
            key=key,
            network=network,
            environment={"ENDPOINT_NAME": endpoint.name_},
        )
        caller.role_.allow("sagemaker:InvokeEndpoint", on=sub(endpoint.sub_arn))
        network.ready_for(caller)

        self.give("EndpointName", endpoint.name_)
        self.give("EndpointConfigName", att(endpoint.configuration, "EndpointConfigName"))
        self.give("VariantName", VARIANT)
        self.give("ModelName", model.name_)
        self.give("ModelRoleArn", model.role_.arn_)
        self.give("ModelArtifactV1Uri", versions[0].uri)
        self.give("ModelArtifactV2Uri", versions[1].uri)
        self.give("ImageUri", model.image)
        self.give("CallerFunctionName", ref(caller))
        self.give("CaptureBucketName", ref(capture))
        self.give("CapturePrefix", endpoint.capture_prefix)
        self.give("KeyArn", key.arn)
        self.give("AlarmTopicArn", ref(topic))
        self.give("DashboardName", ref(dashboard))
        self.give("VpcId", network.vpc_id)
        self.give("SubnetIds", ",".join(network.subnet_ids))
        self.give("WorkloadSecurityGroupId", network.workload_group_id)
        self.give("ScalingTargetInvocations", str(PER_INSTANCE))
        self.give("MinInstances", str(chosen.endpoint_instances))
        self.give("MaxInstances", str(chosen.endpoint_instances_max))
