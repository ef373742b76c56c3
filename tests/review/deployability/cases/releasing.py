"""Pipelines and builds of what does not exist."""

from __future__ import annotations

from tests.review.deployability.parts import Case, one, sub


def built(image: object, **properties: object) -> dict:
    environment = {"Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": image}
    return one("AWS::CodeBuild::Project", Artifacts={"Type": "NO_ARTIFACTS"}, Source={"Type": "NO_SOURCE"}, ServiceRole="r",
               Environment=environment, **properties)  # fmt: skip


def released(
    stage: str = "Build",
    *,
    owner: str = "AWS",
    category: str = "Build",
    provider: str = "CodeBuild",
    version: str = "1",
    **properties: object,
) -> dict:
    """A pipeline of one action."""
    type_ = {"Category": category, "Owner": owner, "Provider": provider, "Version": version}
    actions = [{"Name": "Act", "ActionTypeId": type_}]
    return one(
        "AWS::CodePipeline::Pipeline",
        RoleArn="arn:aws:iam::123456789012:role/x",
        Stages=[{"Name": stage, "Actions": actions}],
        **properties,
    )


CASES = [
    Case("a build project's name with a slash", "deploy-values-within-schema", {"Build": built("aws/codebuild/standard:7.0", Name="team/build")}, {"Build": built("aws/codebuild/standard:7.0", Name="team_build")}),
    Case("a release pipeline's name with a space", "deploy-values-within-schema", {"Release": released(Name="my release")}, {"Release": released(Name="my.release@home")}),
    Case("a stage's name with a space", "deploy-values-within-schema", {"Release": released(stage="To production")}, {"Release": released(stage="To-production")}, "Stages.0.Name"),
    Case("an action of a provider that does not exist", "deploy-pipeline-actions-exist", {"Release": released(provider="CodeBuilds")}, {"Release": released()}, "AWS has CodeBuild", on="Release"),
    Case("an action of a provider of another category", "deploy-pipeline-actions-exist", {"Release": released(category="Source", provider="CodeBuild")}, {"Release": released(category="Test", provider="CodeBuild")}),
    Case("an action of AWS that is said to be a partner's", "deploy-pipeline-actions-exist", {"Release": released(owner="ThirdParty")}, {"Release": released(owner="ThirdParty", category="Test", provider="Runscope")},
         "owned by AWS"),
    Case("an action of a partner that is said to be AWS's", "deploy-pipeline-actions-exist", {"Release": released(category="Source", provider="GitHub")},
         {"Release": released(owner="ThirdParty", category="Source", provider="GitHub")}, "GitHub"),
    Case("an action with an owner that does not exist", "deploy-pipeline-actions-exist", {"Release": released(owner="Amazon")}, {"Release": released(owner="Custom", provider="Jenkins")}, "AWS, ThirdParty, Custom"),
    Case("an action in a version that does not exist", "deploy-pipeline-actions-exist", {"Release": released(version="2")}, {"Release": released(owner="Custom", provider="Jenkins", version="2")}),
    Case("a build in an image that CodeBuild does not know", "deploy-build-image-exists", {"Build": built("aws/codebuild/standard:99.0")}, {"Build": built("aws/codebuild/standard:7.0-24.04.26")}, "7.0", unknown=True),
    Case("a build in a family of images that does not exist", "deploy-build-image-exists", {"Build": built("aws/codebuild/amazonlinux3-x86_64-standard:5.0")},
         {"Build": built("aws/codebuild/amazonlinux-x86_64-standard:5.0")}, "provides no images"),
    Case("a build in an image of CodeBuild without a tag", "deploy-build-image-exists", {"Build": built("aws/codebuild/standard")}, {"Build": built(sub("aws/codebuild/standard:${Version}"))}),
    Case("a build in an image that is not written as one", "deploy-build-image-exists", {"Build": built("public.ecr.aws/docker/library/Python 3.13")},
         {"Build": built("public.ecr.aws/docker/library/python:3.13-slim")}, "registry/repository:tag"),
    Case("a build in an image with two tags", "deploy-build-image-exists", {"Build": built("node:20:latest")}, {"Build": built("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/node__x:20@sha256:" + "0" * 64)}),
]  # fmt: skip
