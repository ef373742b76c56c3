"""Writes images.json from the tables of the SageMaker SDK: one account per framework and region.

    uv run --no-project --with sagemaker-core==2.27.0 stacks/images/generate.py

A development tool: nothing else of the project needs the SDK.
"""

import json
import os
from importlib import import_module
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

SDK = "sagemaker-core"
TABLE = Path(__file__).with_name("images.json")
# Framework to the versions that labs may use, newest last.
WANTED = {
    "clarify": ("1.0",),
    "model-monitor": ("latest",),
    "sklearn": ("1.2-1", "1.9-0"),
    "xgboost": ("1.7-1", "3.0-5", "3.2-0"),
}
# Partitions that the labs know; the isolated ones are left out.
LEFT_OUT = ("us-iso", "eu-isoe")


def framework_table(framework: str, versions: tuple[str, ...], regions: list[str]) -> dict[str, Any]:
    """Ask the SDK for every region and version.

    Raises:
        SystemExit: the SDK gives two versions of a framework different accounts or repositories; the table holds one.
    """
    image_uris = import_module("sagemaker.core.image_uris")
    accounts: dict[str, dict[str, str]] = {}
    suffixes: dict[str, str] = {}
    repositories: set[str] = set()
    tags: dict[str, str] = {}
    for version in versions:
        for region in regions:
            try:
                uri = image_uris.retrieve(
                    framework,
                    region=region,
                    version=None if version == "latest" else version,
                    instance_type="ml.m5.large",
                )
            except ValueError:  # the SDK's table has no such region
                continue
            registry, _, image = uri.partition("/")
            account, _, rest = registry.partition(".dkr.ecr.")
            repository, _, tags[version] = image.partition(":")
            repositories.add(repository)
            accounts.setdefault(version, {})[region] = account
            suffixes[region] = rest.removeprefix(f"{region}.")
    if len(repositories) != 1 or any(each != accounts[versions[0]] for each in accounts.values()):
        raise SystemExit(f"{framework}: versions differ in accounts or repositories: {repositories} {accounts}")
    return {
        "repository": repositories.pop(),
        "tags": tags,
        "registries": {
            region: f"{account}.dkr.ecr.{region}.{suffixes[region]}"
            for region, account in sorted(accounts[versions[0]].items())
        },
    }


def main() -> None:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the SDK makes clients when it is imported
    folder = Path(next(iter(import_module("sagemaker.core").__path__))) / "image_uri_config"
    regions = {region for name in WANTED for region in _regions(json.loads((folder / f"{name}.json").read_text()))}
    known = sorted(region for region in regions if not region.startswith(LEFT_OUT))
    frameworks = {framework: framework_table(framework, versions, known) for framework, versions in WANTED.items()}
    table = {"source": f"{SDK} {installed(SDK)}", "frameworks": frameworks}
    TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    for framework, each in frameworks.items():
        print(f"{framework}: {len(each['registries'])} regions")


def _regions(table: object) -> set[str]:
    """The regions of every `registries` in one of the SDK's tables, however deep."""
    if not isinstance(table, dict):
        return set()
    return set(table.get("registries", ())).union(*(_regions(value) for value in table.values()))


if __name__ == "__main__":
    main()
