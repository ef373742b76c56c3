"""Actions that AWS lets nobody limit to a resource."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache

# Actions whose line in the Service Authorization Reference names no resource type, for the services in use.
# Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
#         reference_policies_actions-resources-contextkeys.html
ONLY_ON_EVERYTHING = (
    "application-autoscaling:describe*",
    "athena:listworkgroups",
    "cloudformation:liststacks",
    "cloudwatch:describealarmsformetric",
    "cloudwatch:getmetricdata",
    "cloudwatch:getmetricstatistics",
    "cloudwatch:listmetrics",
    "cloudwatch:putmetricdata",
    "ec2:describe*",
    "ecr:getauthorizationtoken",
    "glue:getsecurityconfiguration",
    "kms:generaterandom",
    "kms:listaliases",
    "kms:listkeys",
    "lakeformation:getdataaccess",
    "lambda:getaccountsettings",
    "lambda:listfunctions",
    "logs:createlogdelivery",
    "logs:deletelogdelivery",
    "logs:describeresourcepolicies",
    "logs:getlogdelivery",
    "logs:listlogdeliveries",
    "logs:putresourcepolicy",
    "logs:updatelogdelivery",
    "s3:listallmybuckets",
    "sagemaker:listendpointconfigs",
    "sagemaker:listendpoints",
    "sagemaker:listmodels",
    "sagemaker:listmonitoringexecutions",
    "sagemaker:listprocessingjobs",
    "sagemaker:listtrainingjobs",
    "sns:listtopics",
    "sqs:listqueues",
    "sts:getcalleridentity",
    "xray:puttelemetryrecords",
    "xray:puttracesegments",
)


@cache
def can_be_limited(action: str) -> bool:
    """Tell whether an action can be permitted on named resources."""
    return not any(fnmatchcase(action.lower(), pattern) for pattern in ONLY_ON_EVERYTHING)
