"""Small stacks for the tests of nouns and patterns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import cdk_nag
import pytest

from labkit.catalogue import ROOT
from stacks.acceptance import acknowledge
from stacks.lab_stack import LabStack
from stacks.settings import Settings

CONTEXT = json.loads((ROOT / "cdk.json").read_text())["context"]
PACKS = {
    "AwsSolutions": cdk_nag.AwsSolutionsChecks,
    "HIPAA.Security": cdk_nag.HIPAASecurityChecks,
    "NIST.800.53.R4": cdk_nag.NIST80053R4Checks,
    "NIST.800.53.R5": cdk_nag.NIST80053R5Checks,
    "PCI.DSS.321": cdk_nag.PCIDSS321Checks,
    "Serverless": cdk_nag.ServerlessChecks,
}

Build = Callable[[LabStack], None]


class Synthesized:
    """What came out: the template and the report of the packs."""

    def __init__(self, folder: Path, stacks: list[LabStack]) -> None:
        self.stacks = stacks
        self.templates = [json.loads((folder / f"{s.stack_name}.template.json").read_text()) for s in stacks]
        report = folder / "validation-report.json"
        self.reports = json.loads(report.read_text())["pluginReports"] if report.exists() else []

    @property
    def template(self) -> dict[str, Any]:
        return self.templates[0]

    def of_type(self, type_: str) -> list[dict[str, Any]]:
        """Properties of each resource of a type."""
        return [r["Properties"] for r in self.template["Resources"].values() if r["Type"] == type_]

    def found(self, kind: str) -> set[tuple[str, str, str]]:
        """Pack, rule and construct path of open (``violations``) or accepted (``suppressedViolations``) findings."""
        return {
            (plugin["pluginName"], violation["ruleName"], construct["constructPath"])
            for plugin in self.reports
            for violation in plugin.get(kind, [])
            for construct in violation["violatingConstructs"]
        }


@pytest.fixture
def synthesize_stacks(tmp_path: Path) -> Callable[..., Synthesized]:
    """Synthesize stacks made by functions, with the packs on."""

    def make(*builds: Build, **settings: Any) -> Synthesized:
        app = cdk.App(outdir=str(tmp_path / "out"), context=CONTEXT, analytics_reporting=False)
        stacks = []
        for number, build in enumerate(builds, start=1):
            cls = type("Lab", (LabStack,), {"build": build})
            folder = ROOT / "labs" / f"d3_test_{number}"
            stacks.append(cls(app, folder=folder, title="A stack of the tests", settings=Settings.parse(settings)))
        for stack in stacks:
            acknowledge(stack)
        cdk.Validations.of(app).add_plugins(*(pack(app) for pack in PACKS.values()))
        try:
            app.synth()
        except RuntimeError as error:
            if "alidation" not in str(error):
                raise
        return Synthesized(tmp_path / "out", stacks)

    return make
