"""Check the deployment

Read the one definition by which jobs are started: network, isolation, keys, spot, checkpoints. Only name,
hyperparameters and checkpoints are left to the caller. Then see to the log group of training jobs: it belongs to the
account, not to this lab, so that the stack neither makes nor encrypts it. If there is none, it is made here, with a
retention of 30 days; the role of the jobs can only write to it.
"""

import runpy
from pathlib import Path

from labkit.session import Session, StepFailed

_SHARED = runpy.run_path(str(Path(__file__).with_name("training.py")))
RETENTION = 30  # days


def run(session: Session) -> None:
    definition = _SHARED["ask"](session, {"show": True})["definition"]
    outputs = session.outputs
    if set(definition.get("VpcConfig", {}).get("Subnets", ())) != set(outputs["SubnetIds"].split(",")):
        raise StepFailed(f"The definition names other subnets than {outputs['SubnetIds']}.")
    for member in ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"):
        if definition.get(member) is not True:
            raise StepFailed(f"The definition says {member}: {definition.get(member)}; true is expected.")
    stopping, resources = definition["StoppingCondition"], definition["ResourceConfig"]
    session.table(
        "Every training job of this lab",
        [
            {"what": "image", "value": definition["AlgorithmSpecification"]["TrainingImage"]},
            {"what": "instance", "value": f"{resources['InstanceType']}, managed spot"},
            {"what": "code", "value": outputs["CodeUri"]},
            {"what": "subnets", "value": ", ".join(definition["VpcConfig"]["Subnets"])},
            {"what": "network isolation", "value": "on"},
            {"what": "volume key", "value": resources["VolumeKmsKeyId"]},
            {"what": "key of results", "value": definition["OutputDataConfig"]["KmsKeyId"]},
            {"what": "checkpoints", "value": definition["CheckpointConfig"]["S3Uri"]},
            {"what": "at most", "value": f"{stopping['MaxRuntimeInSeconds'] // 60} minutes"},
        ],
    )
    group = outputs["TrainingLogGroupName"]
    logs = session.client("logs")
    found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if any(one["logGroupName"] == group for one in found):
        session.say(f"The account has the log group {group}; it is left as it is.")
        return
    session.created("AWS::Logs::LogGroup", group)
    logs.create_log_group(logGroupName=group)
    logs.put_retention_policy(logGroupName=group, retentionInDays=RETENTION)
    session.say(f"Made the log group {group}, which keeps {RETENTION} days.")
