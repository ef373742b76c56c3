"""A template as the picture needs it: every resource, who may do what, and who names whom."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from labkit.assembly import Assembly
from labkit.cost.template import Resource, Template, literal, references
from labkit.diagram.text import title

#: What an action on a resource means in one word; the first that fits.
_VERBS = (
    ("s3:Get", "reads"),
    ("s3:Put", "writes"),
    ("sagemaker:InvokeEndpoint", "invokes"),
    ("sagemaker:CreateModelPackage", "registers"),
    ("sagemaker:StartPipelineExecution", "starts"),
    ("sagemaker:UpdateEndpoint", "updates"),
    ("sagemaker:PutRecord", "writes"),
    ("lambda:InvokeFunction", "invokes"),
    ("states:StartExecution", "starts"),
    ("sns:Publish", "publishes"),
    ("sqs:SendMessage", "sends"),
    ("sqs:ReceiveMessage", "receives"),
    ("dynamodb:GetItem", "reads"),
    ("dynamodb:Query", "reads"),
    ("dynamodb:PutItem", "writes"),
    ("dynamodb:UpdateItem", "writes"),
    ("kinesis:PutRecord", "writes"),
    ("kinesis:GetRecords", "reads"),
    ("firehose:PutRecord", "writes"),
    ("athena:StartQueryExecution", "queries"),
    ("glue:StartJobRun", "starts"),
    ("glue:StartCrawler", "starts"),
    ("glue:GetTable", "reads"),
    ("codebuild:StartBuild", "starts"),
    ("events:PutEvents", "sends"),
    ("secretsmanager:GetSecretValue", "reads"),
    ("ecr:BatchGetImage", "pulls"),
    ("ecr:PutImage", "pushes"),
)


class Stack:
    """The resources of a template, also those under a condition, with parameters at their defaults."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self._template = Template(assembly.template, assembly.region)

    @cached_property
    def resources(self) -> dict[str, Resource]:
        found = {}
        for logical_id, raw in self.assembly.template.get("Resources", {}).items():
            properties = self._template.resolve(raw.get("Properties", {}))
            found[logical_id] = Resource(logical_id, raw["Type"], properties, str(raw.get("DeletionPolicy", "Delete")))
        return found

    def of(self, *types: str) -> list[Resource]:
        """The resources of some types, in the order of the template."""
        return [resource for resource in self.resources.values() if resource.type in types]

    def title(self, resource: Resource) -> str:
        """What to call a resource."""
        return title(self.assembly.paths.get(resource.logical_id, resource.logical_id), resource.type)

    def named(self, value: Any, *types: str) -> Iterator[Resource]:
        """The resources that a value names, those of some types, each once."""
        for name in dict.fromkeys(references(value)):
            resource = self.resources.get(name)
            if resource is not None and (not types or resource.type in types):
                yield resource

    def exported(self, resource: Resource) -> bool:
        """Whether an output of the stack names the resource."""
        return resource.logical_id in set(references(self.assembly.template.get("Outputs", {})))

    @cached_property
    def _statements(self) -> dict[str, list[dict[str, Any]]]:
        """Role to the statements of its policies that allow something."""
        found: dict[str, list[dict[str, Any]]] = {}
        for resource in self.resources.values():
            documents: list[Any] = []
            roles: list[str] = []
            if resource.type in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy"):
                documents = [resource.properties.get("PolicyDocument", {})]
                roles = list(references([resource.properties.get("Roles"), resource.properties.get("RoleName")]))
            elif resource.type == "AWS::IAM::Role":
                documents = [policy.get("PolicyDocument", {}) for policy in resource.properties.get("Policies", [])]
                roles = [resource.logical_id]
            for role in roles:
                for document in documents:
                    allowed = [each for each in _list(document.get("Statement")) if each.get("Effect") == "Allow"]
                    found.setdefault(role, []).extend(allowed)
        return found

    def permissions(self, resource: Resource) -> Iterator[tuple[str, Resource]]:
        """Verb and object of everything that a resource's roles may do to other resources of the stack."""
        # A function may name roles too that it passes on.
        own = resource.properties.get("Role") if resource.type == "AWS::Lambda::Function" else resource.properties
        roles = [resource] if resource.type == "AWS::IAM::Role" else list(self.named(own, "AWS::IAM::Role"))
        for role in roles:
            for statement in self.statements(role):
                for target in self.named(statement.get("Resource")):
                    for verb in dict.fromkeys(verb for action in self.actions(statement) if (verb := _verb(action))):
                        yield verb, target

    def statements(self, role: Resource) -> list[dict[str, Any]]:
        """What a role's policies allow, statement by statement."""
        return self._statements.get(role.logical_id, [])

    @staticmethod
    def actions(statement: dict[str, Any]) -> list[str]:
        """The actions of a statement."""
        return [str(action) for action in _list(statement.get("Action"))]


def service_of(endpoint: Resource) -> str:
    """The service of a VPC endpoint as its name ends, such as ``sagemaker.runtime``."""
    name = literal(endpoint.properties.get("ServiceName"))
    parts = [part for part in name.split(".") if part]
    for index, part in enumerate(parts):
        if part == "${AWS::Region}" or (part.count("-") >= 2 and part[-1].isdigit()):
            return ".".join(parts[index + 1 :])
    return name.removeprefix("com.amazonaws.").removeprefix("cn.").strip(".")


def _verb(action: str) -> str | None:
    return next((verb for prefix, verb in _VERBS if action.startswith(prefix)), None)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
