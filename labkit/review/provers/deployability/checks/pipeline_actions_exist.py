"""Every action of a pipeline is of a type that CodePipeline has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import table
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_PLACE = "Stages.*.Actions.*.ActionTypeId"
_OWNERS = ("AWS", "ThirdParty", "Custom")
_KNOWN: dict[tuple[str, str], list[str]] = {
    (row["owner"], row["category"]): row["providers"] for row in table("pipeline_actions")["action"]
}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for path, type_ in view.listed(resource, _PLACE):
        if isinstance(type_, dict) and not view.waits(type_):
            given = {name: view.plain(type_.get(name)) for name in ("Category", "Owner", "Provider", "Version")}
            yield from _type(path, given)


def _type(path: str, given: dict[str, str | None]) -> Iterator[Fault]:
    owner, category, provider, version = (given[name] for name in ("Owner", "Category", "Provider", "Version"))
    if owner is not None and owner not in _OWNERS:
        yield Fault(f"{path}.Owner", owner, f"an owner is one of {', '.join(_OWNERS)}")
        return
    if owner is None or category is None or provider is None:
        return
    known = _KNOWN.get((owner, category), [])
    if owner == "AWS" and provider not in known:
        there = f"AWS has {', '.join(known)} there" if known else "there is no such category"
        elsewhere = [f"{one} of {whose}" for (whose, one), names in _KNOWN.items() if provider in names]
        what = f"no provider of the category {category}: {there}" + (
            f"; it is one of {elsewhere[0]}" if elsewhere else ""
        )
        yield Fault(f"{path}.Provider", provider, what)
    elif owner == "ThirdParty" and provider not in known and provider in _KNOWN.get(("AWS", category), []):
        yield Fault(f"{path}.Owner", owner, f"the provider {provider} is owned by AWS")
    elif owner == "AWS" and version not in (None, "1"):
        yield Fault(f"{path}.Version", version, "the only version of AWS's action types is 1")


CHECK = Check(
    id="deploy-pipeline-actions-exist",
    title="Every action of a pipeline is of a type that CodePipeline has",
    phase="create",
    why="The schema takes any text as owner and provider; the service looks for the action type when the pipeline is made.",
    fix="Use category, owner, provider and version as the action's page gives them.",
    error="ActionType (Category: '...', Provider: '...', Owner: '...', Version: '1') in action '...' is not available in region "
    "(InvalidActionDeclarationException)",
    sources=(
        "https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-valid-providers.html",
        "https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference.html",
        "https://docs.aws.amazon.com/codepipeline/latest/userguide/action-requirements.html",
    ),
    types=("AWS::CodePipeline::Pipeline",),
    look=look,
)
