"""The Application Auto Scaling operations that reach the running endpoints."""

from __future__ import annotations

import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime import scaling_policy
from labkit.rehearsal.runtime.alarms import Alarms
from labkit.rehearsal.runtime.hosting import Hosting, RefusedError
from labkit.rehearsal.runtime.scaling import DIMENSION, Scaling

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


def install(context: Context, hosting: Hosting, alarms: Alarms) -> Scaling:
    """Have moto's Application Auto Scaling scale endpoint variants."""
    scaling = Scaling(context, hosting, alarms)
    context.on_import("moto.applicationautoscaling.models", lambda module: _patch(module, context, scaling))
    context.on_import("moto.applicationautoscaling.responses", lambda module: _patch_answers(module, scaling))
    for kind in ("ScalableTarget", "ScalingPolicy"):
        context.ledger.executes(
            f"AWS::ApplicationAutoScaling::{kind}", "evaluated each emulated minute for endpoint variants"
        )
    return scaling


def _patch(module: ModuleType, context: Context, scaling: Scaling) -> None:
    backend: Any = module.ApplicationAutoscalingBackend
    policy_class: Any = module.FakeApplicationAutoscalingPolicy
    action_class: Any = module.FakeScheduledAction
    refuse: Any = module.AWSValidationException
    start, register, deregister = backend.__init__, backend.register_scalable_target, backend.deregister_scalable_target
    put, create_alarms, schedule = backend.put_scaling_policy, policy_class.create_alarms, action_class.__init__

    def begin(self: Any, region_name: str, account_id: str) -> None:
        start(self, region_name, account_id)
        if (region_name, account_id) == (context.region, context.account):
            scaling.attach(self)

    def register_scalable_target(
        self: Any,
        namespace: str,
        r_id: str,
        dimension: str,
        min_capacity: Any,
        max_capacity: Any,
        *more: Any,
        **named: Any,
    ) -> Any:
        if dimension == DIMENSION:
            known = self.targets.get(dimension, {}).get(r_id)
            low = min_capacity if min_capacity is not None else getattr(known, "min_capacity", None)
            high = max_capacity if max_capacity is not None else getattr(known, "max_capacity", None)
            if low is None or high is None:
                raise refuse("MinCapacity and MaxCapacity are required to register a new scalable target.")
            if int(low) > int(high):
                raise refuse("Maximum capacity cannot be less than minimum capacity")
            try:
                scaling.check(r_id)
            except RefusedError as error:
                raise refuse(str(error)) from error
        return register(self, namespace, r_id, dimension, min_capacity, max_capacity, *more, **named)

    def deregister_scalable_target(self: Any, namespace: str, r_id: str, dimension: str) -> None:
        deregister(self, namespace, r_id, dimension)
        scaling.forget(r_id)

    def put_scaling_policy(self: Any, policy_name: str, service_namespace: str, *more: Any, **named: Any) -> Any:
        resource, dimension = named["resource_id"], named["scalable_dimension"]
        if dimension == DIMENSION and resource not in self.targets.get(dimension, {}):
            raise refuse(
                f"No scalable target registered for service namespace: {service_namespace}, resource ID: {resource}, "
                f"scalable dimension: {dimension}"
            )
        key = policy_class.formulate_key(service_namespace, resource, dimension, policy_name)
        old = self.policies.get(key)
        if old is not None:
            old.delete_alarms(self.account_id, self.region_name)
        policy = put(self, policy_name, service_namespace, *more, **named)
        if old is not None:
            policy.policy_arn = old.policy_arn
        return policy

    def create_the_alarms(self: Any) -> None:
        if self.service_namespace != "sagemaker" or self.policy_type != "TargetTrackingScaling":
            create_alarms(self)
            return
        from moto.cloudwatch.models import cloudwatch_backends

        cloudwatch, client = cloudwatch_backends[self.account_id][self.region_name], context.client("cloudwatch")
        config = self.target_tracking_scaling_policy_configuration
        wanted = scaling_policy.alarms_of(
            self.policy_name,
            self.policy_arn,
            self.resource_id,
            config,
            str(module.mock_random.uuid4()),
        )
        for parameters in wanted:
            client.put_metric_alarm(**parameters)
            self.alarms.append(cloudwatch.alarms[parameters["AlarmName"]])

    def initialize(self: Any, *arguments: Any, **named: Any) -> None:
        schedule(self, *arguments, **named)
        self.creation_time = self.created = context.clock.now().timestamp()

    backend.__init__, policy_class.create_alarms, action_class.__init__ = begin, create_the_alarms, initialize
    for function in (register_scalable_target, deregister_scalable_target, put_scaling_policy):
        setattr(backend, function.__name__, function)


def _patch_answers(module: ModuleType, scaling: Scaling) -> None:
    def describe_scaling_activities(self: Any) -> str:
        wanted = json.loads(self.body)
        found = [
            activity
            for activity in scaling.activities(wanted.get("ResourceId"))
            if activity["ServiceNamespace"] == wanted["ServiceNamespace"]
        ]
        return json.dumps({"ScalingActivities": found[: wanted.get("MaxResults", 50)]})

    module.ApplicationAutoScalingResponse.describe_scaling_activities = describe_scaling_activities
