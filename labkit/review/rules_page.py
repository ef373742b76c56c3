"""Renders the page of the project's own rules from the rules themselves."""

from __future__ import annotations

from stacks.rules import Rule, every_rule
from stacks.rules.kit.guard import GuardRule, guard_rules


def render() -> str:
    """Return ``docs/rules.md``."""
    written, guarded = every_rule(), guard_rules()
    rules = sorted((*written, *guarded), key=lambda rule: rule.id)
    lines = [
        "# The project's own rules",
        "",
        f"{len(rules)} rules look at the synthesized templates, beside the six packs of cdk-nag and cfn-lint. "
        f"{len(guarded)} are data, in the language of CloudFormation Guard, one file each in `stacks/rules/guard/`, and "
        f"CDK's validation plugin evaluates them; {len(written)} need more than that language and are Python, one file "
        "each in `stacks/rules/`. Every rule is proved by a template that keeps it and one that breaks it in "
        "`tests/rules/`. Titles state the passing case.",
        "",
        "| Rule | States | Controls |",
        "|---|---|---|",
        *(f"| [{rule.id}](#{rule.id}) | {rule.title} | {', '.join(rule.controls)} |" for rule in rules),
        "",
        "Controls: `AI-BP` is Security Hub's *AI Security Best Practices*, `FSBP` its *Foundational Security Best "
        "Practices*, `SecurityHub` a control of neither, `NIST` is SP 800-53 revision 5. `HIPAA` and `PCI-DSS` (version 3.2.1) "
        "are those that cdk-nag names for its rule of the same content; where it has none, none is named.",
    ]
    for rule in rules:
        lines += _section(rule)
    return "\n".join(lines) + "\n"


def _section(rule: Rule) -> list[str]:
    types = "every resource and output" if rule.types == ("*",) else ", ".join(f"`{type_}`" for type_ in rule.types)
    return [
        "",
        f"## {rule.id}",
        "",
        f"{rule.title}.",
        "",
        f"- **Why**: {rule.why}",
        f"- **Fix**: {rule.fix}",
        f"- **Looks at**: {types}",
        f"- **Written in**: {'Guard' if isinstance(rule, GuardRule) else 'Python'}",
        f"- **Controls**: {', '.join(rule.controls)}",
        f"- **Source**: <{rule.source}>",
    ]
