"""Asks Guard about finished templates through CDK's validation plugin, and cdk-nag about those that CDK can include.

As a program it reads requests and writes answers as JSON, so that a review need not load CDK itself::

    python -m stacks.judge < requests.json > answers.json
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk.cloudformation_include import CfnInclude

from stacks.rules.kit.guard import GuardRule, guard_rules, problem, views

# Guard says nothing of what it did not read. So each template carries a resource that this rule always refuses.
_WITNESS = "GuardReadThisTemplate"
_WITNESS_RULE = f"""
rule guard_read_this_template when Resources.{_WITNESS} exists {{
  Resources.{_WITNESS}.Type == "Never" <<read>>
}}
"""


@jsii.implements(cdk.IPolicyValidationContext)
class _Templates:
    """Files for the plugin, in place of a synthesized app."""

    def __init__(self, stacks: Sequence[cdk.PolicyValidationStack]) -> None:
        self._stacks = list(stacks)

    @property
    def app_construct(self) -> cdk.App:
        return cdk.App()

    @property
    def stack_templates(self) -> list[cdk.PolicyValidationStack]:
        return self._stacks

    @property
    def template_paths(self) -> list[str]:
        return [stack.template_path for stack in self._stacks]

    @property
    def account_id(self) -> str | None:
        return None

    @property
    def region(self) -> str | None:
        return None


@cache
def _plugin() -> cdk.CloudFormationValidatePlugin:
    sources = [cdk.ValidationRuleSource(name=rule.id, content=rule.text) for rule in guard_rules()]
    witness = cdk.ValidationRuleSource(name="witness", content=_WITNESS_RULE)
    return cdk.CloudFormationValidatePlugin(guard_rules=[*sources, witness], include_default_rules=False)


def guard(content: Mapping[str, Any], *, region: str) -> list[dict[str, Any]]:
    """What the Guard rules find in a template: rule, logical id, path, value, message, undecided.

    Raises:
        ValueError: the plugin did not read the template, with the reason.
    """
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, view in enumerate(views(content)):
            view["Resources"][_WITNESS] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
            file = Path(folder) / f"{number}.template.json"
            file.write_text(json.dumps(view))
            seen = False
            for rule, logical_id, path, message in _reported(file, region):
                seen = seen or logical_id == _WITNESS
                if rule in _rules() and logical_id != _WITNESS:
                    one = problem(_rules()[rule], view, logical_id, path, message)
                    found.setdefault(
                        (rule, logical_id, one.path),
                        {
                            "rule": _rules()[rule].id,
                            "logical_id": logical_id,
                            "path": one.path,
                            "value": one.value,
                            "message": one.message,
                            "undecided": one.undecided,
                        },
                    )
            if not seen:
                raise ValueError("CDK's validation plugin did not come to the Guard rules")
    return [found[key] for key in sorted(found)]


@cache
def _rules() -> dict[str, GuardRule]:
    return {rule.name: rule for rule in guard_rules()}


def _reported(file: Path, region: str) -> Iterator[tuple[str, str, str, str]]:
    """Rule, logical id, property path and message of each violation."""
    stack = cdk.PolicyValidationStack(stack_construct_path="Template", template_path=str(file), region=region)
    try:
        report = _plugin().validate(_Templates([stack]))
    except RuntimeError as error:
        raise ValueError(str(error).splitlines()[0]) from None
    for violation in report.violations:
        for resource in violation.violating_resources:
            location = next(iter(resource.locations), "")
            path = location.removeprefix("Properties").removeprefix(".")
            message = violation.description.removeprefix(f"{location.removeprefix('Properties.')}: ")
            yield violation.rule_name, resource.resource_logical_id or "", path, message


def packs(content: Mapping[str, Any], *, region: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """What packs of cdk-nag find in a template that CDK can include, in the form that synthesis records.

    Args:
        content: the template.
        region: where it is for.
        names: classes of cdk-nag.

    Raises:
        ValueError: CDK cannot include the template, with its reason.
    """
    import cdk_nag

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "included.template.json"
        file.write_text(json.dumps(content))
        app = cdk.App(outdir=f"{folder}/out", analytics_reporting=False, tree_metadata=False)
        # A template that CDK wrote has the bootstrap version already.
        plain = cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
        stack = cdk.Stack(app, "Included", env=cdk.Environment(region=region), synthesizer=plain)
        try:
            CfnInclude(stack, "Template", template_file=str(file), allow_cyclical_references=True)
            cdk.Validations.of(app).add_plugins(*(getattr(cdk_nag, name)(app) for name in names))
            app.synth()
        except RuntimeError as error:
            if "alidation failed" not in str(error) and "ValidationFailed" not in str(error):
                raise ValueError(str(error).splitlines()[0].replace("Included/Template/", "")) from None
        report = json.loads((Path(folder) / "out" / "validation-report.json").read_text())
    return [
        {
            "engine": plugin["pluginName"],
            "rule": violation["ruleName"].split("[")[0],
            "finding": violation["ruleName"],
            "level": violation["severity"],
            "logical_id": construct["constructPath"].rpartition("/")[2],
            "path": construct["constructPath"].removeprefix("Included/Template/"),
            "description": violation["description"],
        }
        for plugin in report["pluginReports"]
        for violation in plugin.get("violations", [])
        for construct in violation["violatingConstructs"]
    ]


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request: findings of Guard and of the packs named in it, or why there are none."""
    content, region = request["content"], request["region"]
    _plugin()  # what is wrong with a rule is no fault of the template
    found: dict[str, Any] = {}
    try:
        found["guard"] = guard(content, region=region)
    except (ValueError, RecursionError) as error:
        found["guard_refused"] = str(error)
    if not request["packs"]:
        return found
    try:
        found["findings"] = packs(content, region=region, names=request["packs"])
        found["versions"] = {"cdk-nag": version("cdk-nag")}
    except (ValueError, RecursionError) as error:
        found["nag_refused"] = str(error)
    return found


if __name__ == "__main__":
    answers = [answer(request) for request in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)
