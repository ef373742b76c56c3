"""Takes away what tells afterwards what happened."""

from __future__ import annotations

from labkit.review.mutation.kit.operator import Operator, drops, removes, sets

OPERATORS: tuple[Operator, ...] = (
    drops(
        "drop-retention",
        "A log group that keeps everything",
        "security",
        "AWS::Logs::LogGroup Properties.RetentionInDays",
    ),
    sets(
        "retention-odd",
        "A log group with a retention that CloudWatch refuses",
        "deployment",
        "AWS::Logs::LogGroup Properties.RetentionInDays",
        to=31,
    ),
    sets(
        "retention-short",
        "A log group that forgets after a day",
        "security",
        "AWS::Logs::LogGroup Properties.RetentionInDays",
        to=1,
    ),
    drops(
        "drop-access-log",
        "A bucket whose use is not logged",
        "security",
        "AWS::S3::Bucket Properties.LoggingConfiguration",
    ),
    removes("drop-flow-log", "A network whose traffic is not logged", "security", "AWS::EC2::FlowLog"),
    sets(
        "flow-log-partial",
        "A flow log without the traffic that passed",
        "security",
        "AWS::EC2::FlowLog Properties.TrafficType",
        to="REJECT",
    ),
    drops(
        "drop-function-log",
        "A function that makes its own log group",
        "security",
        "AWS::Lambda::Function Properties.LoggingConfig",
    ),
    drops(
        "drop-build-log",
        "A build without a log group of the lab",
        "security",
        "AWS::CodeBuild::Project Properties.LogsConfig",
    ),
    sets(
        "build-log-off",
        "A build that logs nothing",
        "security",
        "AWS::CodeBuild::Project Properties.LogsConfig.CloudWatchLogs.Status",
        to="DISABLED",
    ),
)
