"""Prove who may approve and who may deploy

Read the policies of every role of the lab and ask of each: may it approve in the pipeline, approve a model, change an
endpoint? One role may approve, two may deploy, none may do both. The registry's own policy denies the approval to
everybody else, whatever their policies allow.
"""

import json
from typing import Any

from labkit.session import Session, StepFailed

QUESTIONS = {
    "approve in the pipeline": "codepipeline:PutApprovalResult",
    "approve a model": "sagemaker:UpdateModelPackage",
    "change an endpoint": "sagemaker:UpdateEndpoint",
}
SIGN = {"allowed": "yes", "denied": "denied", "not allowed": "-"}


def run(session: Session) -> None:
    table = {
        name: {what: answer(rules, action) for what, action in QUESTIONS.items()} for name, rules in roles(session)
    }
    rows = [{"role": name, **{what: SIGN[found] for what, found in row.items()}} for name, row in table.items()]
    session.table("Who may", sorted(rows, key=lambda row: row["role"]))
    policy = json.loads(
        session.client("sagemaker").get_model_package_group_policy(
            ModelPackageGroupName=session.outputs["ModelPackageGroupName"]
        )["ResourcePolicy"]
    )
    session.say(f"Policy of the registry: {json.dumps(policy['Statement'][0])}")
    may = {what: sorted(name for name, row in table.items() if row[what] == "allowed") for what in QUESTIONS}
    session.remember("who", {"may": may, "registry": policy["Statement"]})
    if len(may["approve in the pipeline"]) != 1 or set(may["approve a model"]) & set(may["change an endpoint"]):
        raise StepFailed(f"One role must approve, and none that deploys: {may}")


def roles(session: Session) -> list[tuple[str, list[dict[str, Any]]]]:
    """Each role of the lab's stack, and the statements of its policies."""
    iam, found = session.client("iam"), []
    pages = session.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=session.stack)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] != "AWS::IAM::Role":
                continue
            name, rules = resource["PhysicalResourceId"], []
            for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
                document = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
                content = document["PolicyVersion"]["Document"]
                rules += (json.loads(content) if isinstance(content, str) else content)["Statement"]
            found.append((resource["LogicalResourceId"], rules))
    return found


def answer(rules: list[dict[str, Any]], action: str) -> str:
    """Denied beats allowed; what no statement names is not allowed."""
    effects = {rule["Effect"] for rule in rules if action in listed(rule["Action"])}
    return "denied" if "Deny" in effects else "allowed" if "Allow" in effects else "not allowed"


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
