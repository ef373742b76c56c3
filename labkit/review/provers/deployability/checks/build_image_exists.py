"""The image that a build runs in is one that CodeBuild provides, or is written as an image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from labkit.review.provers.deployability.kit.check import Check, Fault
from labkit.review.provers.deployability.kit.tables import table
from labkit.review.provers.deployability.kit.view import View
from stacks.rules.kit.template import Resource

_OURS = "aws/codebuild/"
_TAGS: dict[str, list[str]] = {
    repository: row["tags"] for row in table("build_images")["image"] for repository in row["repositories"]
}
_OLDER = frozenset(table("build_images")["older"])
_BUILD = re.compile(r"-\d[\d.]*$")
# Source: https://github.com/distribution/reference (the grammar of image references)
_NAME = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/)?{_NAME}(?:/{_NAME})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)


def look(resource: Resource, view: View) -> Iterable[Fault]:
    for path, value in view.listed(resource, "Environment.Image"):
        image = view.plain(value)
        if image is None:
            continue
        if image.startswith(_OURS) and not image.startswith(f"{_OURS}ami/"):
            yield from _provided(path, image)
        elif len(image) < 1000 and not _REFERENCE.fullmatch(image):
            yield Fault(path, image, "this is not written as an image's name is: registry/repository:tag")


def _provided(path: str, image: str) -> Iterator[Fault]:
    repository, _, tag = image.removeprefix(_OURS).partition(":")
    if repository in _OLDER:
        return
    tags = _TAGS.get(repository)
    if tags is None:
        yield Fault(path, image, f"CodeBuild provides no images under {_OURS}{repository}")
    elif tag not in tags and _BUILD.sub("", tag) not in tags:
        # CodeBuild may have added one since the table was read.
        what = f"of {_OURS}{repository} the tags {', '.join(tags)} are known"
        yield Fault(path, image, what, undecided=bool(tag))


CHECK = Check(
    id="deploy-build-image-exists",
    title="The image that a build runs in exists",
    phase="first-use",
    why="The schema takes any text as an image; the build looks for it when it begins.",
    fix="Use an image of the table of images that CodeBuild provides, or the full name of another one.",
    error="BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE: Unable to pull customer's container image",
    sources=(
        "https://docs.aws.amazon.com/codebuild/latest/userguide/ec2-compute-images.html",
        "https://docs.aws.amazon.com/codebuild/latest/userguide/lambda-compute-images.html",
        "https://docs.aws.amazon.com/codebuild/latest/userguide/deprecated-images.html",
        "https://github.com/aws/aws-codebuild-docker-images",
    ),
    types=("AWS::CodeBuild::Project",),
    look=look,
)
