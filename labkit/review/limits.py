"""What a review of templates cannot say, told as plainly as what it can."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.review import nag
from labkit.review.lab import Lab
from stacks.rules import every_rule
from stacks.rules.kit.guard import guard_rules


@dataclass(frozen=True, order=True)
class Limit:
    """Something that was not evaluated, and why."""

    what: str
    why: str


_ACCOUNT = "a setting of the account, not of a lab's stack"
_RUNNING = "shows in a running account, not in a template"

_ALWAYS = (
    Limit("AWS Config, GuardDuty, Security Hub and Macie are on", _ACCOUNT),
    Limit("CloudTrail records all regions into a protected bucket", _ACCOUNT),
    Limit("The root user has MFA and no access key; people sign in with MFA", _ACCOUNT),
    Limit("S3 Block Public Access and EBS default encryption are on for the account", _ACCOUNT),
    Limit("Service control policies and permission boundaries of the organization", _ACCOUNT),
    Limit("Service quotas and services closed to new customers", "asked by labs doctor, which talks to the account"),
    Limit("What a lab's steps create outside its stack", "created by API calls; labs destroy lists and removes it"),
    Limit("Changes made to deployed resources after deployment", _RUNNING),
    Limit("Which principals really used a key, a bucket or an endpoint", _RUNNING),
    Limit("Vulnerabilities in container images and in Python packages", "needs a scanner with a current database"),
    Limit("Quality, bias and explanations of the model", "a matter of the lab's lesson and its verify.py"),
    Limit(
        "A cdk-nag rule's pass is that it looks at the resource's type and reported nothing",
        "cdk-nag reports violations alone; it sees typed constructs only, no resource declared by its type's name, "
        "and no property overridden afterwards. The own rules and cfn-lint read the final template",
    ),
)

# Security Hub: AI Security Best Practices v1.0.0.
_AI_BEST_PRACTICES = {
    "SageMaker.1": "notebook instances have no direct internet access",
    "SageMaker.2": "notebook instances are in a custom VPC",
    "SageMaker.3": "notebook instances have no root access",
    "SageMaker.4": "production variants start with more than one instance",
    "SageMaker.5": "models are network-isolated",
    "SageMaker.8": "notebook instances run on a supported platform",
    "SageMaker.9": "data quality jobs encrypt traffic between containers",
    "SageMaker.10": "explainability jobs encrypt traffic between containers",
    "SageMaker.11": "data quality jobs are network-isolated",
    "SageMaker.12": "bias jobs are network-isolated",
    "SageMaker.13": "model quality jobs encrypt traffic between containers",
    "SageMaker.14": "monitoring schedules are network-isolated",
    "SageMaker.15": "bias jobs encrypt traffic between containers",
    "SageMaker.16": "models pull their primary container from a private registry in the VPC",
    "SageMaker.17": "feature groups encrypt the offline store with a customer-managed key",
    "SageMaker.18": "feature groups encrypt the online store with a customer-managed key",
    "SageMaker.19": "models with several containers pull them from a private registry in the VPC",
    "SageMaker.20": "explainability jobs are network-isolated",
    "SageMaker.21": "notebook instances are encrypted with a customer-managed key",
    "SageMaker.22": "monitoring schedules encrypt traffic between containers",
    "SageMaker.23": "inference experiments encrypt volumes with a customer-managed key",
    "SageMaker.24": "inference experiments encrypt captured data with a customer-managed key",
    "SageMaker.25": "model quality jobs are network-isolated",
    "Bedrock.1": "data sources are encrypted with a customer-managed key",
    "BedrockAgentCore.1": "runtimes are in a VPC",
    "BedrockAgentCore.2": "gateways require authorization",
    "BedrockAgentCore.3": "memories are encrypted with a customer-managed key",
    "BedrockAgentCore.4": "gateways are encrypted with a customer-managed key",
    "BedrockAgentCore.5": "browsers are not on a public network",
    "BedrockAgentCore.6": "browser sessions are recorded",
    "BedrockAgentCore.7": "code interpreters are not on a public network",
}


def limits() -> list[Limit]:
    """What no engine evaluates on any lab."""
    rules = (*every_rule(), *guard_rules())
    covered = {control.removeprefix("AI-BP ") for rule in rules for control in rule.controls}
    missing = [
        Limit(f"AI Security Best Practices {name}: {what}", "no engine has a rule for it yet")
        for name, what in _AI_BEST_PRACTICES.items()
        if name not in covered
    ]
    return sorted([*_ALWAYS, *missing])


def unseen_types(lab: Lab) -> list[str]:
    """Types of a lab's resources that no rule looks at in particular."""
    seen = {type_ for rule in (*every_rule(), *guard_rules()) for type_ in rule.types}
    seen |= {type_ for rules in nag.table()["packs"].values() for rule in rules.values() for type_ in rule["types"]}
    return sorted(set(lab.template.by_type) - seen)
