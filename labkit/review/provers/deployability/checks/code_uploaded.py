"""The code that a function is made of is among the files that deployment uploads."""

from __future__ import annotations

import re
from collections.abc import Iterable

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_BOOTSTRAP = re.compile(r"cdk-[a-z0-9]+-assets-")
_CODE = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}


def look(resource: Resource, view: View) -> Iterable[Fault]:
    if view.assets is None:
        return
    place = _CODE[resource.type]
    bucket = view.text(resource.one(f"{place}.S3Bucket"))
    for path, value in resource.each(f"{place}.S3Key"):
        key = view.plain(value)
        if bucket and _BOOTSTRAP.search(bucket) and key is not None and key not in view.assets:
            yield Fault(path, value, "deployment uploads no such file into the bootstrap bucket")


CHECK = Check(
    id="deploy-code-uploaded",
    title="The code of every function is among the files that deployment uploads",
    phase="create",
    why="CDK names a file in the bootstrap bucket by its content; one that is not in the assembly is nowhere.",
    fix="Synthesize again, so that template and files are of one version.",
    error="Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.",
    sources=("https://docs.aws.amazon.com/cdk/v2/guide/assets.html",),
    types=tuple(_CODE),
    look=look,
)
