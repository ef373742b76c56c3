"""Builds as stages of a release pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from stacks.secure.acting_role import ActingRole
from stacks.secure.bucket import Bucket
from stacks.secure.build import PipelineBuild
from stacks.secure.key import Key
from stacks.secure.names import placed, ref, sub
from stacks.secure.network import Network
from stacks.secure.pipeline import Action
from stacks.secure.role import Role

# The archive with the code of all stages.
SOURCE = "Source"


class StageBuild(Construct):
    """One program of the release code: a build with its own role, and a role that can start this build alone.

    Args:
        program: name of ``stages/<program>.py`` and ``buildspecs/<program>.yml`` in the source.
        pipeline: the pipeline's own role.
        artifacts: the pipeline's bucket.
        network: where it runs.
        key: encrypts what it logs and what it hands on.
        environment: variables that are the same in every run.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        program: str,
        pipeline: Role,
        artifacts: Bucket,
        network: Network,
        key: Key,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id)
        placed(self, scope, id)
        self.build = PipelineBuild(
            self,
            f"{program.title()}Build",
            buildspec=f"buildspecs/{program}.yml",
            artifacts=artifacts,
            network=network,
            key=key,
            environment=environment,
        )
        self.role_ = self.build.role_
        self.starter = ActingRole(self, "Starter", of=pipeline)
        self.starter.allow("codebuild:BatchGetBuilds", "codebuild:StartBuild", on=sub(self.build.sub_arn))

    def action(
        self, name: str, *, variables: Mapping[str, str], outputs: tuple[str, ...] = (), category: str = "Build"
    ) -> Action:
        """Run the program as an action of a stage.

        Args:
            name: of the action.
            variables: environment variables of this run.
            outputs: names of the artefacts it hands on.
            category: ``Build`` or ``Test``.
        """
        return Action(
            name=name,
            category=category,
            provider="CodeBuild",
            role=self.starter,
            configuration={"ProjectName": ref(self.build)},
            inputs=(SOURCE,),
            outputs=outputs,
            variables=variables,
        )
