"""A setting of the account that a resource needs is made before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if resource.type == "AWS::ApiGateway::Stage":
        yield from _stage(resource, view)
    elif view.given(resource, "VPCOptions.SubnetIds"):
        names = ("opensearchservice.amazonaws.com", "es.amazonaws.com")
        linked = [
            one
            for one in view.of("AWS::IAM::ServiceLinkedRole")
            if view.plain(one.properties.get("AWSServiceName")) in names
        ]
        if not view.graph.any_before(resource, linked):
            yield Fault(
                "VPCOptions",
                linked[0].logical_id if linked else None,
                "a domain in a VPC needs the service-linked role, which CloudFormation does not make by itself",
                error="Before you can proceed, you must enable a service-linked role to give Amazon OpenSearch Service "
                "permissions to access your VPC.",
                fix="Make an AWS::IAM::ServiceLinkedRole for opensearchservice.amazonaws.com where the account has none, "
                "and let the domain depend on it.",
            )


def _stage(stage: Resource, view: View) -> Iterator[Fault]:
    logs = view.given(stage, "AccessLogSetting.DestinationArn")
    levels = [plain for _, value in stage.each("MethodSettings.*.LoggingLevel") if (plain := view.plain(value))]
    if not logs and all(level == "OFF" for level in levels):
        return
    accounts = view.of("AWS::ApiGateway::Account")
    if view.graph.any_before(stage, accounts):
        return
    yield Fault(
        "AccessLogSetting" if logs else "MethodSettings",
        accounts[0].logical_id if accounts else None,
        f"the stage does not wait for {accounts[0].logical_id}"
        if accounts
        else "the account's role for logs is set by nothing here",
        error="CloudWatch Logs role ARN must be set in account settings to enable logging",
        fix="Add AWS::ApiGateway::Account with a role for logs, and let the stage depend on it.",
    )


CHECK = Check(
    id="deploy-account-prepared",
    title="A setting or role of the account that a resource needs is made before it",
    phase="create",
    why="A new account has neither the role by which API Gateway logs nor service-linked roles.",
    fix="Make the setting in the stack and depend on it, or say that the account must have it.",
    error="(the account is not prepared)",
    sources=(
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html",
        "https://docs.aws.amazon.com/opensearch-service/latest/developerguide/slr.html",
        "https://github.com/aws-solutions/virtual-waiting-room-on-aws/issues/74",
        "https://github.com/aws-samples/amazon-bedrock-knowledgebase-slackbot/issues/6",
        "https://github.com/aws/copilot-cli/issues/3006",
        "https://github.com/aws/aws-cdk/issues/3734",
    ),
    covers=("DF-095", "DF-101"),
    types=("AWS::ApiGateway::Stage", "AWS::OpenSearchService::Domain", "AWS::Elasticsearch::Domain"),
    look=look,
)
