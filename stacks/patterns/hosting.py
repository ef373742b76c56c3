"""Real-time hosting of a private model."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.acceptance import accept
from stacks.images import image_uri
from stacks.patterns.instances import has_local_storage
from stacks.secure.archive import Archive
from stacks.secure.bucket import Bucket
from stacks.secure.endpoints import IMAGE_LAYERS, IMAGE_REGISTRY
from stacks.secure.key import Key
from stacks.secure.log_group import LogGroup
from stacks.secure.names import ASSETS_ARN, att, logical_id, path_of, placed, ref, stack_of
from stacks.secure.network import Network
from stacks.secure.role import Role

VARIANT = "main"
SERVING_CODE = Path(__file__).parent / "serving"


class ModelArtifact(Construct):
    """A deterministic ``model.tar.gz`` in the bootstrap bucket: there before the model that needs it.

    Args:
        model: folder with ``xgboost-model.json``; the archive holds its files and, under ``code``, the serving code.
    """

    def __init__(self, scope: Construct, id: str, *, model: Path) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        archive = Archive(self, "File", kind="tar.gz", sources={model: "", SERVING_CODE: "code"})
        self.uri: str = archive.uri
        self.bucket_arn = ASSETS_ARN
        self.key: str = archive.key


class PrivateModel(sagemaker.CfnModel):
    """An XGBoost model whose container reaches nothing but its own input and output.

    Network isolation is on, the containers stand in the lab's VPC, and the execution role reads exactly the model's
    artefacts. It has no name: CloudFormation replaces it without a collision.

    Args:
        artifacts: the first one is served; the role may read all of them, so that a later version can follow.
        network: where the containers stand.
        key: encrypts what the role writes and the storage of the instances.
        version: XGBoost framework version of the AWS image.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        artifacts: list[ModelArtifact],
        network: Network,
        key: Key,
        version: str = "3.2-0",
    ) -> None:
        region = stack_of(scope).settings.region
        image = image_uri("xgboost", region=region, version=version)
        role = Role(scope, f"{id}Role", service="sagemaker")
        role.can_read_assets(*(artifact.key for artifact in artifacts))
        network.serve_bucket(ASSETS_ARN)
        role.can_join(network, as_service="sagemaker")
        role.can_attach_volumes(key)
        role.can_encrypt(key)
        role.can_pull(image)
        role.can_put_metrics("/aws/sagemaker/Endpoints")
        super().__init__(
            scope,
            id,
            execution_role_arn=role.arn_,
            enable_network_isolation=True,
            vpc_config=sagemaker.CfnModel.VpcConfigProperty(
                subnets=network.subnet_ids, security_group_ids=[network.workload_group_id]
            ),
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image,
                model_data_url=artifacts[0].uri,
                environment={
                    "SAGEMAKER_PROGRAM": "inference.py",
                    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                    # The container installs the code with pip when it starts. Without a network pip must build with
                    # the setuptools that the image has; this variable is read as the value of build_isolation.
                    "PIP_NO_BUILD_ISOLATION": "false",
                    "PIP_NO_INDEX": "true",
                },
            ),
        )
        placed(self, scope, id)
        self.name_ = att(self, "ModelName")
        self.image = image
        self.role_ = role
        accept(
            self,
            "model-registry-private",
            because="the image is Amazon's own, in ECR: SageMaker takes RepositoryAccessMode Vpc for registries outside "
            "ECR only, and the role may pull from the registry of that image alone",
        )
        # SageMaker reads the artefact with the role, through the gateway endpoint, while it creates the model.
        role.ready(self)
        network.ready_for(self)
        for endpoint in network.interface_endpoints:
            if path_of(endpoint).rpartition("/")[2] in (IMAGE_REGISTRY.id, IMAGE_LAYERS.id):
                accept(
                    endpoint,
                    "isolated-endpoints-needed",
                    because="no page of AWS says by which network hosting pulls an image from ECR; with the endpoints "
                    "for images a deployment does not fail if it is the VPC's, for a few cents an hour",
                )


class Endpoint(sagemaker.CfnEndpoint):
    """A real-time endpoint with encrypted storage, whose every request and answer is captured, encrypted.

    The configuration has no name, so that CloudFormation can replace it without a collision. The endpoint has one, which
    no update replaces, so that its log group exists, encrypted, before SageMaker writes to it. The variant's name never
    changes either: scaling and blue/green updates rely on it.

    Args:
        model: what it serves.
        instance_type: such as ``ml.m5.large``.
        instances: how many to start with; 2 or more stand in different zones.
        capture: bucket for requests and answers.
        key: encrypts instance storage and captured data.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        model: PrivateModel,
        instance_type: str,
        instances: int,
        capture: Bucket,
        key: Key,
    ) -> None:
        self.capture_prefix = "capture"
        # Hosting writes captured data with the model's execution role.
        model.role_.can_write(capture, f"{self.capture_prefix}/")
        stored_locally = has_local_storage(instance_type)
        configuration = sagemaker.CfnEndpointConfig(
            scope,
            f"{id}Configuration",
            kms_key_id=None if stored_locally else key.arn,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.name_,
                    instance_type=instance_type,
                    initial_instance_count=instances,
                    initial_variant_weight=1,
                )
            ],
            data_capture_config=sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
                enable_capture=True,
                initial_sampling_percentage=100,
                destination_s3_uri=f"s3://{ref(capture)}/{self.capture_prefix}",
                kms_key_id=key.arn,
                capture_options=[
                    sagemaker.CfnEndpointConfig.CaptureOptionProperty(capture_mode="Input"),
                    sagemaker.CfnEndpointConfig.CaptureOptionProperty(capture_mode="Output"),
                ],
                capture_content_type_header=sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty(
                    csv_content_types=["text/csv"], json_content_types=["application/json"]
                ),
            ),
        )
        placed(configuration, scope, f"{id}Configuration")
        name = stack_of(scope).name.lower()
        logs = LogGroup(scope, f"{id}Logs", key=key, name=f"/aws/sagemaker/Endpoints/{name}")
        model.role_.can_log(logs)
        super().__init__(scope, id, endpoint_name=name, endpoint_config_name=att(configuration, "EndpointConfigName"))
        placed(self, scope, id)
        self.name_ = att(self, "EndpointName")
        # Written to while the endpoint lives; the role cannot create the group again after it was deleted.
        stack_of(self).order(self, after=lambda: [logs])
        model.role_.ready(self)
        self.configuration = configuration
        self.model = model
        self.instance_type = instance_type
        self.sub_arn = f"${{{logical_id(self)}}}"  # Ref of an endpoint is its ARN
        capture.stopped_before_emptied(self)
        if stored_locally:
            accept(
                configuration,
                "SageMakerEndpointConfigurationKMSKeyConfigured",
                because=f"{instance_type} keeps data on local NVMe disks, which the instance encrypts with a key of "
                "its own; SageMaker refuses a KMS key for such types",
                kind="compensated",
            )
        if instances < 2:
            accept(
                configuration,
                "endpoint-instances-redundant",
                because="the user chose endpoint_instances = 1 to halve the cost of a sandbox; the endpoint is away "
                "while its only instance is replaced",
            )
