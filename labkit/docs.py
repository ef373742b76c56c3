"""The generated parts of the documents: written from what they describe, and checked against it.

A document is generated as a whole, or between a pair of markers such as ``<!-- cost -->`` and ``<!-- /cost -->``.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import UserError

if TYPE_CHECKING:
    from labkit.assembly import Assembly
    from labkit.catalogue import Lab

RUN = "labs docs"


class Documents:
    """The documents under a folder, with their generated parts renewed one after the other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.texts: dict[Path, str] = {}

    def put(self, name: str, text: str) -> None:
        """Generate a document as a whole."""
        self.texts[self.root / name] = text if text.endswith("\n") else text + "\n"

    def fill(self, name: str, marker: str, text: str, *, optional: bool = False) -> None:
        """Generate what stands between the markers of a document that a person writes.

        Args:
            name: path below the root.
            marker: the word in ``<!-- word -->`` and ``<!-- /word -->``.
            text: Markdown.
            optional: leave a document without these markers as it is.

        Raises:
            UserError: the document or one of the markers is missing, or a marker stands there twice.
        """
        path = self.root / name
        if path not in self.texts and not path.is_file():
            raise UserError(f"{name}: missing. Write it, with the markers <!-- {marker} --> and <!-- /{marker} -->")
        found = self.texts.get(path) or path.read_text(encoding="utf-8")
        start, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
        if optional and start not in found and end not in found:
            return
        for mark in (start, end):
            if found.count(mark) != 1:
                raise UserError(
                    f"{name}: has the marker {mark} {found.count(mark)} times; it must stand there once, "
                    f"so that {RUN} can write between {start} and {end}"
                )
        before, rest = found.split(start)
        if end not in rest:
            raise UserError(f"{name}: the marker {end} stands before {start}; turn them round")
        self.texts[path] = f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}"


def generated(root: Path, assemblies: Iterable[Assembly]) -> dict[Path, str]:
    """Every document that is generated, or has a generated part, as it should be.

    Args:
        root: the top of the project.
        assemblies: every lab of the catalogue, synthesized.

    Raises:
        UserError: a document, a marker or a docstring is missing; the message names it.
    """
    from labkit.catalogue import find

    documents, labs = Documents(root), find(root)
    by_lab = {assembly.lab: assembly for assembly in assemblies}
    for lab in labs:
        if lab.name not in by_lab:
            raise UserError(f"{lab.name} is not synthesized, and documents describe every lab. Run: labs synth")
    for part in PARTS:
        part(documents, labs, by_lab)
    return documents.texts


def write(root: Path, assemblies: Iterable[Assembly] | None = None) -> list[Path]:
    """Renew the documents and tell which ones changed.

    Args:
        root: the top of the project.
        assemblies: every lab, synthesized; default: as they lie in ``cdk.out``.

    Raises:
        UserError: a lab is not synthesized, or a document cannot be generated.
    """
    changed = []
    for path, text in generated(root, _assemblies(root) if assemblies is None else assemblies).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def check(root: Path, assemblies: Iterable[Assembly] | None = None) -> list[str]:
    """One line for each document that is missing or differs from what would be generated.

    Args:
        root: the top of the project.
        assemblies: every lab, synthesized; default: as they lie in ``cdk.out``.

    Raises:
        UserError: a lab is not synthesized, or a document cannot be generated.
    """
    stale = []
    for path, text in sorted(generated(root, _assemblies(root) if assemblies is None else assemblies).items()):
        name = path.relative_to(root).as_posix()
        if not path.is_file():
            stale.append(f"{name}: missing. Run: {RUN}")
        elif path.read_text(encoding="utf-8") != text:
            stale.append(f"{name}: out of date. Run: {RUN}")
    return stale


def _assemblies(root: Path) -> list[Assembly]:
    from labkit.assembly import Assembly
    from labkit.catalogue import find

    return [Assembly.read(root / "cdk.out" / lab.name) for lab in find(root)]


def labs_table(documents: Documents, labs: tuple[Lab, ...], assemblies: Mapping[str, Assembly]) -> None:
    """The table of labs in the top README."""
    from labkit.catalogue import DOMAINS
    from labkit.cost import estimate
    from labkit.cost.markdown import table
    from labkit.cost.tables import per_hour

    rows = [
        {
            "lab": f"[{lab.name}](labs/{lab.name}/README.md)",
            "teaches": lab.teaches,
            "domain": f"{lab.domain} {DOMAINS[lab.domain]}",
            "minutes": str(lab.minutes),
            "USD per hour": per_hour(estimate(assemblies[lab.name])),
        }
        for lab in labs  # sorted by folder, whose name starts with the domain
    ]
    documents.fill("README.md", "labs", table(rows) if rows else "There is no lab yet.")


