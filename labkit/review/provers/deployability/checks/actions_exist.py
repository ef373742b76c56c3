"""Every action and every service that a policy names exists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import actions, table
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.policy import Statement, statements
from stacks.rules.kit.template import Resource

_DOCUMENTS = {
    "AWS::IAM::ManagedPolicy": ("PolicyDocument",),
    "AWS::IAM::Policy": ("PolicyDocument",),
    "AWS::IAM::RolePolicy": ("PolicyDocument",),
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", "Policies.*.PolicyDocument"),
    "AWS::IAM::User": ("Policies.*.PolicyDocument",),
    "AWS::IAM::Group": ("Policies.*.PolicyDocument",),
    "AWS::KMS::Key": ("KeyPolicy",),
    "AWS::S3::BucketPolicy": ("PolicyDocument",),
    "AWS::SNS::TopicPolicy": ("PolicyDocument",),
    "AWS::SQS::QueuePolicy": ("PolicyDocument",),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument",),
    "AWS::SecretsManager::ResourcePolicy": ("ResourcePolicy",),
    "AWS::ECR::Repository": ("RepositoryPolicyText",),
    "AWS::Logs::ResourcePolicy": ("PolicyDocument",),
    "AWS::Lambda::Permission": (),
}
# Services that refuse a policy with an action they do not have; IAM takes it, and it allows nothing.
_STRICT = {
    "AWS::S3::BucketPolicy": "Policy has invalid action (MalformedPolicy)",
    "AWS::SQS::QueuePolicy": "Value ... for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action. (InvalidParameterValue)",
    "AWS::SNS::TopicPolicy": "Invalid parameter: Policy statement action out of service scope!",
    "AWS::KMS::Key": "MalformedPolicyDocumentException",
}
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+|\*", re.I)
_PRINCIPAL = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for path in _DOCUMENTS[resource.type]:
        for statement in statements(resource, path):
            for action in (*statement.actions, *statement.other_actions):
                if "${" not in action:
                    yield from _action(resource, f"{statement.path}.Action", action)
            yield from _principals(statement, view)
    if resource.type == "AWS::Lambda::Permission":
        given = view.plain(resource.properties.get("Principal"))
        if given and "amazonaws" in given:
            yield from _principal("Principal", given, view)
        called = view.plain(resource.properties.get("Action"))
        if called:
            yield from _action(resource, "Action", called.lower())


def _action(resource: Resource, path: str, action: str) -> Iterator[Fault]:
    error = _STRICT.get(resource.type, "(no error: the statement allows nothing, and the call is denied at first use)")
    if not _ACTION.fullmatch(action):
        error = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. (MalformedPolicyDocument)"
        yield Fault(path, action, "it has not the form service:Action", error=error)
        return
    if action == "*" or "*" in action.partition(":")[0] or _exists(action):
        return
    service, _, name = action.partition(":")
    known = actions().get(service)
    if known is None:
        near = get_close_matches(service, actions(), 1, 0.8)
        hint = f"; {near[0]} is one" if near else ""
        yield Fault(path, action, f"no service has the prefix {service}{hint}", error=error, undecided=not near)
        return
    near = get_close_matches(name, known, 1, 0.75)
    yield Fault(path, action, f"{service} has no such action" + (f"; {near[0]} is one" if near else ""), error=error)


@cache
def _exists(action: str) -> bool:
    service, _, name = action.partition(":")
    known = actions().get(service)
    if known is None:
        return False
    return name in known or (("*" in name or "?" in name) and any(fnmatchcase(one, name) for one in known))


def _principals(statement: Statement, view: View) -> Iterator[Fault]:
    for given in statement.principals.get("Service", ()):
        plain = view.plain(given) if "${" not in given else view.text({"Fn::Sub": given})
        if plain and "${" not in plain:
            yield from _principal(f"{statement.path}.Principal.Service", plain, view)


def _principal(path: str, given: str, view: View) -> Iterator[Fault]:
    if given == "*":
        return
    error = f'Invalid principal in policy: "SERVICE":"{given}" (MalformedPolicyDocument)'
    if not _PRINCIPAL.fullmatch(given):
        yield Fault(path, given, "it has not the form service.amazonaws.com", error=error)
        return
    name = given.partition(".amazonaws.com")[0]
    known: list[str] = table("principals")["principals"]
    base, _, last = name.rpartition(".")
    regional = re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", last) is not None
    if regional and last != view.region:
        yield Fault(path, given, f"it names region {last}, the stack is for {view.region}", error=error, undecided=True)
    service = base if regional else name
    if service in known:
        return
    near = get_close_matches(service, known, 1, 0.8)
    hint = f"; {near[0]}.amazonaws.com is one" if near else ""
    yield Fault(path, given, f"no such service principal is known{hint}", error=error, undecided=not near)


CHECK = Check(
    id="deploy-actions-exist",
    title="Every action and service principal that a policy names exists",
    phase="create",
    why="IAM takes a misspelt action and it allows nothing; a misspelt service principal is refused.",
    fix="Write the action as the Service Authorization Reference has it, and the principal as the service's page.",
    error="(no error: the statement allows nothing)",
    sources=(
        "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html",
    ),
    types=tuple(_DOCUMENTS),
    look=look,
)
