"""What the removability prover proves, rule by rule."""

from __future__ import annotations

from labkit.review.provers.permission.rules import Rule

COMPLETELY = "removed-completely"
PURPOSE = "kept-on-purpose"
UNBLOCKED = "removal-unblocked"
ORDER = "removed-in-order"

RULES = (
    Rule(
        id=COMPLETELY,
        title="Deleting the stack also removes what services and workloads made beside it",
        why="What no stack owns is found by nobody, goes on costing, and takes the names of the next deployment.",
        fix="Let the stack own it, or let a custom resource of the stack remove it.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-delete-stack.html",
        controls=("NIST CM-8", "NIST MP-6"),
    ),
    Rule(
        id=PURPOSE,
        title="What outlives the stack by its deletion policy is kept on purpose",
        why="Data that stays costs, and is protected by a key and roles that may be gone.",
        fix="Set DeletionPolicy and UpdateReplacePolicy to Delete, or accept it with the reason.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
        controls=("NIST SI-12", "NIST MP-6"),
    ),
    Rule(
        id=UNBLOCKED,
        title="Nothing refuses to be deleted",
        why="One resource that refuses leaves the stack in DELETE_FAILED, with everything that it depends on.",
        fix="Turn the protection off, or let something empty the resource before.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html",
        controls=("NIST CM-2", "NIST CP-2"),
    ),
    Rule(
        id=ORDER,
        title="What removes contents outlives what writes them, and keeps its permissions until it is done",
        why="CloudFormation deletes in the reverse order of creation, and at once what does not depend on each other.",
        fix="Add the dependency that the row names.",
        source="https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html",
        controls=("NIST CM-2", "NIST CP-2"),
    ),
)
