"""What a user may choose, typed and checked before anything is synthesized."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

_VPC_ID = r"^vpc-[0-9a-f]{8,17}$"
_SUBNET_ID = r"^subnet-[0-9a-f]{8,17}$"
_GROUP_ID = r"^sg-[0-9a-f]{8,17}$"
_KEY_ARN = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[0-9a-f-]{36}$"
_CONNECTION_ARN = r"^arn:aws[a-z-]*:code(star-)?connections:[a-z0-9-]+:\d{12}:connection/[0-9a-f-]{36}$"
_BRANCH = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,49}$"
_INSTANCE = r"^ml\.[a-z0-9]+\.[a-z0-9]+$"
_ENDPOINT = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
_BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_PREFIX = r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$"
_REGION = r"^[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-\d$"

SubnetId = Annotated[str, Field(pattern=_SUBNET_ID)]


class SettingsError(ValueError):
    """A setting that cannot be used: the message names it, what was given and what is allowed."""


class OwnVpc(BaseModel):
    """A VPC that exists already; its ids are given, nothing is looked up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vpc_id: Annotated[str, Field(pattern=_VPC_ID, description="the VPC's id")]
    subnet_ids: Annotated[tuple[SubnetId, ...], Field(min_length=1, description="private subnets, one per zone")]
    endpoint_security_group_id: Annotated[
        str,
        Field(pattern=_GROUP_ID, description="the group of the VPC's interface endpoints; the lab adds ingress on 443"),
    ]


class Repository(BaseModel):
    """Code in a repository that AWS reaches through a connection; it is authorised once, in the console."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connection_arn: Annotated[str, Field(pattern=_CONNECTION_ARN, description="ARN of the connection")]
    name: Annotated[str, Field(pattern=r"^[\w.-]+/[\w./-]+$", description="owner and repository, such as owner/models")]


class WatchedEndpoint(BaseModel):
    """An endpoint of another stack, whose requests are captured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint_name: Annotated[str, Field(pattern=_ENDPOINT, description="its name")]
    capture_bucket_name: Annotated[str, Field(pattern=_BUCKET, description="bucket of its captured requests")]
    capture_prefix: Annotated[str, Field(pattern=_PREFIX, description="prefix of its captured requests")]
    key_arn: Annotated[str, Field(pattern=_KEY_ARN, description="key of its captured requests")]


