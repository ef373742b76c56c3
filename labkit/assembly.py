"""A synthesized lab on disk: the only thing that review, cost, diagram and rehearsal read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.errors import UserError

RECORD = "lab.json"


@dataclass(frozen=True)
class Asset:
    """A file that deployment uploads to the bootstrap bucket.

    ``bucket`` still holds ``${AWS::AccountId}``, ``${AWS::Region}`` and ``${AWS::Partition}``.
    """

    path: Path
    bucket: str
    key: str


@dataclass(frozen=True)
class Assembly:
    """One lab's cloud assembly with the record that synthesis left beside it.

    Args:
        folder: ``cdk.out/<lab folder>``.
        record: the content of ``lab.json``.
    """

    folder: Path
    record: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> Assembly:
        """Read an assembly.

        Raises:
            UserError: there is none, or it is damaged, or another version wrote it.
        """
        try:
            record = json.loads((folder / RECORD).read_text())
            missing = {"lab", "stack", "region", "partition", "findings", "accepted", "versions"} - record.keys()
        except FileNotFoundError:
            raise UserError(f"{folder}: no synthesized lab there. Run: labs synth {folder.name}") from None
        except (ValueError, AttributeError):
            raise UserError(f"{folder / RECORD}: not readable as JSON. Run: labs synth {folder.name}") from None
        if missing:
            raise UserError(
                f"{folder / RECORD}: written by another version (lacks {', '.join(sorted(missing))}). "
                f"Run: labs synth {folder.name}"
            )
        return cls(folder, record)

    @property
    def lab(self) -> str:
        """The lab's folder name, such as ``d3_realtime_endpoint``."""
        return str(self.record["lab"])

    @property
    def stack(self) -> str:
        """The CloudFormation stack name."""
        return str(self.record["stack"])

    @property
    def region(self) -> str:
        return str(self.record["region"])

    @property
    def partition(self) -> str:
        return str(self.record["partition"])

    @property
    def settings(self) -> dict[str, Any]:
        return dict(self.record.get("settings", {}))

    @property
    def paths(self) -> dict[str, str]:
        """Logical id to construct path below the stack."""
        return dict(self.record.get("paths", {}))

    @property
    def findings(self) -> list[dict[str, Any]]:
        """Findings of the six cdk-nag packs."""
        return list(self.record["findings"])

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """Findings accepted beside their cause, with reason and review date."""
        return list(self.record["accepted"])

    @property
    def versions(self) -> dict[str, str]:
        return dict(self.record["versions"])

    @property
    def template_file(self) -> Path:
        """The file of the CloudFormation template."""
        return self.folder / f"{self.stack}.template.json"

    @cached_property
    def template(self) -> dict[str, Any]:
        """The CloudFormation template."""
        return self._json(self.template_file.name)

    @cached_property
    def assets(self) -> list[Asset]:
        """Files to upload before deployment; the template itself is not among them."""
        found = []
        for entry in self._json(f"{self.stack}.assets.json")["files"].values():
            source = entry["source"]["path"]
            if not source.endswith(".template.json"):
                for place in entry["destinations"].values():
                    found.append(Asset(self.folder / source, place["bucketName"], place["objectKey"]))
        return found

    def _json(self, name: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads((self.folder / name).read_text())
        except (FileNotFoundError, ValueError) as error:
            raise UserError(f"{self.folder / name}: missing or damaged ({error}). Run: labs synth {self.lab}") from None
        return content
