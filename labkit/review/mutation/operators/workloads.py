"""Takes models, jobs and functions out of their network or gives them more reach."""

from __future__ import annotations

from labkit.review.mutation.kit.operator import Operator, adds, drops, sets
from labkit.review.mutation.kit.texts import replaces

_ISOLATION = "EnableNetworkIsolation"

OPERATORS: tuple[Operator, ...] = (
    sets(
        "drop-isolation",
        "A model or job that may reach the network",
        "security",
        f"AWS::SageMaker::* Properties.**.{_ISOLATION}",
        to=False,
    ),
    replaces(
        "drop-isolation-in-text",
        "A job in a definition that may reach the network",
        "security",
        (rf'("{_ISOLATION}":\s*)true', r"\1false"),
    ),
    drops(
        "drop-network",
        "A workload outside the lab's network",
        "security",
        "AWS::SageMaker::* Properties.VpcConfig",
        "AWS::SageMaker::* Properties.**.NetworkConfig.VpcConfig",
        "AWS::Lambda::Function Properties.VpcConfig",
        "AWS::CodeBuild::Project Properties.VpcConfig",
    ),
    replaces(
        "drop-network-in-text",
        "A job in a definition outside the lab's network",
        "security",
        (r'"VpcConfig":', '"NoVpcConfig":'),
    ),
    replaces(
        "drop-key-in-text",
        "A job in a definition that names no key",
        "security",
        (r'"(VolumeKmsKeyId|KmsKeyId|OutputKmsKeyId)":', r'"No\1":'),
    ),
    sets(
        "group-of-default",
        "A workload in a security group that is not the lab's",
        "deployment",
        "AWS::SageMaker::Model Properties.VpcConfig.SecurityGroupIds",
        "AWS::Lambda::Function Properties.VpcConfig.SecurityGroupIds",
        "AWS::CodeBuild::Project Properties.VpcConfig.SecurityGroupIds",
        to=[],
    ),
    sets(
        "build-privileged",
        "A build that controls its host",
        "security",
        "AWS::CodeBuild::Project Properties.Environment.PrivilegedMode",
        to=True,
    ),
    adds(
        "secret-in-environment",
        "A function with a password in its environment",
        "security",
        "AWS::Lambda::Function",
        to=lambda one: {
            **one,
            "Environment": {
                "Variables": {**one.get("Environment", {}).get("Variables", {}), "DB_PASSWORD": "hunter2-hunter2"}
            },
        },
    ),
)
