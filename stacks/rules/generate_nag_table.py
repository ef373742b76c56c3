"""Writes ``cdk_nag.json``: every rule of the installed cdk-nag and the resource types it looks at.

cdk-nag reports violations alone. To state that a rule *passed*, one must know which types it looks at; its compiled
rules say so (``node instanceof aws_s3_1.CfnBucket``). Run it again whenever cdk-nag is updated::

    python -m stacks.rules.generate_nag_table
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import json
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

TABLE = Path(__file__).with_name("cdk_nag.json")
PACKS = {
    "AwsSolutions": "aws-solutions",
    "HIPAA.Security": "hipaa-security",
    "NIST.800.53.R4": "nist-800-53-r4",
    "NIST.800.53.R5": "nist-800-53-r5",
    "PCI.DSS.321": "pci-dss-321",
    "Serverless": "serverless",
}
_QUOTED = r"""(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)"""
_CONTROLS = re.compile(r"\s+-\s+\(Control IDs?: (.*)\)\.?\s*$")


def render() -> str:
    """Return the table as canonical JSON.

    Raises:
        ValueError: a rule of the bundle is not written the way this generator reads it.
    """
    version, files = _bundle()
    looked_at = {PurePosixPath(name).stem: _types(code) for name, code in files.items() if "/rules/" in name}
    classes = {found for types, _ in looked_at.values() for found in types}
    names = _cloudformation_names(classes)
    packs = {}
    for pack, file in PACKS.items():
        rules = {}
        for identifier, implementation, rule in _applied(files[f"package/lib/packs/{file}.js"], pack):
            types, partial = looked_at[implementation]
            rules[identifier] = rule | {"types": sorted(names[found] for found in types), "partial": partial}
        packs[pack] = rules
    return _lines({"version": version, "packs": packs})


def _lines(table: dict[str, Any]) -> str:
    """Return JSON with one rule a line, so that a new version's difference can be read."""
    blocks = []
    for pack, rules in sorted(table["packs"].items()):
        lines = [f"   {json.dumps(name)}: {json.dumps(rules[name], sort_keys=True)}" for name in sorted(rules)]
        blocks.append(f"  {json.dumps(pack)}: {{\n" + ",\n".join(lines) + "\n  }")
    return f'{{\n "version": {json.dumps(table["version"])},\n "packs": {{\n' + ",\n".join(blocks) + "\n }\n}\n"


def _bundle() -> tuple[str, dict[str, str]]:
    """Return the version of cdk-nag and the text of its compiled packs and rules."""
    distribution = importlib.metadata.distribution("cdk-nag")
    archive = next(file for file in distribution.files or () if file.name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(Path(str(archive.locate())).read_bytes())) as bundle:
        wanted = [
            member
            for member in bundle.getmembers()
            if re.fullmatch(r"package/lib/(packs|rules/\w+)/[\w-]+\.js", member.name)
            and not member.name.endswith("/index.js")
        ]
        files = {member.name: _code(bundle, member) for member in wanted}
    return distribution.version, files


def _code(bundle: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = bundle.extractfile(member)
    if stream is None:
        raise ValueError(f"{member.name}: not a file")
    return stream.read().decode().partition("//# sourceMappingURL")[0]


def _types(code: str) -> tuple[set[tuple[str, str]], bool]:
    """Return what a rule looks at, as (module, class), and whether it leaves some resources of those types out.

    A type that the rule spells out has no module.
    A rule says NOT_APPLICABLE once, for all other types. One that says it more often leaves resources of its own
    types out as well.
    """
    modules = dict(re.findall(r'const (\w+) = require\("aws-cdk-lib/([\w-]+)"\)', code))
    # Helper functions below the rule test other resources, also under the name "node".
    rule = code.partition("exports.default = ")[2].partition("\n}, 'name'")[0]
    found = {(modules[alias], name) for alias, name in re.findall(r"\bnode instanceof (\w+)\.(\w+)", rule)}
    if not found:
        raise ValueError("a rule without a type test")
    found |= {("", name) for name in re.findall(r"\bnode\.cfnResourceType === '([\w:-]+)'", rule)}
    return found, rule.count("NOT_APPLICABLE") > 1


def _applied(code: str, pack: str) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Yield identifier, name of the implementation and description of each rule that a pack applies."""
    calls = code.split("this.applyRule({")[1:]
    for call in calls:
        suffix = re.search(rf"ruleSuffixOverride: {_QUOTED}", call)
        info = re.search(rf"info: {_QUOTED}", call)
        level = re.search(r"NagMessageLevel\.(ERROR|WARN)\b", call)
        rule = re.search(r"rule: \w+\.(\w+)", call)
        if not (info and level and rule):
            raise ValueError(f"{pack}: a rule that is not understood: {call[:200]}")
        text = _unquote(info)
        controls = _CONTROLS.search(text)
        described = {
            "level": {"ERROR": "error", "WARN": "warning"}[level[1]],
            "title": _CONTROLS.sub(".", text).strip(),
            "controls": controls[1].split(", ") if controls else [],
        }
        yield f"{pack}-{_unquote(suffix) if suffix else rule[1]}", rule[1], described


def _unquote(match: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", next(group for group in match.groups() if group is not None))


def _cloudformation_names(classes: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the CloudFormation type of each L1 class, as the class's docstring in aws_cdk states it."""
    spec = importlib.util.find_spec("aws_cdk")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError("aws_cdk is not installed")
    library = Path(next(iter(spec.submodule_search_locations)))
    names = {("", name): name for module, name in classes if not module}
    for module in sorted({module for module, _ in classes if module}):
        text = (library / module.replace("-", "_") / "__init__.py").read_text()
        for name in sorted(name for owner, name in classes if owner == module):
            start = text.index(f"\nclass {name}(\n")
            found = re.compile(r":cloudformationResource: (\S+)").search(text, start)
            if not found:
                raise ValueError(f"{module}.{name}: no CloudFormation type in its docstring")
            names[module, name] = found[1]
    return names


if __name__ == "__main__":
    TABLE.write_text(render())
    print(f"{TABLE}: written")
