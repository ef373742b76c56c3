"""The SageMaker operations that reach the running endpoints, among them UpdateEndpoint, which moto lacks."""

from __future__ import annotations

import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.hosting import Hosting, RefusedError
from labkit.rehearsal.runtime.invocation import InvalidError, ModelError, Request, invoke

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.metrics import Metrics

# Members of CreateModel and CreateEndpointConfig that moto forgets, by attribute.
_OF_MODEL = {"enable_network_isolation": "EnableNetworkIsolation"}
_OF_CONFIG = {
    "execution_role_arn": "ExecutionRoleArn",
    "vpc_config": "VpcConfig",
    "enable_network_isolation": "EnableNetworkIsolation",
    "shadow_production_variants": "ShadowProductionVariants",
}


def install(context: Context, metrics: Metrics) -> Hosting:
    """Have moto's SageMaker and SageMaker Runtime answer from running endpoints."""
    hosting = Hosting(context, metrics)
    context.on_import("moto.sagemaker.responses", lambda module: _patch(module, hosting))
    context.on_import(
        "moto.sagemakerruntime.responses", lambda module: _patch_runtime(module, context, hosting, metrics)
    )
    context.ledger.answers(
        "sagemaker", "InvokeEndpoint", "executed", "the lab's inference code on the lab's model data"
    )
    context.ledger.answers(
        "sagemaker-runtime", "InvokeEndpoint", "executed", "the lab's inference code on the lab's model data"
    )
    context.ledger.executes("AWS::SageMaker::Endpoint", "each variant is a process that runs the lab's inference code")
    return hosting


def _patch(module: ModuleType, hosting: Hosting) -> None:
    from moto.sagemaker import models
    from moto.sagemaker.exceptions import ValidationError

    backend, response = models.SageMakerModelBackend, module.SageMakerResponse
    result = module.ActionResult

    def parts(self: Any, name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        config = self.describe_endpoint_config(name)
        return config, {key: model.response_object for key, model in self._models.items()}

    def create_endpoint(self: Any, endpoint_name: str, endpoint_config_name: str, tags: Any = None) -> Any:
        endpoint = refusing(lambda: hosting.create(endpoint_name, *parts(self, endpoint_config_name), tags or []))
        self.endpoints[endpoint_name] = endpoint
        return endpoint

    def update_endpoint(self: Any) -> Any:
        own, guardrails = self.sagemaker_backend, self._get_param("DeploymentConfig")
        if guardrails is None and self._get_param("RetainDeploymentConfig"):
            guardrails = refusing(lambda: hosting.get(self._get_param("EndpointName"))).deployment
        endpoint = refusing(
            lambda: hosting.update(
                self._get_param("EndpointName"),
                *parts(own, self._get_param("EndpointConfigName")),
                retain=bool(self._get_param("RetainAllVariantProperties")),
                exclude=frozenset(
                    item["VariantPropertyType"] for item in self._get_param("ExcludeRetainedVariantProperties") or ()
                ),
                guardrails=guardrails,
            )
        )
        return result({"EndpointArn": endpoint.arn})

    original = response.create_endpoint

    def remember_guardrails(self: Any) -> Any:
        """A DeploymentConfig given at creation changes nothing then; an update may reuse it."""
        answer = original(self)
        hosting.get(self._get_param("EndpointName")).deployment = self._get_param("DeploymentConfig")
        return answer

    def describe_endpoint(self: Any, endpoint_name: str) -> Any:
        return refusing(lambda: hosting.get(endpoint_name)).response_object

    def delete_endpoint(self: Any, endpoint_name: str) -> None:
        refusing(lambda: hosting.delete(endpoint_name))
        self.endpoints.pop(endpoint_name, None)

    def update_endpoint_weights_and_capacities(
        self: Any, endpoint_name: str, desired_weights_and_capacities: list[dict[str, Any]]
    ) -> str:
        wishes = {wish["VariantName"]: wish for wish in desired_weights_and_capacities}
        return str(refusing(lambda: hosting.resize(endpoint_name, wishes)).arn)

    def refusing(call: Any) -> Any:
        try:
            return call()
        except RefusedError as error:
            raise ValidationError(message=str(error)) from error

    for function in (create_endpoint, describe_endpoint, delete_endpoint, update_endpoint_weights_and_capacities):
        setattr(backend, function.__name__, function)
    response.update_endpoint, response.create_endpoint = update_endpoint, remember_guardrails
    _remember(response, "create_model", "ModelName", "_models", _OF_MODEL)
    _remember(response, "create_endpoint_config", "EndpointConfigName", "endpoint_configs", _OF_CONFIG)
    _leave_out_what_is_not_set(models.Model)
    _leave_out_what_is_not_set(models.FakeEndpointConfig)
    models.FakeEndpointConfig.validate_instance_type = _validate_instance_type  # type: ignore[method-assign]


def _patch_runtime(module: ModuleType, context: Context, hosting: Hosting, metrics: Metrics) -> None:
    response = module.SageMakerRuntimeResponse

    def invoke_endpoint(self: Any) -> tuple[int, dict[str, str], Any]:
        request = Request(
            endpoint=self.path.split("/")[2],
            body=self.raw_body,
            content_type=self.headers.get("Content-Type"),
            accept=self.headers.get("Accept"),
            target_variant=self.headers.get("X-Amzn-SageMaker-Target-Variant"),
            inference_id=self.headers.get("X-Amzn-SageMaker-Inference-Id"),
            attributes=self.headers.get("X-Amzn-SageMaker-Custom-Attributes"),
        )
        try:
            reply = invoke(context, hosting, metrics, request)
        except InvalidError as error:
            return _error(400, "ValidationError", {"Message": str(error)})
        except ModelError as error:
            return _error(
                424,
                "ModelError",
                {
                    "Message": error.message,
                    "OriginalStatusCode": error.status,
                    "OriginalMessage": error.original,
                    "LogStreamArn": error.log_arn,
                },
            )
        headers = {"Content-Type": reply.content_type, "x-Amzn-Invoked-Production-Variant": reply.variant}
        return 200, {**headers, **reply.headers}, reply.body

    response.use_raw_body = True
    response.invoke_endpoint = invoke_endpoint


def _error(status: int, code: str, body: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    headers = {"status": str(status), "x-amzn-ErrorType": code, "Content-Type": "application/json"}
    return status, headers, json.dumps(body)


def _remember(response: Any, operation: str, name: str, store: str, members: dict[str, str]) -> None:
    original = getattr(response, operation)

    def call(self: Any) -> Any:
        answer = original(self)
        stored = getattr(self.sagemaker_backend, store)[self._get_param(name)]
        for attribute, member in members.items():
            if (given := self._get_param(member)) is not None:
                setattr(stored, attribute, given)
        return answer

    setattr(response, operation, call)


def _leave_out_what_is_not_set(model: Any) -> None:
    """AWS leaves out an absent structure where moto answers ``{}``."""
    original = model.response_object.fget

    def response_object(self: Any) -> dict[str, Any]:
        return {name: value for name, value in original(self).items() if value not in (None, {}, [])}

    model.response_object = property(response_object)


def _validate_instance_type(self: Any, instance_type: str) -> None:
    from moto.core.utils import get_service_model
    from moto.sagemaker.exceptions import ValidationError

    shape: Any = get_service_model("sagemaker").shape_for("ProductionVariantInstanceType")
    allowed = shape.enum
    if instance_type not in allowed:
        raise ValidationError(
            message=f"Value '{instance_type}' at 'productionVariants.1.member.instanceType' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{', '.join(allowed)}]"
        )
