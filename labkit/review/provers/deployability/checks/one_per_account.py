"""What an account has once per region is not made without asking."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

# Types that an account has once per region, and what AWS says to a second; without words the second overwrites the first.
_ONCE = {
    "AWS::GuardDuty::Detector": "The request is rejected because a detector already exists for the current account.",
    "AWS::Config::ConfigurationRecorder": "Failed to put configuration recorder because the maximum number of configuration recorders: 1 is reached. (MaxNumberOfConfigurationRecordersExceededException)",
    "AWS::Config::DeliveryChannel": "Failed to put delivery channel because the maximum number of delivery channels: 1 is reached.",
    "AWS::SecurityHub::Hub": "Account is already subscribed to Security Hub (ResourceConflictException)",
    "AWS::Macie::Session": "Macie has already been enabled (ConflictException)",
    "AWS::Inspector2::Filter": "",
    "AWS::Detective::Graph": "A behavior graph already exists (ConflictException)",
    "AWS::AccessAnalyzer::Analyzer": "",
    "AWS::ApiGateway::Account": "",
    "AWS::Glue::DataCatalogEncryptionSettings": "",
    "AWS::LakeFormation::DataLakeSettings": "",
    "AWS::EC2::VPCBlockPublicAccessOptions": "",
    "AWS::EC2::SnapshotBlockPublicAccess": "",
    "AWS::ECR::RegistryPolicy": "RegistryPolicy already exists",
    "AWS::ECR::ReplicationConfiguration": "",
    "AWS::ECR::RegistryScanningConfiguration": "",
    "AWS::Logs::AccountPolicy": "",
    "AWS::XRay::ResourcePolicy": "",
    "AWS::SES::VdmAttributes": "",
    "AWS::IAM::ServiceLinkedRole": "Service role name ... has been taken in this account, please try a different suffix. (InvalidInput)",
    "AWS::Bedrock::EnforcedGuardrailConfiguration": "",
}  # fmt: skip
for _several in ("AWS::Inspector2::Filter", "AWS::AccessAnalyzer::Analyzer", "AWS::XRay::ResourcePolicy"):
    del _ONCE[_several]


def look(resource: Resource, view: View) -> Iterable[Fault]:
    noun = resource.type.split("::", 1)[1].replace("::", " ")
    error = _ONCE[resource.type]
    others = [one for one in view.of(resource.type) if one is not resource] if resource.type != _LINKED else []
    unconditional = [one for one in others if one.whole.get("Condition") is None]
    if unconditional and resource.whole.get("Condition") is None:
        what = f"an account has one {noun} per region, and {unconditional[0].logical_id} is one too"
        yield Fault("Type", resource.type, what, error=error)
    elif resource.whole.get("Condition") is None:
        what = f"an account has one {noun} per region; whether there is one already is not known"
        yield Fault(
            "Type",
            resource.type,
            what,
            error=error or "(the setting of the account is overwritten, and reset on deletion)",
            undecided=True,
        )


_LINKED = "AWS::IAM::ServiceLinkedRole"
CHECK = Check(
    id="deploy-one-per-account",
    title="What an account has once per region is made under a condition",
    phase="create",
    why="The account, another stack or a landing zone may have made it already.",
    fix="Put it under a condition that a parameter decides, or state that the account must not have one.",
    error="(the resource exists already)",
    sources=(
        "https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_settingup.html",
        "https://github.com/nozaq/terraform-aws-secure-baseline/issues/35",
    ),
    covers=("DF-103",),
    types=tuple(_ONCE),
    look=look,
)