def lab_readmes(documents: Documents, labs: tuple[Lab, ...], assemblies: Mapping[str, Assembly]) -> None:
    """Steps, cost and settings in each lab's README, and its picture."""
    from labkit.cost import estimate
    from labkit.cost.markdown import markdown, table
    from labkit.diagram import render

    for lab in labs:
        readme = f"labs/{lab.name}/README.md"
        documents.fill(readme, "steps", steps_list(lab.steps, f"labs/{lab.name}"))
        documents.fill(readme, "cost", markdown(estimate(assemblies[lab.name])))
        if "<!-- settings -->" in documents.texts[documents.root / readme]:
            documents.fill(readme, "settings", table(_settings_of(lab)))
        documents.put(f"labs/{lab.name}/architecture.svg", render(assemblies[lab.name]))


def steps_list(steps: tuple[Path, ...], folder: str) -> str:
    """The steps as a numbered list, from their docstrings; the files are read, not run.

    Args:
        steps: the step files, in order.
        folder: the lab's folder as errors name it.

    Raises:
        UserError: a step has no docstring, or is no Python.
    """
    items = []
    for number, step in enumerate(steps, start=1):
        where = f"{folder}/steps/{step.name}"
        try:
            docstring = ast.get_docstring(ast.parse(step.read_text(encoding="utf-8")))
        except SyntaxError as error:
            raise UserError(f"{where}: not valid Python: {error}") from None
        if not docstring:
            raise UserError(f"{where}: has no docstring. Its first line is the step's title, the rest the instruction")
        title, _, instruction = docstring.partition("\n")
        indent = " " * (len(str(number)) + 2)
        body = "".join(f"{indent}{line}".rstrip() + "\n" for line in instruction.strip().splitlines())
        head = f"{number}. **{title.rstrip('.')}** ([{step.name}](steps/{step.name}))"
        items.append(f"{head}\n\n{body}".rstrip() if body else head)
    return "\n\n".join(items) if items else "This lab has no steps yet."


def _settings_of(lab: Lab) -> list[dict[str, str]]:
    """The settings that a lab's stack reads itself."""
    tree = ast.parse((lab.folder / "stack.py").read_text(encoding="utf-8"))
    read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    rows = [row for row in _from("labkit.synth", "settings_table")() if row["setting"] in read]
    return rows or [{"setting": "none of its own", "default": "", "allowed": "", "meaning": "see docs/settings.md"}]


def rules_page(documents: Documents, labs: tuple[Lab, ...], assemblies: Mapping[str, Assembly]) -> None:
    """The page of the review's rules."""
    documents.put("docs/rules.md", _from("labkit.review.rules_page", "render")())


def settings_page(documents: Documents, labs: tuple[Lab, ...], assemblies: Mapping[str, Assembly]) -> None:
    """The page of everything that a user may choose."""
    from labkit.cost.markdown import table

    rows = [{**row, "setting": f"`{row['setting']}`"} for row in _from("labkit.synth", "settings_table")()]
    intro = (
        "Set them in `settings.toml` at the top of the project. A value that is not allowed is refused before anything "
        "is created."
    )
    documents.put("docs/settings.md", f"# Settings\n\n{intro}\n\n{table(rows)}")


def commands_page(documents: Documents, labs: tuple[Lab, ...], assemblies: Mapping[str, Assembly]) -> None:
    """The page of the ``labs`` command, from its own help."""
    documents.put("docs/commands.md", commands(_from("labkit.cli", "app")))


def commands(app: Any) -> str:
    """A Typer application as Markdown: each command with its help, arguments and options."""
    import typer

    group: Any = typer.main.get_command(app)
    context = group.make_context("labs", [], resilient_parsing=True)
    parts = ["# Commands", _text(group.help)]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            inside = command.make_context(name, [], parent=context, resilient_parsing=True)
            usage = " ".join(["labs", name, *command.collect_usage_pieces(inside)])
            records = [param.get_help_record(inside) for param in command.get_params(inside)]
            listed = [f"- `{record[0].strip()}` {_text(record[1])}".rstrip() for record in records if record]
            parts += [f"## {name}", f"`{usage}`", _text(command.help), "\n".join(listed)]
    return "\n\n".join(part for part in parts if part)


def _text(text: str | None) -> str:
    return " ".join((text or "").replace("\f", "").split())


def _from(module: str, name: str) -> Any:
    """What a part of the project offers, imported only when a document needs it."""
    return getattr(importlib.import_module(module), name)


Part = Callable[[Documents, "tuple[Lab, ...]", "Mapping[str, Assembly]"], None]
PARTS: tuple[Part, ...] = (labs_table, lab_readmes, rules_page, settings_page, commands_page)
