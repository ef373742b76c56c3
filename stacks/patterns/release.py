"""Releasing models: the programs of each stage, and pipelines that lead a model from its data to production."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from stacks.patterns.building import SOURCE, StageBuild
from stacks.patterns.environment import Environment
from stacks.patterns.retraining import TrainingPipeline
from stacks.patterns.separation import DEPLOYING, releases_nothing
from stacks.secure.acting_role import ActingRole, PersonRole
from stacks.secure.bucket import Bucket
from stacks.secure.endpoints import LOGS, METRICS, SAGEMAKER_RUNTIME, ServiceEndpoint
from stacks.secure.key import Key
from stacks.secure.names import placed, ref, stack_of, sub
from stacks.secure.network import Network
from stacks.secure.pipeline import Action, Pipeline, Stage
from stacks.secure.registry import GuardedModelGroup
from stacks.secure.role import Role

# Variables of a pipeline, with what they are unless an execution is started with others.
NO_PACKAGE = "none"
VARIABLES = {"MODEL_PACKAGE": NO_PACKAGE, "HYPERPARAMETERS": "standard"}
_OF_THE_RUN = {"RUN_ID": "#{codepipeline.PipelineExecutionId}", "MODEL_PACKAGE": "#{variables.MODEL_PACKAGE}"}

_SAGEMAKER = "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}"

# What builds ask of SageMaker: start a training, follow it, look at what is in production.
RELEASE_API = ServiceEndpoint(
    id="SageMakerApi",
    name="sagemaker.api",
    actions=(
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribePipelineExecution",
        "sagemaker:ListPipelineExecutionSteps",
        "sagemaker:StartPipelineExecution",
    ),
    resources=(f"{_SAGEMAKER}:*",),
    china_prefix=True,
)
# What builds and the containers of models reach; SageMaker and CodeBuild pull their images outside of the VPC.
RELEASE_ENDPOINTS = (SAGEMAKER_RUNTIME, LOGS, METRICS, RELEASE_API)


class Programs(Construct):
    """The programs of the release code, each as a build with exactly the permissions that it needs.

    None of them can approve a model or touch an endpoint other than by asking it, whatever their policies come to allow.

    Args:
        training: the pipeline that trains.
        environments: by name; all of them are configured from one registered package.
        data: deliveries, below ``incoming/``, and what became of them.
        models: what runs leave, below ``runs/``.
        registry: the registered models.
        pipeline: the pipelines' own role.
        artifacts: the pipelines' bucket.
        network: where the builds run.
        key: encrypts what they log and hand on.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        training: TrainingPipeline,
        environments: Mapping[str, Environment],
        data: Bucket,
        models: Bucket,
        registry: GuardedModelGroup,
        pipeline: Role,
        artifacts: Bucket,
        network: Network,
        key: Key,
    ) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        self.environments = environments
        production = environments["production"]
        common = {"MODELS_BUCKET": ref(models), "DATA_BUCKET": ref(data)}

        def program(name: str, **environment: str) -> StageBuild:
            made = StageBuild(
                self, name.title(), program=name, pipeline=pipeline, artifacts=artifacts, network=network, key=key,
                environment={**common, **environment},
            )  # fmt: skip
            made.role_.can_read(models, "runs/")
            made.role_.can_write(models, "runs/")
            releases_nothing(made.role_, made.starter)
            return made

        self.validate = program("validate")
        for prefix in ("incoming/", "accepted/", "verdicts/"):
            self.validate.role_.can_read(data, prefix)
        for prefix in ("accepted/", "quarantine/", "verdicts/"):
            self.validate.role_.can_write(data, prefix)
        data.stopped_before_emptied(self.validate.build)

        self.train = program(
            "train", TRAINING_PIPELINE=training.name_, PRODUCTION_ENDPOINT=production.endpoint_name
        )  # fmt: skip
        self.train.role_.allow("sagemaker:StartPipelineExecution", on=sub(training.sub_arn))
        self.train.role_.allow("sagemaker:DescribeEndpoint", on=sub(production.endpoint_arn))
        self.train.role_.allow(
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:DescribeModel",
            on=[sub(f"{_SAGEMAKER}:{kind}/*") for kind in ("endpoint-config", "model")],
            because="CloudFormation makes up the names of what production runs; describing shows no data",
        )
        self.evaluate = program("evaluate")
        environment = [dict(each.parameters) for each in environments.values()]
        lab = stack_of(self).name.removeprefix("Lab-")
        self.register = program("register", ENVIRONMENTS=stack_of(self).to_json_string(environment), LAB=lab)
        self.register.role_.allow(
            "sagemaker:DescribeModelPackage",
            on=sub(registry.packages),
            because="the versions of a group are numbered as they come; limited to the lab's one group",
        )
        for follower in (self.train, self.evaluate, self.register):
            follower.role_.allow(
                "sagemaker:DescribePipelineExecution",
                "sagemaker:ListPipelineExecutionSteps",
                on=sub(f"{training.sub_arn}/execution/*"),
                because="SageMaker makes up the ids of executions; limited to those of one pipeline",
            )
        self.test = program("test")
        self.test.role_.can_read(data, "accepted/")
        for each in environments.values():
            self.test.role_.allow("sagemaker:InvokeEndpoint", on=sub(each.endpoint_arn))


