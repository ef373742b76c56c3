"""A lab's assembly, checked once for all engines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from labkit.assembly import RECORD, Assembly
from labkit.catalogue import ROOT
from labkit.errors import UserError
from labkit.review import places
from labkit.review.foreign import Foreign
from stacks.rules import Template


@dataclass(frozen=True)
class Lab:
    """What the engines read of one lab.

    Args:
        assembly: the synthesized lab.
    """

    assembly: Assembly

    @property
    def foreign(self) -> bool:
        """Whether it is a template of somebody else, with neither construct tree nor acceptances."""
        return isinstance(self.assembly, Foreign)

    @cached_property
    def template(self) -> Template:
        """The template.

        Raises:
            UserError: it is missing, or it is no template.
        """
        try:
            return Template(self.assembly.template)
        except ValueError as error:
            raise UserError(f"{self._file}: {error}{self._again}") from None
        except RecursionError:
            raise UserError(f"{self._file}: nested too deeply to read{self._again}") from None

    @cached_property
    def _paths(self) -> dict[str, str]:
        return self.assembly.paths

    def path(self, logical_id: str) -> str:
        """The construct path of a resource, from the stack on."""
        below = self._paths.get(logical_id, "")
        return f"{self.assembly.stack}/{below}" if below else ""

    @cached_property
    def _known(self) -> dict[str, dict[str, Any]]:
        return {}

    def about(self, logical_id: str) -> dict[str, Any]:
        """The columns of a row that say which resource it is about."""
        if logical_id not in self._known:
            self._known[logical_id] = self._about(logical_id)
        return self._known[logical_id]

    def _about(self, logical_id: str) -> dict[str, Any]:
        resource = self.template.resources.get(logical_id)
        file, line = self._place(logical_id)
        return {
            "lab": self.assembly.lab,
            "stack": self.assembly.stack,
            "logical_id": logical_id,
            "type": resource.type if resource else "",
            "path": self.path(logical_id),
            "file": file,
            "line": line,
        }

    def _place(self, logical_id: str) -> tuple[str, int]:
        """The file and the line where a resource comes from."""
        if self.foreign:
            return self._file, places.declared_at(self.assembly.template_file).get(logical_id, 1)
        stack = f"labs/{self.assembly.lab}/stack.py"
        return stack, places.line_of(ROOT / stack, self._paths.get(logical_id, ""))

    def damaged(self, part: str, entry: Any) -> UserError:
        """The error for an entry of the lab's record that is not as synthesis writes it."""
        return UserError(
            f"{self.assembly.folder / RECORD}: an entry of {part} is not understood: {str(entry)[:200]}. "
            f"Run: labs synth {self.assembly.lab}"
        )

    @property
    def _file(self) -> str:
        return self.assembly.template_file.as_posix()

    @property
    def _again(self) -> str:
        return "" if self.foreign else f". Run: labs synth {self.assembly.lab}"
