"""Ship versions of a model step by step, and have a bad one taken back by an alarm.

                                      ┌── old fleet (blue)
caller ──► interface endpoint ──► endpoint ── share by capacity
(Lambda, known outcomes)              └── new fleet (green) ◄── alarms: errors, latency, quality
             isolated subnets, one KMS key; ModelVersion and TrafficShift are stack parameters
"""

from stacks.lab_stack import LabStack
from stacks.patterns.hosting import VARIANT, ModelArtifact
from stacks.patterns.rollout import GuardedEndpoint, ShippedModel
from stacks.secure.bucket import Bucket, LogBucket, lifecycle_rule
from stacks.secure.endpoints import HOSTING_ENDPOINTS
from stacks.secure.function import Function
from stacks.secure.key import Key
from stacks.secure.names import att, ref, sub
from stacks.secure.network import Network
from stacks.secure.topic import AlarmTopic

QUALITY = "Labs/CanaryRollout"  # namespace of the caller's own metric
WORST_BRIER = 0.22  # mean squared error of the probabilities; the good versions have 0.16, a constant guess has 0.17


class CanaryRollout(LabStack):
    def build(self) -> None:
        chosen = self.settings
        key = Key(self, "Key")
        network = Network(self, "Network", endpoints=HOSTING_ENDPOINTS, key=key)
        logs = LogBucket(self, "AccessLogs", key=key)
        capture = Bucket(self, "Capture", key=key, logs=logs, lifecycle=[lifecycle_rule("captured", days_kept=30)])
        network.serve_bucket(capture)
        topic = AlarmTopic(self, "Alerts", key=key)

        versions = {f"v{n}": ModelArtifact(self, f"Version{n}", model=self.src(f"model_v{n}")) for n in (1, 2, 3, 4)}
        model = ShippedModel(self, "Model", versions=versions, network=network, key=key)
        endpoint = GuardedEndpoint(
            self,
            "Endpoint",
            model=model,
            instance_type=chosen.endpoint_instance_type,
            instances=chosen.rollout_instances,
            capture=capture,
            key=key,
            topic=topic,
        )
        endpoint.watch(
            "Quality",
            QUALITY,
            "BrierScore",
            dimensions={"EndpointName": endpoint.fixed_name},
            above=WORST_BRIER,
            text="Predictions for flights whose outcome is known are wrong: the version answers, but does not predict.",
        )

        caller = Function(
            self,
            "Caller",
            code=self.src("caller.py"),
            handler="caller.handler",
            key=key,
            network=network,
            environment={"ENDPOINT_NAME": endpoint.name_, "METRIC_NAMESPACE": QUALITY},
        )
        caller.role_.allow("sagemaker:InvokeEndpoint", on=sub(endpoint.sub_arn))
        caller.role_.can_put_metrics(QUALITY)
        network.ready_for(caller)

        self.give("EndpointName", endpoint.name_)
        self.give("EndpointConfigName", att(endpoint.configuration, "EndpointConfigName"))
        self.give("VariantName", VARIANT)
        self.give("ModelName", model.name_)
        self.give("AlarmNames", endpoint.alarm_names)
        self.give("AlarmTopicArn", ref(topic))
        self.give("CallerFunctionName", ref(caller))
        self.give("CaptureBucketName", ref(capture))
        self.give("CapturePrefix", endpoint.capture_prefix)
        self.give("KeyArn", key.arn)
        self.give("VpcId", network.vpc_id)
        self.give("SubnetIds", ",".join(network.subnet_ids))
        self.give("WorkloadSecurityGroupId", network.workload_group_id)
        self.give("FleetInstances", str(chosen.rollout_instances))