class ReleaseTrain(Pipeline):
    """The way of a branch: validate, train, evaluate, register, staging, test; for one branch on to production.

    Production needs an approval by a person. An execution that was started by an approval in the registry skips it: the
    person has approved already.

    Args:
        source: how the code comes, from ``s3_source`` or ``repository_source``.
        last: ``staging`` or ``production``.
        programs: what the stages run.
        role: the pipelines' own.
        artifacts: the pipelines' bucket.
        key: encrypts artefacts.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        source: Action,
        last: str,
        programs: Programs,
        role: Role,
        artifacts: Bucket,
        key: Key,
    ) -> None:
        of_run = dict(_OF_THE_RUN)
        chosen = {"HYPERPARAMETERS": "#{variables.HYPERPARAMETERS}"}
        staging, production = programs.environments["staging"], programs.environments["production"]

        def asks(environment: Environment) -> Action:
            variables = {**of_run, "ENDPOINT_NAME": environment.endpoint_name}
            return programs.test.action("Ask", variables=variables, category="Test")

        stages = [
            Stage(name=SOURCE, actions=[source]),
            Stage(name="Validate", actions=[programs.validate.action("Judge", variables=of_run)]),
            Stage(name="Train", actions=[programs.train.action("Train", variables={**of_run, **chosen})]),
            Stage(name="Evaluate", actions=[programs.evaluate.action("Compare", variables=of_run)]),
            Stage(
                name="Register", actions=[programs.register.action("Configure", variables=of_run, outputs=("Release",))]
            ),
            Stage(name="Staging", actions=[staging.deploy("Deploy")]),
            Stage(name="Test", actions=[asks(staging)]),
        ]
        if last == "production":
            approval = Action(
                name="Approve",
                category="Approval",
                provider="Manual",
                role=None,
                configuration={
                    "CustomData": "Is the model in staging fit for production? Its package is in the log of Register."
                },
            )
            stages += [
                Stage(name="Approval", actions=[approval], only_if=("MODEL_PACKAGE", NO_PACKAGE)),
                Stage(name="Production", actions=[production.deploy("Deploy"), asks(production)]),
            ]
        super().__init__(
            scope, id, role=role, artifacts=artifacts, key=key, stages=stages, variables=VARIABLES
        )  # fmt: skip
        # On deletion no pipeline deploys an environment again that was just removed.
        for environment in (staging, production):
            stack_of(self).order(self, after=lambda environment=environment: [environment.removed])  # type: ignore[misc]


def source_of(scope: Construct, id: str, *, branch: str, bucket: Bucket, pipeline: Role, artifacts: Bucket) -> Action:
    """The code of a branch: from the repository of the settings, or else from the bucket."""
    repository = stack_of(scope).settings.repository
    if repository is None:
        return s3_source(scope, id, bucket=bucket, branch=branch, pipeline=pipeline, artifacts=artifacts)
    return repository_source(
        scope, id, connection=repository.connection_arn, name=repository.name, branch=branch, pipeline=pipeline,
        artifacts=artifacts,
    )  # fmt: skip


def s3_source(scope: Construct, id: str, *, bucket: Bucket, branch: str, pipeline: Role, artifacts: Bucket) -> Action:
    """Code from ``<branch>/source.zip`` in a versioned bucket; EventBridge tells of a new one.

    Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html
    """
    role = ActingRole(scope, id, of=pipeline)
    releases_nothing(role)
    role.can_read(bucket, f"{branch}/")
    role.allow("s3:GetBucketLocation", "s3:GetBucketVersioning", on=sub(bucket.sub_arn))
    role.allow(
        "s3:GetObjectTagging",
        "s3:GetObjectVersionTagging",
        on=sub(f"{bucket.sub_arn}/{branch}/source.zip"),
    )
    role.can_write(artifacts)
    return Action(
        name="Code",
        category="Source",
        provider="S3",
        role=role,
        configuration={
            "S3Bucket": ref(bucket),
            "S3ObjectKey": f"{branch}/source.zip",
            "PollForSourceChanges": "false",
        },
        outputs=(SOURCE,),
    )


def repository_source(
    scope: Construct, id: str, *, connection: str, name: str, branch: str, pipeline: Role, artifacts: Bucket
) -> Action:
    """Code from a branch of a repository, through a connection; a push starts the pipeline.

    Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html
    """
    role = ActingRole(scope, id, of=pipeline)
    releases_nothing(role)
    service = "codestar-connections" if ":codestar-connections:" in connection else "codeconnections"
    role.allow(
        f"{service}:UseConnection",
        on=connection,
        condition={"ForAllValues:StringEquals": {f"{service}:FullRepositoryId": name}},
    )
    role.can_write(artifacts)
    return Action(
        name="Code",
        category="Source",
        provider="CodeStarSourceConnection",
        role=role,
        configuration={
            "ConnectionArn": connection,
            "FullRepositoryId": name,
            "BranchName": branch,
            "DetectChanges": "true",
        },
        outputs=(SOURCE,),
    )


def approver(scope: Construct, id: str) -> PersonRole:
    """The role of people who release; it is allowed what it approves when that exists."""
    role = PersonRole(scope, id)
    role.may_never(*DEPLOYING)
    return role


def may_approve(role: PersonRole, *, pipeline: Pipeline) -> None:
    """Let the release role look at a pipeline, approve in it, and retry or stop what is under way."""
    role.allow(
        "codepipeline:GetPipelineExecution",
        "codepipeline:GetPipelineState",
        "codepipeline:ListActionExecutions",
        "codepipeline:ListPipelineExecutions",
        "codepipeline:StopPipelineExecution",
        on=sub(pipeline.sub_arn),
    )
    role.allow("codepipeline:RetryStageExecution", on=sub(f"{pipeline.sub_arn}/*"), because=_PARTS)
    role.allow("codepipeline:PutApprovalResult", on=sub(f"{pipeline.sub_arn}/Approval/Approve"))


_PARTS = "stages are parts of a pipeline; limited to those of one pipeline of this stack"
