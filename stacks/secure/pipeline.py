"""Release pipelines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import aws_codepipeline as codepipeline
from constructs import Construct

from stacks.secure.acting_role import ActingRole
from stacks.secure.bucket import Bucket
from stacks.secure.key import Key
from stacks.secure.names import logical_id, placed, ref
from stacks.secure.role import Role


@dataclass(frozen=True, kw_only=True)
class Action:
    """One action of a stage.

    Args:
        name: unique in its stage.
        category: ``Source``, ``Build``, ``Test``, ``Deploy`` or ``Approval``.
        provider: such as ``CodeBuild``.
        role: what it may do; None for an approval, which does nothing.
        configuration: of the provider.
        inputs: names of artefacts it gets.
        outputs: names of artefacts it hands on.
        variables: environment variables of a build, such as ``{"RUN_ID": "#{codepipeline.PipelineExecutionId}"}``.
    """

    name: str
    category: str
    provider: str
    role: ActingRole | None
    configuration: Mapping[str, str]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Actions that run one after the other.

    Args:
        name: unique in the pipeline.
        actions: at least one.
        only_if: a pipeline variable and the value with which the stage is entered; otherwise it is skipped.
    """

    name: str
    actions: Sequence[Action]
    only_if: tuple[str, str] | None = None


class Pipeline(codepipeline.CfnPipeline):
    """A pipeline (V2) whose own role can do nothing but take on the roles of its actions and keep artefacts.

    Artefacts are encrypted with the lab's key. A newer execution supersedes one that waits before a stage: each trains
    on all data there is, so the newest contains what an older one would have brought.

    Args:
        role: the pipeline's own, which the actions' roles trust.
        artifacts: keeps what actions hand on.
        key: encrypts it.
        stages: the first one holds the source.
        variables: name to default, given anew with each execution.

    Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        role: Role,
        artifacts: Bucket,
        key: Key,
        stages: Sequence[Stage],
        variables: Mapping[str, str],
    ) -> None:
        kind = codepipeline.CfnPipeline
        super().__init__(
            scope,
            id,
            pipeline_type="V2",
            execution_mode="SUPERSEDED",
            restart_execution_on_update=False,
            role_arn=role.arn_,
            artifact_store=kind.ArtifactStoreProperty(
                type="S3",
                location=ref(artifacts),
                encryption_key=kind.EncryptionKeyProperty(type="KMS", id=key.arn),
            ),
            variables=[
                kind.VariableDeclarationProperty(name=name, default_value=default)
                for name, default in variables.items()
            ],
            stages=[
                kind.StageDeclarationProperty(
                    name=stage.name,
                    actions=[_declared(action, order) for order, action in enumerate(stage.actions, start=1)],
                    before_entry=_skipped_unless(stage.only_if) if stage.only_if else None,
                )
                for stage in stages
            ],
        )
        placed(self, scope, id)
        self.name_ = ref(self)
        self.sub_arn = (
            f"arn:${{AWS::Partition}}:codepipeline:${{AWS::Region}}:${{AWS::AccountId}}:${{{logical_id(self)}}}"
        )
        role.ready(self)
        for stage in stages:
            for action in stage.actions:
                if action.role is not None:
                    action.role.ready(self)
        artifacts.stopped_before_emptied(self)


def pipeline_role(scope: Construct, id: str, *, artifacts: Bucket) -> Role:
    """The role of pipelines: artefacts, and later the roles of their actions."""
    role = Role(scope, id, service="codepipeline")
    role.can_read(artifacts)
    role.can_write(artifacts)
    role.allow("s3:GetBucketVersioning", on={"Fn::Sub": artifacts.sub_arn})
    return role


def _declared(action: Action, order: int) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    kind = codepipeline.CfnPipeline
    configuration = dict(action.configuration)
    if action.variables:
        given = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in action.variables.items()]
        configuration["EnvironmentVariables"] = json.dumps(given)
    return kind.ActionDeclarationProperty(
        name=action.name,
        run_order=order,
        action_type_id=kind.ActionTypeIdProperty(
            category=action.category, owner="AWS", provider=action.provider, version="1"
        ),
        configuration=configuration or None,
        role_arn=action.role.arn_ if action.role else None,
        input_artifacts=[kind.InputArtifactProperty(name=name) for name in action.inputs] or None,
        output_artifacts=[kind.OutputArtifactProperty(name=name) for name in action.outputs] or None,
    )


def _skipped_unless(wanted: tuple[str, str]) -> codepipeline.CfnPipeline.BeforeEntryConditionsProperty:
    """A stage that is skipped unless a variable has a value.

    Source: https://docs.aws.amazon.com/codepipeline/latest/userguide/stage-conditions.html
    """
    kind = codepipeline.CfnPipeline
    name, value = wanted
    return kind.BeforeEntryConditionsProperty(
        conditions=[
            kind.ConditionProperty(
                result="SKIP",
                rules=[
                    kind.RuleDeclarationProperty(
                        name=f"{name.title().replace('_', '')}Is",
                        rule_type_id=kind.RuleTypeIdProperty(
                            category="Rule", owner="AWS", provider="VariableCheck", version="1"
                        ),
                        configuration={"Variable": f"#{{variables.{name}}}", "Value": value, "Operator": "EQ"},
                    )
                ],
            )
        ]
    )
