"""Mutates labs and tells which mutants no rule and no prover names: ``python -m labkit.review.mutation [LAB ...]``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from labkit.assembly import RECORD, Assembly
from labkit.catalogue import ROOT
from labkit.errors import UserError
from labkit.review.mutation import REQUIRED, every_operator
from labkit.review.mutation.guarding import asked_again
from labkit.review.mutation.mutants import Mutant, mutants, sampled
from labkit.review.mutation.running import Result, run
from labkit.review.mutation.score import as_data, scores, survivors

_SHOWN = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if enough mutants of all labs together were named, 1 if not, 2 if a lab could not be read."""
    given = _parser().parse_args(arguments)
    try:
        folders = _folders(given.labs, given.out)
        chosen = [one for folder in folders.values() for one in mutants(Assembly.read(folder))]
        if given.sample:
            chosen = sorted(sampled(chosen, given.sample), key=lambda one: one.lab)
        results = list(_watched(run(chosen, folders, processes=given.processes), chosen))
        if not given.without_guard:
            results = asked_again(results, folders)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(as_data(results), indent=2))
    else:
        _tell(results)
    return 0 if scores(results)[-1].enough else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labkit.review.mutation", description=__doc__)
    parser.add_argument("labs", nargs="*", metavar="LAB", help="folder names; default: every synthesized lab")
    parser.add_argument("--sample", type=int, metavar="N", help="N mutants of each operator, the same in every run")
    parser.add_argument("--json", action="store_true", help="scores, survivors and equivalents as JSON")
    parser.add_argument("--without-guard", action="store_true", help="do not ask the Guard rules about survivors")
    parser.add_argument("--out", type=Path, default=ROOT / "cdk.out", help="where the labs are synthesized to")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one per core")
    return parser


def _folders(labs: Sequence[str], out: Path) -> dict[str, Path]:
    known = {file.parent.name: file.parent for file in sorted(out.glob(f"*/{RECORD}"))}
    if missing := [lab for lab in labs if lab not in known]:
        raise UserError(
            f"{out}: no synthesized lab {', '.join(missing)}; there are {', '.join(known) or 'none'}. Run: labs synth"
        )
    if not known:
        raise UserError(f"{out}: no synthesized lab there. Run: labs synth")
    return {name: folder for name, folder in known.items() if not labs or name in labs}


def _watched(results: Iterator[Result], chosen: Sequence[Mutant]) -> Iterator[Result]:
    """Show how far it got, on a terminal."""
    if not sys.stderr.isatty():
        yield from results
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(results, "Judging mutants", total=len(chosen), console=Console(stderr=True), transient=True)


def _tell(results: list[Result]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True)
    table = Table(title=f"Mutants of {len(every_operator())} operators", title_justify="left", box=None)
    for name in ("lab", "mutants", "named", "survived", "equivalent", "score"):
        table.add_column(name, justify="left" if name == "lab" else "right")
    for one in scores(results):
        colour = "green" if one.enough else "red"
        share = f"[{colour}]{one.share:.1%}[/]"
        table.add_row(one.lab, str(one.mutants), str(one.named), str(one.survived), str(one.equivalent), share)
    console.print(table)
    titles = {one.id: one for one in every_operator()}
    for operator, found in survivors(results).items():
        told = titles[operator]
        console.print(f"\n[bold]{operator}[/]: {len(found)} survived. {told.title} ({told.breaks})")
        for result in found[:_SHOWN]:
            mutant = result.mutant
            place = f"  {mutant.lab}  {mutant.type}  {mutant.place}  {result.told}".rstrip()
            console.print(place, markup=False, highlight=False)
        if len(found) > _SHOWN:
            console.print(f"  and {len(found) - _SHOWN} more: --json lists all")
    if not scores(results)[-1].enough:
        console.print(f"\n[red]At least {REQUIRED:.0%} of all mutants must be named.[/]")


if __name__ == "__main__":
    raise SystemExit(main())
