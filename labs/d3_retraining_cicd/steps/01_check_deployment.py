"""Check the deployment

One pipeline per branch, one role per stage. The table shows what each role of the branch that reaches production may do.
Right after deployment a first execution may have failed at its source: there is no code yet. The step also makes the two
log groups that all jobs of an account share, unless they are there: the first job would make them to be kept forever.
"""

import json
import sys
from importlib import import_module
from typing import Any

from labkit.session import Session, StepFailed

RETENTION = 30  # days


def run(session: Session) -> None:
    sys.path.insert(0, str(session.src))
    train = import_module("following").Train(session)
    pipeline = session.client("codepipeline").get_pipeline(name=train.name)["pipeline"]
    if (
        pipeline["pipelineType"] != "V2"
        or pipeline["artifactStore"]["encryptionKey"]["id"] != session.outputs["KeyArn"]
    ):
        raise StepFailed(f"Pipeline {train.name} must be of type V2 and keep artefacts under the lab's key.")
    iam, rows = session.client("iam"), []
    for stage in pipeline["stages"]:
        for action in stage["actions"]:
            name = action.get("roleArn", "").rpartition("/")[2]
            rows.append(
                {
                    "stage": stage["name"],
                    "by": action["actionTypeId"]["provider"],
                    "role": name or "none: a person decides",
                    "may": ", ".join(sorted(allowed(iam, name))) if name else "",
                }
            )
    session.table(f"Pipeline {train.name}", rows)
    session.say(f"Branch for staging only: {session.outputs.get('PipelineStagingName', 'none')}.")
    for group in session.outputs["JobLogGroupNames"].split(","):
        make(session, group)


def make(session: Session, group: str) -> None:
    """Make a log group that is not there, and note it, so that destroying the lab removes it."""
    logs = session.client("logs")
    found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if any(one["logGroupName"] == group for one in found):
        session.say(f"The account has the log group {group}; it is left as it is.")
        return
    session.created("AWS::Logs::LogGroup", group)
    logs.create_log_group(logGroupName=group)
    logs.put_retention_policy(logGroupName=group, retentionInDays=RETENTION)


def allowed(iam: Any, role: str) -> set[str]:
    """Actions that a role's policies allow."""
    found = set()
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
        document = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        statements = document["PolicyVersion"]["Document"]
        for statement in (json.loads(statements) if isinstance(statements, str) else statements)["Statement"]:
            if statement["Effect"] == "Allow":
                listed = statement["Action"]
                found |= {listed} if isinstance(listed, str) else set(listed)
    return found