class Settings(BaseModel):
    """Every choice, with the default that the labs are rehearsed with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: Annotated[str, Field(pattern=_REGION, description="AWS region, in any partition")] = "us-east-1"
    cidr: Annotated[str, Field(description="address range of the VPC, /16 to /24")] = "10.0.0.0/16"
    zones: Annotated[
        int, Field(ge=1, le=3, description="availability zones; each costs one more of every endpoint")
    ] = 2
    zone_names: Annotated[
        tuple[str, ...], Field(description="zones by name instead of the first ones of the account; sets `zones`")
    ] = ()
    endpoint_instance_type: Annotated[
        str, Field(pattern=_INSTANCE, description="instance type of hosted models; ml.t types cannot scale")
    ] = "ml.m5.large"
    endpoint_instances: Annotated[
        int, Field(ge=1, le=20, description="instances to start with; 1 is cheaper and gives up SageMaker.4")
    ] = 2
    endpoint_instances_max: Annotated[int, Field(ge=1, le=100, description="most instances scaling may ask for")] = 4
    training_instance_type: Annotated[
        str, Field(pattern=_INSTANCE, description="instance type of training jobs; none with disks of its own")
    ] = "ml.m5.large"
    rollout_instances: Annotated[
        int,
        Field(ge=2, le=10, description="instances of an endpoint that is updated step by step; one of them is a step"),
    ] = 3
    repository: Annotated[
        Repository | None, Field(description="release code from a repository; default: from archives in a bucket")
    ] = None
    branches: Annotated[
        dict[Annotated[str, Field(pattern=_BRANCH)], Literal["staging", "production"]],
        Field(description="branch to the last environment it reaches; exactly one branch reaches production"),
    ] = {"main": "production", "develop": "staging"}
    monitor_path: Annotated[
        Literal["portable", "sagemaker"],
        Field(
            description="watch models with the project's own jobs, or with SageMaker Model Monitor, closed to new accounts"
        ),
    ] = "portable"
    monitor_instance_type: Annotated[str, Field(pattern=_INSTANCE, description="instance type of monitoring jobs")] = (
        "ml.t3.large"
    )
    watched_endpoint: Annotated[
        WatchedEndpoint | None, Field(description="watch an endpoint of another stack; default: one of the lab's own")
    ] = None
    own_vpc: Annotated[OwnVpc | None, Field(description="use an existing VPC with its own endpoints")] = None
    key_arn: Annotated[
        str | None, Field(pattern=_KEY_ARN, description="use an existing KMS key; its policy must name the services")
    ] = None
    hours_to_live: Annotated[
        int, Field(ge=0, le=168, description="hours until a deployed lab deletes itself; 0 keeps it")
    ] = 8
    tags: Annotated[dict[str, str], Field(description="tags on every resource, besides the lab's own")] = {}

    @field_validator("cidr")
    @classmethod
    def _usable_range(cls, value: str) -> str:
        try:
            network = ipaddress.IPv4Network(value)
        except ValueError as error:
            raise ValueError(f"an IPv4 network such as 10.0.0.0/16 ({error})") from None
        if not 16 <= network.prefixlen <= 24 or not network.is_private:
            raise ValueError("a private IPv4 network from /16 to /24, such as 10.0.0.0/16")
        return value

    @field_validator("branches")
    @classmethod
    def _one_reaches_production(cls, value: dict[str, str]) -> dict[str, str]:
        if list(value.values()).count("production") != 1:
            raise ValueError('exactly one branch reaches production, such as {"main": "production"}')
        return value

    @field_validator("tags")
    @classmethod
    def _usable_tags(cls, value: dict[str, str]) -> dict[str, str]:
        for key, text in value.items():
            if not re.fullmatch(r"[\w .:/=+@-]{1,128}", key) or key.lower().startswith("aws:") or len(text) > 256:
                raise ValueError(
                    "keys of 1 to 128 letters, digits or _.:/=+-@ not starting with aws:, values up to 256"
                )
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.endpoint_instances_max < self.endpoint_instances:
            raise ValueError(
                f"endpoint_instances_max ({self.endpoint_instances_max}) must be at least "
                f"endpoint_instances ({self.endpoint_instances})"
            )
        foreign = [zone for zone in self.zone_names if not re.fullmatch(re.escape(self.region) + "[a-z]", zone)]
        if foreign or len(set(self.zone_names)) != len(self.zone_names) or len(self.zone_names) > 3:
            raise ValueError(
                f"zone_names must be up to 3 different zones of {self.region}, such as {self.region}a; "
                f"got {list(self.zone_names)}"
            )
        return self

    @property
    def partition(self) -> str:
        """``aws``, ``aws-us-gov`` or ``aws-cn``."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    @classmethod
    def load(cls, file: Path | None, given: Mapping[str, Any] | None = None) -> Settings:
        """Settings from a TOML file, overridden by what was given on the command line.

        Args:
            file: may be missing.
            given: setting name to value; texts such as ``"3"`` are converted.

        Raises:
            SettingsError: names the setting, what was given and what is allowed.
        """
        try:
            values = tomllib.loads(file.read_text()) if file and file.exists() else {}
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{file.name if file else ''}: not valid TOML: {error}") from None
        return cls.parse({**values, **(given or {})})

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Settings:
        """Check values and turn the first problem into one message.

        Raises:
            SettingsError: names the setting, what was given and what is allowed.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError(_explain(error)) from None


def describe() -> list[dict[str, str]]:
    """One row per setting: name, default, what is allowed, meaning."""
    rows = []
    for name, schema in Settings.model_json_schema()["properties"].items():
        rows.append(
            {
                "setting": name,
                "default": str(schema.get("default", "")),
                "allowed": _allowed(schema),
                "meaning": schema.get("description", ""),
            }
        )
    return rows


def _allowed(schema: dict[str, Any]) -> str:
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    for option in [schema, *schema.get("anyOf", [])]:
        if "pattern" in option:
            return f"`{option['pattern']}`"
    return {"array": "list of texts", "object": "table of texts"}.get(schema.get("type", ""), "")


def _explain(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"]) or "settings"
    if problem["type"] == "extra_forbidden":
        return f"setting {where}: unknown. Allowed: {', '.join(Settings.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ")
    return (
        f"setting {where}: got {problem['input']!r}; allowed: {message}" if problem["loc"] else f"settings: {message}"
    )
