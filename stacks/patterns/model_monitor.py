"""Watching a model with SageMaker Model Monitor and Clarify, which are closed to new customers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.acceptance import accept
from stacks.images import image_uri
from stacks.patterns.analysis import ENDPOINTS, JOBS_API, LONGEST, OUTCOMES_PREFIX, WAIT_HOURS, Analysis
from stacks.patterns.monitoring import DRIFT, MonitorAlarms
from stacks.secure.endpoints import LOGS, METRICS, SAGEMAKER_RUNTIME, ServiceEndpoint
from stacks.secure.housekeeping import Housekeeping
from stacks.secure.names import logical_id, placed, ref, stack_of, sub
from stacks.secure.role import Role
from stacks.settings import Settings

# The only documented forms: hourly, daily, every n hours from an hour on.
# Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ScheduleConfig.html
HOURLY = "cron(0 * ? * * *)"
DATA, QUALITY, BIAS, ATTRIBUTION = "data-quality", "model-quality", "bias", "attribution"
_INPUT, _OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"
_NAMESPACE = "aws/sagemaker/Endpoints"
_SHADOW = ("endpoint/sm-clarify-*", "endpoint-config/sm-clarify-config*")
_HERE = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}"

#: What Clarify calls from inside the VPC, besides what the launcher calls.
CLARIFY_API = ServiceEndpoint(
    id=JOBS_API.id,
    name=JOBS_API.name,
    actions=(
        *JOBS_API.actions,
        "sagemaker:AddTags",
        "sagemaker:CreateEndpoint",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:DeleteEndpoint",
        "sagemaker:DeleteEndpointConfig",
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
    ),
    resources=(f"{_HERE}:processing-job/*", f"{_HERE}:model/*", *(f"{_HERE}:{shadow}" for shadow in _SHADOW)),
    china_prefix=True,
)


def endpoints(settings: Settings) -> tuple[ServiceEndpoint, ...]:
    """The VPC endpoints that the chosen way of watching needs. Clarify asks its shadow endpoint from inside the VPC."""
    return ENDPOINTS if settings.monitor_path == "portable" else (LOGS, METRICS, CLARIFY_API, SAGEMAKER_RUNTIME)


class ManagedMonitors(Construct):
    """Four hourly monitoring schedules in the lab's subnets, under its key, with an alarm on what each of them watches.

    Three run without a network; the one that watches attributions asks a shadow endpoint, from subnets without a route to
    the internet. Executions are stopped before the schedules go. Job definitions cannot be changed: their names hold a hash of what they say, so that a change makes a new
    one. Baselines are those of the project's own analysis.

    Args:
        analysis: whose endpoint, buckets, network and key are used.
        alarms: receives the alarms.
        limits: a JSON file: for each monitor the metric, its further dimensions, and the limit.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor.html
    """

    def __init__(self, scope: Construct, id: str, *, analysis: Analysis, alarms: MonitorAlarms, limits: Path) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        self._analysis, self._settings = analysis, stack_of(self).settings
        region = self._settings.region
        self._images = {
            DATA: image_uri("model-monitor", region=region, version="latest"),
            QUALITY: image_uri("model-monitor", region=region, version="latest"),
            BIAS: image_uri("clarify", region=region, version="1.0"),
            ATTRIBUTION: image_uri("clarify", region=region, version="1.0"),
        }
        self.schedule_names: list[str] = []
        self._data_quality()
        self._model_quality()
        self._bias()
        self._attribution()
        self._alarms(alarms, limits)

    def _data_quality(self) -> None:
        kind = sagemaker.CfnDataQualityJobDefinition
        definition = kind(
            self,
            "DataQuality",
            job_definition_name=self._name(DATA),
            role_arn=(role := self._role(DATA)).arn_,
            data_quality_app_specification=kind.DataQualityAppSpecificationProperty(
                image_uri=self._images[DATA], environment=_PUBLISH
            ),
            data_quality_baseline_config=kind.DataQualityBaselineConfigProperty(
                constraints_resource=kind.ConstraintsResourceProperty(s3_uri=self._baseline("constraints.json")),
                statistics_resource=kind.StatisticsResourceProperty(s3_uri=self._baseline("statistics.json")),
            ),
            data_quality_job_input=kind.DataQualityJobInputProperty(
                endpoint_input=kind.EndpointInputProperty(
                    endpoint_name=self._analysis.watched.endpoint, local_path=f"{_INPUT}/endpoint"
                )
            ),
            data_quality_job_output_config=self._output(kind, DATA),
            **self._common(kind),
        )
        self._schedule(definition, "DataQuality", DATA, role)

    def _model_quality(self) -> None:
        kind = sagemaker.CfnModelQualityJobDefinition
        definition = kind(
            self,
            "ModelQuality",
            job_definition_name=self._name(QUALITY),
            role_arn=(role := self._role(QUALITY)).arn_,
            model_quality_app_specification=kind.ModelQualityAppSpecificationProperty(
                image_uri=self._images[QUALITY], problem_type="BinaryClassification", environment=_PUBLISH
            ),
            model_quality_baseline_config=kind.ModelQualityBaselineConfigProperty(
                constraints_resource=kind.ConstraintsResourceProperty(s3_uri=self._baseline("constraints.json"))
            ),
            model_quality_job_input=kind.ModelQualityJobInputProperty(
                endpoint_input=kind.EndpointInputProperty(
                    endpoint_name=self._analysis.watched.endpoint, local_path=f"{_INPUT}/endpoint", **_SCORES
                ),
                ground_truth_s3_input=kind.MonitoringGroundTruthS3InputProperty(s3_uri=self._outcomes()),
            ),
            model_quality_job_output_config=self._output(kind, QUALITY),
            **self._common(kind),
        )
        self._schedule(definition, "ModelQuality", QUALITY, role)

    def _bias(self) -> None:
        kind = sagemaker.CfnModelBiasJobDefinition
        definition = kind(
            self,
            "Bias",
            job_definition_name=self._name(BIAS),
            role_arn=(role := self._role(BIAS)).arn_,
            model_bias_app_specification=kind.ModelBiasAppSpecificationProperty(
                image_uri=self._images[BIAS], config_uri=self._clarify("bias.json"), environment=_PUBLISH
            ),
            model_bias_baseline_config=kind.ModelBiasBaselineConfigProperty(
                constraints_resource=kind.ConstraintsResourceProperty(s3_uri=self._baseline("constraints.json"))
            ),
            model_bias_job_input=kind.ModelBiasJobInputProperty(
                endpoint_input=kind.EndpointInputProperty(
                    endpoint_name=self._analysis.watched.endpoint, local_path=f"{_INPUT}/endpoint", **_SCORES
                ),
                ground_truth_s3_input=kind.MonitoringGroundTruthS3InputProperty(s3_uri=self._outcomes()),
            ),
            model_bias_job_output_config=self._output(kind, BIAS),
            **self._common(kind),
        )
        self._schedule(definition, "ModelBias", BIAS, role)

    def _attribution(self) -> None:
        kind = sagemaker.CfnModelExplainabilityJobDefinition
        role = self._role(ATTRIBUTION)
        # Clarify asks a copy of the model, which it deploys for the time of the job.
        role.allow(
            "sagemaker:AddTags",
            "sagemaker:CreateEndpoint",
            "sagemaker:CreateEndpointConfig",
            "sagemaker:DeleteEndpoint",
            "sagemaker:DeleteEndpointConfig",
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeEndpointConfig",
            on=[sub(f"{_HERE}:{shadow}") for shadow in _SHADOW],
            because="Clarify chooses the rest of the name of its shadow endpoint; limited to names that begin as its own",
        )
        role.allow(
            "sagemaker:InvokeEndpoint",
            on=sub(f"{_HERE}:{_SHADOW[0]}"),
            because="Clarify chooses the rest of the name of its shadow endpoint; limited to names that begin as its own",
        )
        role.allow(
            "sagemaker:CreateEndpointConfig",
            "sagemaker:DescribeModel",
            on=sub(f"{_HERE}:model/*"),
            because="CloudFormation chooses the model's name, and another stack's model is not known here; "
            "describing and hosting a model gives no access to its artefact",
        )
        accept(
            role,
            "removed-completely",
            because="Clarify deletes its shadow endpoint when its job ends; one that was stopped half-way may leave it, "
            "which the lab's README says and tells how to find",
        )
        definition = kind(
            self,
            "Attribution",
            job_definition_name=self._name(ATTRIBUTION),
            role_arn=role.arn_,
            model_explainability_app_specification=kind.ModelExplainabilityAppSpecificationProperty(
                image_uri=self._images[ATTRIBUTION], config_uri=self._clarify("attribution.json"), environment=_PUBLISH
            ),
            model_explainability_baseline_config=kind.ModelExplainabilityBaselineConfigProperty(
                constraints_resource=kind.ConstraintsResourceProperty(s3_uri=self._baseline("constraints.json"))
            ),
            model_explainability_job_input=kind.ModelExplainabilityJobInputProperty(
                endpoint_input=kind.EndpointInputProperty(
                    endpoint_name=self._analysis.watched.endpoint, local_path=f"{_INPUT}/endpoint"
                )
            ),
            model_explainability_job_output_config=self._output(kind, ATTRIBUTION),
            **self._common(kind, isolated=False),
        )
        self._schedule(definition, "ModelExplainability", ATTRIBUTION, role)

    def _schedule(self, definition: cdk.CfnResource, type: str, monitor: str, role: Role) -> None:
        name = f"{self._analysis.prefix}-{monitor}"
        kind = sagemaker.CfnMonitoringSchedule
        schedule = kind(
            self,
            f"{definition.node.id}Schedule",
            monitoring_schedule_name=name,
            monitoring_schedule_config=kind.MonitoringScheduleConfigProperty(
                monitoring_job_definition_name=self._name(monitor),
                monitoring_type=type,
                schedule_config=kind.ScheduleConfigProperty(schedule_expression=HOURLY),
            ),
        )
        placed(definition, self, definition.node.id)
        placed(schedule, self, f"{definition.node.id}Schedule")
        role.ready(definition)
        # A name is no reference: CloudFormation must be told the order.
        stack_of(self).order(schedule, after=lambda: [definition])
        self._analysis.network.ready_for(schedule)
        self._analysis.ends_before(schedule)
        housekeeping = Housekeeping.of(self, key=self._analysis.key)
        stopped = housekeeping.stop_monitoring_on_delete(self, f"{definition.node.id}Stopped", schedule=name)
        stack_of(self).order(stopped, after=lambda: [schedule])
        self.schedule_names.append(name)

    def _role(self, monitor: str) -> Role:
        role = self._analysis.role_of_jobs(self, f"{monitor.title().replace('-', '')}Role", image=self._images[monitor])
        role.can_put_metrics(f"{_NAMESPACE}/{_METRICS[monitor]}-metrics")
        return role

    def _common(self, kind: Any, *, isolated: bool = True) -> dict[str, Any]:
        analysis = self._analysis
        return {
            "job_resources": kind.MonitoringResourcesProperty(
                cluster_config=kind.ClusterConfigProperty(
                    instance_count=1,
                    instance_type=self._settings.monitor_instance_type,
                    volume_size_in_gb=20,
                    volume_kms_key_id=analysis.key.arn,
                )
            ),
            "network_config": kind.NetworkConfigProperty(
                enable_inter_container_traffic_encryption=True,
                enable_network_isolation=isolated,
                vpc_config=kind.VpcConfigProperty(
                    subnets=analysis.network.subnet_ids, security_group_ids=[analysis.network.workload_group_id]
                ),
            ),
            "stopping_condition": kind.StoppingConditionProperty(max_runtime_in_seconds=LONGEST),
        }

    def _output(self, kind: Any, monitor: str) -> Any:
        return kind.MonitoringOutputConfigProperty(
            kms_key_id=self._analysis.key.arn,
            monitoring_outputs=[
                kind.MonitoringOutputProperty(
                    s3_output=kind.S3OutputProperty(
                        s3_uri=f"s3://{ref(self._analysis.records.reports)}/{monitor}",
                        local_path=_OUTPUT,
                        s3_upload_mode="EndOfJob",
                    )
                )
            ],
        )

    def _baseline(self, file: str) -> str:
        return f"s3://{ref(self._analysis.records.baselines)}/current/{file}"

    def _clarify(self, file: str) -> str:
        return f"s3://{ref(self._analysis.records.baselines)}/clarify/{file}"

    def _outcomes(self) -> str:
        return f"s3://{ref(self._analysis.records.outcomes)}/{OUTCOMES_PREFIX}"

    def _name(self, monitor: str) -> str:
        """A name that changes with what the definition says, as far as the template knows it."""
        analysis = self._analysis
        said = [
            monitor,
            self._images[monitor],
            self._settings.monitor_instance_type,
            [self._settings.key_arn, self._settings.own_vpc and self._settings.own_vpc.model_dump()],
            [self._settings.watched_endpoint and self._settings.watched_endpoint.model_dump(), self._settings.zones],
            [logical_id(bucket) for bucket in (analysis.records.outcomes, analysis.records.baselines)],
            [LONGEST, WAIT_HOURS, _SCORES, _PUBLISH],
        ]
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]
        return f"{analysis.prefix}-{monitor}-{digest}"

    def _alarms(self, alarms: MonitorAlarms, limits: Path) -> None:
        """Alarms on the metrics that Model Monitor and Clarify publish, with their own names and dimensions."""
        for monitor, limit in json.loads(limits.read_text(encoding="utf-8")).items():
            alarms.add(
                monitor,
                DRIFT[monitor],
                namespace=f"{_NAMESPACE}/{_METRICS[monitor]}-metrics",
                metric=limit["metric"],
                dimensions={
                    "Endpoint": self._analysis.watched.endpoint,
                    "MonitoringSchedule": f"{self._analysis.prefix}-{monitor}",
                    **limit.get("dimensions", {}),
                },
                name=f"{alarms.drift_prefix}{monitor}",
                above=limit.get("above"),
                below=limit.get("below"),
            )


_METRICS = {DATA: "data", QUALITY: "model", BIAS: "bias", ATTRIBUTION: "explainability"}
_PUBLISH = {"publish_cloudwatch_metrics": "Enabled"}
# The endpoint answers one probability of the label. Outcomes are known some hours later.
_SCORES: dict[str, Any] = {
    "probability_attribute": "0",
    "probability_threshold_attribute": 0.5,
    "start_time_offset": f"-PT{WAIT_HOURS + 1}H",
    "end_time_offset": f"-PT{WAIT_HOURS}H",
}
