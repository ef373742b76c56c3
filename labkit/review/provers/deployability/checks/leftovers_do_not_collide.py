"""What a deletion or a rollback leaves behind is not in the way of the next deployment."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.names import fixed_name
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

# Stacks with these often fail half-way, and their rollback leaves the others behind.
_FALLIBLE = ("AWS::Bedrock::KnowledgeBase", "AWS::Bedrock::Agent", "AWS::Bedrock::DataSource",
             "AWS::OpenSearchServerless::Collection", "AWS::OpenSearchServerless::Index")  # fmt: skip
_LEFT = ("AWS::OpenSearchServerless::SecurityPolicy", "AWS::OpenSearchServerless::AccessPolicy",
         "AWS::OpenSearchServerless::LifecyclePolicy", "AWS::OpenSearchServerless::Collection", "AWS::IAM::Role")  # fmt: skip
_KEPT = ("Retain", "RetainExceptOnCreate")
# Deleted secrets keep their name for the recovery window, which CloudFormation does not wait for; those that
# CloudFormation deletes go at once. Repositories and roles go at once too.


def look(resource: Resource, view: View) -> Iterable[Fault]:
    fixed = fixed_name(resource, view)
    if fixed is None:
        return
    name = view.name_property(resource) or "Name"
    error = f"Resource of type '{resource.type}' with identifier '{fixed}' already exists."
    if resource.whole.get("DeletionPolicy") in _KEPT:
        yield Fault(
            name, fixed, "deletion keeps the resource, so that the next deployment finds the name taken", error=error
        )
        return
    own = "${AWS::StackName}" in fixed
    if resource.type in _LEFT and not own and view.once("fallible", lambda: bool(view.of(*_FALLIBLE))):
        what = "a rollback of this stack often leaves the resource behind, and the next deployment finds the name taken"
        yield Fault(name, fixed, what, error=error)


CHECK = Check(
    id="deploy-leftovers-do-not-collide",
    title="What deletion or rollback leaves behind has no fixed name",
    phase="create",
    why="A name that is still taken by what an earlier deployment left makes the next one fail.",
    fix="Leave the name out, derive it from the stack's id, or let deletion remove the resource.",
    error="Resource of type '...' with identifier '...' already exists.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html",
        "https://github.com/awslabs/generative-ai-cdk-constructs/issues/1114",
    ),
    covers=("DF-113",),
    types=("*",),
    look=look,
)
