"""See drift in what a private model is asked, in what it answers and in what really happened, and ask for training.

requests ──► endpoint ──capture──► bucket ─┐          schedule ──► launcher
                                           ├─► isolated job ──► report ──► publisher ──► metrics ──► alarms
outcomes, hours later ──────────► bucket ──┘   (or SageMaker Model Monitor)                             │
                                                                     queue of requests to train ◄───────┘
"""

from stacks.lab_stack import LabStack
from stacks.patterns.analysis import OUTCOMES_PREFIX, WAIT_HOURS, Analysis, Records, Watched
from stacks.patterns.hosting import Endpoint, ModelArtifact, PrivateModel
from stacks.patterns.model_monitor import ManagedMonitors, endpoints
from stacks.patterns.monitoring import NAMESPACE, MonitorAlarms, Monitors, RetrainingRequests
from stacks.secure.bucket import Bucket, LogBucket, lifecycle_rule
from stacks.secure.key import Key
from stacks.secure.names import att, ref
from stacks.secure.network import Network
from stacks.secure.queue import Queue
from stacks.secure.topic import AlarmTopic


class ModelMonitor(LabStack):
    def build(self) -> None:
        chosen = self.settings
        key = self.key = Key(self, "Key")
        network = self.network = Network(self, "Network", endpoints=endpoints(chosen), key=key)
        self.logs = LogBucket(self, "AccessLogs", key=key)
        records = Records(*(self.bucket(name) for name in ("Outcomes", "Baselines", "Reports")))
        artifact = ModelArtifact(self, "Artifact", model=self.src("model"))
        watched = Watched.elsewhere(chosen.watched_endpoint) if chosen.watched_endpoint else self.hosted(artifact)

        topic = AlarmTopic(self, "Alerts", key=key)
        undelivered = Queue(self, "Undelivered", key=key)
        alarms = MonitorAlarms(self, "Alarms", topic=topic)
        analysis = Analysis(
            self,
            "Analysis",
            watched=watched,
            model=artifact,
            program={self.src("analyser"): "analyser", self.src("analyse.py"): "", self.src("job"): ""},
            config=self.src("monitor.json"),
            records=records,
            network=network,
            key=key,
            undelivered=undelivered,
            instance_type=chosen.monitor_instance_type,
        )
        if chosen.monitor_path == "portable":
            monitors = Monitors(self, "Monitors", analysis=analysis, alarms=alarms, undelivered=undelivered)
            self.give("PublisherName", ref(monitors.publisher))
            self.give("ScheduleNames", ",".join(ref(schedule) for schedule in monitors.schedules))
        else:
            limits = self.src("managed.json")
            managed = ManagedMonitors(self, "Monitors", analysis=analysis, alarms=alarms, limits=limits)
            self.give("ScheduleNames", ",".join(managed.schedule_names))
        alarms.add(
            "Undelivered",
            "The launcher, the publisher or a schedule failed: read the messages of the queue.",
            namespace="AWS/SQS",
            metric="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": att(undelivered, "QueueName")},
            above=0,
            missing="notBreaching",
        )
        requests = RetrainingRequests(
            self, "RetrainingRequests", key=key, drift_prefix=alarms.drift_prefix, undelivered=undelivered
        )

        self.give("MonitorPathName", chosen.monitor_path)
        self.give("EndpointName", watched.endpoint)
        self.give("CaptureBucketName", watched.bucket)
        self.give("CapturePrefix", watched.captured)
        self.give("OutcomesBucketName", ref(records.outcomes))
        self.give("OutcomesPrefix", OUTCOMES_PREFIX)
        self.give("BaselinesBucketName", ref(records.baselines))
        self.give("ReportsBucketName", ref(records.reports))
        self.give("LauncherName", ref(analysis.launcher))
        self.give("JobPrefix", analysis.prefix)
        self.give("JobRoleArn", analysis.job_role.arn_)
        self.give("MetricsNamespaceName", NAMESPACE)
        self.give("DriftAlarmsPrefix", alarms.drift_prefix)
        self.give("AlarmTopicArn", ref(topic))
        self.give("RetrainingRequestsUrl", ref(requests))
        self.give("UndeliveredUrl", ref(undelivered))
        self.give("KeyArn", key.arn)
        self.give("SubnetIds", ",".join(network.subnet_ids))
        self.give("WorkloadSecurityGroupId", network.workload_group_id)
        self.give("WaitHoursName", str(WAIT_HOURS))

    def bucket(self, id: str) -> Bucket:
        bucket = Bucket(self, id, key=self.key, logs=self.logs, lifecycle=[lifecycle_rule("kept", days_kept=30)])
        self.network.serve_bucket(bucket)
        return bucket

    def hosted(self, artifact: ModelArtifact) -> Watched:
        chosen, captures = self.settings, self.bucket("Captures")
        model = PrivateModel(self, "Model", artifacts=[artifact], network=self.network, key=self.key)
        endpoint = Endpoint(
            self,
            "Endpoint",
            model=model,
            instance_type=chosen.endpoint_instance_type,
            instances=chosen.endpoint_instances,
            capture=captures,
            key=self.key,
        )
        self.give("EndpointConfigName", att(endpoint.configuration, "EndpointConfigName"))
        self.give("ModelName", model.name_)
        return Watched.of(endpoint, captures)
