"""Archives that a stack deploys with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.packing import packed
from stacks.secure.names import stack_of, sub_text


class Archive(assets.Asset):
    """Files packed with the same bytes everywhere, in the bootstrap bucket before anything that needs them is created.

    Args:
        kind: ``zip`` for functions, ``pyz`` for programs that Python runs as they are, ``tar.gz`` for models.
        sources: file or folder to the folder it gets in the archive (``""`` is the top).

    Raises:
        FileNotFoundError: a source is missing.
    """

    def __init__(
        self, scope: Construct, id: str, *, kind: Literal["zip", "pyz", "tar.gz"], sources: Mapping[Path, str]
    ) -> None:
        super().__init__(scope, id, path=str(packed(kind, sources)))
        bucket = f"cdk-hnb659fds-assets-${{AWS::AccountId}}-{stack_of(scope).settings.region}"
        self.key: str = self.s3_object_key
        self.bucket_name_ = sub_text(bucket)
        self.uri = sub_text(f"s3://{bucket}/{self.key}")
