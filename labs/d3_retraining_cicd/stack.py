"""Retrain, judge, approve and release a model by a pipeline that nobody can walk around.

data, drift alarm,    Source ► Validate ► Train ► Evaluate ► Register ► Staging ► Test ► Approval ► Production
approval, push,  ──►             │          │                   │          │                │          │
clock                       quarantine  SageMaker           registry  CloudFormation   release role  canary,
                                        pipeline                       one template    (a person)    rollback
"""

from stacks.lab_stack import LabStack
from stacks.patterns.environment import Environment
from stacks.patterns.hosting import SERVING_CODE
from stacks.patterns.release import RELEASE_ENDPOINTS, Programs, ReleaseTrain, approver, may_approve, source_of
from stacks.patterns.retraining import JOB_LOG_GROUPS, TrainingPipeline
from stacks.patterns.separation import releases_nothing
from stacks.secure.archive import Archive
from stacks.secure.bucket import Bucket, LogBucket, lifecycle_rule
from stacks.secure.key import Key
from stacks.secure.names import ref
from stacks.secure.network import Network
from stacks.secure.pipeline import pipeline_role
from stacks.secure.registry import GuardedModelGroup
from stacks.secure.topic import AlarmTopic
from stacks.secure.trigger import NotStarted, Triggers, tell_events

DRIFT_ALARMS = "Lab-d4-model-monitor"  # alarms of the monitoring lab begin with the name of its stack


class RetrainingCicd(LabStack):
    def build(self) -> None:
        chosen = self.settings
        key = Key(self, "Key")
        network = Network(self, "Network", endpoints=RELEASE_ENDPOINTS, key=key)
        logs = LogBucket(self, "AccessLogs", key=key)
        artifacts = Bucket(self, "Artifacts", key=key, logs=logs, lifecycle=[lifecycle_rule("artifacts", days_kept=30)])
        code = Bucket(self, "Code", key=key, logs=logs)
        data = Bucket(self, "Data", key=key, logs=logs)
        models = Bucket(self, "Models", key=key, logs=logs)
        tell_events(code, data)
        for bucket in (artifacts, data, models):
            network.serve_bucket(bucket)
        topic = AlarmTopic(self, "Alerts", key=key)

        people = approver(self, "ReleaseRole")
        registry = GuardedModelGroup(self, "Registry", text="Will the flight be late?", approver=people, key=key)
        training = TrainingPipeline(
            self, "Training", definition=self.src("definition/pipeline.json"), data=data, models=models,
            registry=registry, network=network, key=key,
        )  # fmt: skip
        role = pipeline_role(self, "PipelineRole", artifacts=artifacts)
        releases_nothing(role)
        environments = {
            name: Environment(
                self, name.title(), name=name, instance_type=chosen.endpoint_instance_type, instances=instances,
                canary_seconds=canary, models=models, image=training.image, topic=topic, network=network, key=key,
                pipeline=role, artifacts=artifacts,
            )
            for name, instances, canary in (("staging", 1, 0), ("production", chosen.rollout_instances, 300))
        }  # fmt: skip
        programs = Programs(
            self, "Programs", training=training, environments=environments, data=data, models=models,
            registry=registry, pipeline=role, artifacts=artifacts, network=network, key=key,
        )  # fmt: skip

        undelivered = NotStarted(self, "NotStarted", key=key)
        for branch, last in chosen.branches.items():
            source = source_of(
                self, f"Source{branch.title()}", branch=branch, bucket=code, pipeline=role, artifacts=artifacts
            )
            train = ReleaseTrain(
                self, f"Pipeline{branch.title()}", source=source, last=last, programs=programs, role=role,
                artifacts=artifacts, key=key,
            )  # fmt: skip
            starts = Triggers(self, f"Starts{branch.title()}", pipeline=train, undelivered=undelivered)
            releases_nothing(starts.role_)
            if not chosen.repository:
                starts.on_new_object("Pushed", bucket=ref(code), begins=f"{branch}/", text=f"code pushed on {branch}")
            if last == "production":
                starts.on_new_object("Data", bucket=ref(data), begins="incoming/", text="new data")
                starts.on_alarm("Drift", begins=DRIFT_ALARMS, text="the traffic drifts away from the training data")
                starts.on_approval(
                    "Approved", group=registry.name_, variable="MODEL_PACKAGE", text="a model was approved"
                )
                starts.at("Weekly", cron="0 5 ? * MON *", text="once a week")
                may_approve(people, pipeline=train)
            self.give(f"Pipeline{last.title()}Name", train.name_)

        # What is released first; a learner changes the code and pushes an archive of their own.
        release = Archive(self, "Release", kind="zip", sources={self.src("release"): "", SERVING_CODE: "serving"})
        self.give("SourceArchiveUri", release.uri)
        self.give("CodeBucketName", ref(code))
        self.give("DataBucketName", ref(data))
        self.give("ModelsBucketName", ref(models))
        self.give("ArtifactsBucketName", ref(artifacts))
        self.give("TrainingPipelineName", training.name_)
        self.give("ModelPackageGroupName", registry.name_)
        self.give("ReleaseRoleArn", people.arn_)
        self.give("JobLogGroupNames", ",".join(JOB_LOG_GROUPS))
        self.give("KeyArn", key.arn)
        self.give("SubnetIds", ",".join(network.subnet_ids))
        self.give("SecurityGroupId", network.workload_group_id)
        for name, environment in environments.items():
            self.give(f"{name.title()}StackName", environment.stack_name)
            self.give(f"{name.title()}EndpointName", environment.endpoint_name)
