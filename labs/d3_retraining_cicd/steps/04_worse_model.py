"""Try to release a worse model

Start an execution by hand with hyperparameters that cannot do: one round, trees with a single split. The model is trained
for real, judged on the flights that production is judged on, and refused with both figures. Nothing is registered.
"""

import sys
from importlib import import_module

from labkit.session import Session, StepFailed


def run(session: Session) -> None:
    sys.path.insert(0, str(session.src))
    following = import_module("following")
    train = following.Train(session)
    sagemaker, group = session.client("sagemaker"), session.outputs["ModelPackageGroupName"]
    before = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    execution = train.start(HYPERPARAMETERS="Rounds=1,MaxDepth=1")
    told = train.expect(execution, "Failed", stage="Evaluate")
    noted = train.note(execution, "evaluate")
    after = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    if noted["auc"] >= noted["champion_auc"] or len(after) != len(before):
        raise StepFailed(f"A worse model must be refused and not be registered: {noted}, {len(after)} versions")
    session.remember("worse", {"execution": execution, "told": told, **noted})
