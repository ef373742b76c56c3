"""What a bucket is for."""

from __future__ import annotations

from stacks.rules.kit.template import Resource, Template


def receives_access_logs(bucket: Resource, template: Template) -> bool:
    """Tell whether S3 delivers other buckets' access logs into a bucket of the template."""
    return any(
        template.target(value) is bucket
        for other in template.of("AWS::S3::Bucket")
        if other is not bucket
        for _, value in other.each("LoggingConfiguration.DestinationBucketName")
    )
