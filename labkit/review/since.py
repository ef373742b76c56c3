"""What changed in the evidence between two versions of the project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.catalogue import ROOT
from labkit.errors import UserError
from labkit.review.evidence import STATUSES

_TOLD = ("status", "reason", "review_by", "evidence")


@dataclass(frozen=True, order=True)
class Change:
    """One finding or pass that is not what it was.

    Args:
        lab: folder name.
        rule: engine and rule.
        resource: logical id, or the stack.
        before: status in the older version; ``absent`` if there was no such row.
        after: status now; ``absent`` if there is no such row.
        what: for people: what is different.
    """

    lab: str
    rule: str
    resource: str
    before: str
    after: str
    what: str

    @property
    def worse(self) -> bool:
        """Whether it stands in the way now and did not before."""
        return self.after in ("open", "unknown") and self.before not in ("open", "unknown")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Compare two evidence files, worst first. Rows that had nothing to look at count as absent."""
    old, new = _keyed(before["evidence"]), _keyed(after["evidence"])
    found = []
    for key in old.keys() | new.keys():
        was, now = old.get(key), new.get(key)
        if was is None or now is None or any(was[name] != now[name] for name in _TOLD):
            one = now or was or {}
            found.append(
                Change(
                    lab=one["lab"],
                    rule=f"{one['engine']} {one['rule']}",
                    resource=one["logical_id"] or one["stack"],
                    before=was["status"] if was else "absent",
                    after=now["status"] if now else "absent",
                    what=_what(was, now),
                )
            )
    return sorted(found, key=lambda one: (not one.worse, one))


def evidence_at(revision: str, labs: Sequence[str]) -> dict[str, Any]:
    """Synthesize and review an older version of the project beside this one.

    Args:
        revision: a commit, tag or branch of the project's git history.
        labs: folder names; those that the older version lacks are left out.

    Raises:
        UserError: there is no such version, or it cannot be reviewed with what is installed.
    """
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise UserError(f"--since {revision}: no such commit, tag or branch of this project. See: git log --oneline")
    with tempfile.TemporaryDirectory(prefix="labs-since-") as name:
        place = Path(name) / "project"
        _git("worktree", "add", "--detach", "--force", str(place), commit)
        try:
            there = [lab for lab in labs if (place / "labs" / lab / "lab.toml").exists()]
            if not there:
                return {"evidence": []}
            return _review(place, there, revision)
        finally:
            _git("worktree", "remove", "--force", str(place))


def _review(place: Path, labs: Sequence[str], revision: str) -> dict[str, Any]:
    out = place / "review"
    command = [sys.executable, "-m", "labkit.cli", "review", *labs, "--out", str(out)]
    ran = subprocess.run(
        command, cwd=place, env=os.environ | {"PYTHONPATH": str(place)}, capture_output=True, text=True, check=False
    )
    try:
        content: dict[str, Any] = json.loads((out / "evidence.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = (ran.stderr or ran.stdout).strip().splitlines()
        raise UserError(
            f"--since {revision}: that version could not be reviewed with what is installed: {said[-1] if said else ''}"
        ) from None
    return content


def _git(*arguments: str) -> str:
    try:
        ran = subprocess.run(
            [shutil.which("git") or "", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        raise UserError("--since compares with the git history; git is not installed") from None
    return ran.stdout.strip()


def _keyed(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], Mapping[str, Any]]:
    """The worst row of each finding; what a rule had nothing to look at is no finding."""
    found: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for row in rows:
        if row["status"] == "not applicable":
            continue
        key = (row["lab"], row["engine"], row["rule"], row["logical_id"], row["finding"])
        if key not in found or STATUSES.index(row["status"]) < STATUSES.index(found[key]["status"]):
            found[key] = row
    return found


def _what(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str:
    if was is None or now is None:
        one = now or was or {}
        return str(one["evidence"])
    return "; ".join(
        f"{name}: {was[name] or 'none'} -> {now[name] or 'none'}" for name in _TOLD if was[name] != now[name]
    )
