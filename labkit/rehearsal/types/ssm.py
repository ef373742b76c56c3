"""Systems Manager: parameters."""

from __future__ import annotations

from labkit.rehearsal.types.table import by, simple

ROWS = [
    simple(
        "AWS::SSM::Parameter",
        "ssm",
        create="PutParameter",
        name="Name",
        label="executed",
        update=("PutParameter", lambda scene: {"Name": scene.physical_id, "Overwrite": True}),
        attributes=lambda scene, answer: {"Type": scene.properties["Type"], "Value": scene.properties["Value"]},
        delete=("DeleteParameter", by("Name")),
    ),
]
