"""The ``labs`` command."""

from __future__ import annotations

import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from labkit import catalogue
from labkit.console import console, notes, progress
from labkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from labkit.assembly import Assembly
    from labkit.catalogue import Lab

app = typer.Typer(
    help="Secure AWS machine-learning labs: read, synthesize, review and rehearse them without an account; "
    "deploy, run, verify and destroy them with one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

INTERRUPTED = 130

Name = Annotated[str, typer.Argument(metavar="LAB", help="A lab's folder name, such as d3_realtime_endpoint.")]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[LAB]...", help="Lab folder names; all when none is given.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting for this run, such as region=eu-west-1; repeatable."),
]


@app.command("list")
def list_labs(as_json: AsJson = False) -> None:
    """The catalogue, one line per lab."""
    labs = catalogue.find()
    if as_json:
        return _json([_record(lab) for lab in labs])
    _table("Labs", [{"lab": lab.name, "teaches": lab.teaches, "minutes": lab.minutes} for lab in labs])
    return None


@app.command()
def show(lab: Name, as_json: AsJson = False) -> None:
    """One lab on one page: what it teaches, what it needs, its steps."""
    found = catalogue.pick([lab])[0]
    if as_json:
        return _json(_record(found))
    out = console()
    out.print(f"[bold]{found.name}[/bold]  {found.title}", highlight=False)
    out.print(found.teaches, highlight=False)
    rows = [
        ("domain", f"{found.domain} {catalogue.DOMAINS[found.domain]}"),
        ("tasks", "; ".join(f"{task} {catalogue.TASKS[task]}" for task in found.tasks)),
        ("minutes", str(found.minutes)),
        ("needs", ", ".join(found.needs) or "no other lab"),
        ("availability", found.availability),
        ("quotas", "; ".join(f"{q.code} {q.name}: {q.needed} ({q.why})" for q in found.quotas) or "a new account's"),
        ("controls", ", ".join(found.controls)),
        ("read", f"labs/{found.name}/README.md"),
    ]
    for name, value in rows:
        out.print(f"  {name:<13}{value}", highlight=False, soft_wrap=True)
    out.print("Steps", highlight=False)
    for number, (_, title) in enumerate(_steps(found), start=1):
        out.print(f"  {number}. {title}", highlight=False)
    return None


@app.command()
def synth(
    labs: Names = None,
    settings: Set = None,
    validate: Annotated[bool, typer.Option(help="Also run CDK's own template validator.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write templates to cdk.out/, one line per lab: resources, cost per hour, findings."""
    from labkit.summary import summary

    rows = [
        {
            "lab": lab.name,
            **summary(assembly),
            "template": _short(assembly.folder / f"{assembly.stack}.template.json"),
        }
        for lab, assembly in _assemblies(labs, settings, validate=validate)
    ]
    if as_json:
        _json(rows)
    else:
        _table("Templates", rows)
    if any(row["open"] for row in rows):
        notes().print("There are open findings. Read them with: labs review", highlight=False)
        raise typer.Exit(1)


@app.command()
def review(
    labs: Names = None,
    settings: Set = None,
    out: Annotated[Path, typer.Option(help="Folder of the evidence.")] = Path("review"),
    since: Annotated[
        str | None, typer.Option(help="Show what changed since this commit, tag or branch.", metavar="REV")
    ] = None,
    assembly: Annotated[
        Path | None, typer.Option(help="Review this CDK assembly or folder of templates instead of the labs.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="With --assembly: where the templates are for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the evidence pack: HTML, CSV, JSON, SARIF, OSCAL.

    Exit code 1 on an open finding, 2 on an engine that did not run.
    """
    from datetime import UTC, datetime

    import labkit.review as reviewing

    if assembly is not None and (labs or settings or since):
        raise UserError("--assembly reviews one folder; it goes with neither labs, --set nor --since")
    if region is not None and assembly is None:
        raise UserError("--region goes with --assembly; for the labs say --set region=...")
    if assembly is not None:
        assemblies = reviewing.read_folder(assembly, region=region)
    else:
        assemblies = [found for _, found in _assemblies(labs, settings, validate=True)]
    with progress("Reviewing"):
        result = reviewing.review(assemblies, today=datetime.now(UTC).date(), out=out)
    if since is not None:
        _show_changes(since, [one.lab for one in assemblies], out, as_json=as_json)
    elif as_json:
        _json(result.summary())
    else:
        _table("Findings", result.summary())
        for row in result.open[:50]:
            console().print(f"open: {row.lab} {row.logical_id} {row.rule}: {row.evidence}", highlight=False)
        console().print(f"Evidence: {out / 'review.html'}", highlight=False)
    if result.open:
        raise typer.Exit(1)


def _show_changes(revision: str, labs: list[str], out: Path, *, as_json: bool) -> None:
    """What the evidence says now and did not say in an older version."""
    import json
    from dataclasses import asdict

    from labkit.review.since import changes, evidence_at

    with progress(f"Reviewing {revision}"):
        before = evidence_at(revision, labs)
    found = changes(before, json.loads((out / "evidence.json").read_text(encoding="utf-8")))
    rows = [asdict(change) for change in found]
    (out / "changes.json").write_text(
        json.dumps({"since": revision, "changes": rows}, indent=1) + "\n", encoding="utf-8"
    )
    if as_json:
        _json(rows)
        return
    if rows:
        _table(f"Changed since {revision}", rows)
    console().print(
        f"{len(rows)} changes since {revision}, {sum(change.worse for change in found)} for the worse. All: {out / 'changes.json'}",
        highlight=False,
    )


@app.command()
def cost(lab: Name, settings: Set = None, as_json: AsJson = False) -> None:
    """What a lab costs per hour, per month if forgotten, and after it is destroyed."""
    from labkit.cost import estimate, tables

    (_, assembly), *_ = _assemblies([lab], settings)
    found = estimate(assembly)
    if as_json:
        sys.stdout.write(found.to_json() + "\n")
        return
    out = console()
    for title, rows in (("While it runs", tables.running(found)), ("By use", tables.driven(found))):
        _table(title, rows)
    out.print(f"per hour   USD {found.hourly:.4f}, up to {found.hourly_most:.4f} when scaled out", highlight=False)
    out.print(f"per month  USD {found.monthly:.2f} if forgotten (730 hours)", highlight=False)
    out.print(f"after destroy  USD {found.after_destroy_monthly:.2f} per month", highlight=False)
    for left in found.after_destroy:
        out.print(f"  stays: {left}", highlight=False)
    for note in found.notes:
        out.print(f"note: {note}", highlight=False, soft_wrap=True)


@app.command()
def rehearse(
    labs: Names = None,
    everything: Annotated[bool, typer.Option("--all", help="Every lab.")] = False,
    loop: Annotated[
        bool,
        typer.Option("--loop", help="The story of several labs at once: train, drift, retrain, roll out, roll back."),
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the emulator on 127.0.0.1; 0 picks a free one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Deploy, run, verify and destroy a lab on emulated AWS on this machine; no account, no network."""
    _need("moto", "duckdb", "pytest", "xgboost", what="A rehearsal")
    from labkit.rehearsal.runner import rehearse_labs

    if loop:
        if labs or everything:
            raise UserError("--loop is a story of its own; it goes with neither labs nor --all")
        return _rehearse_loop(port=port, as_json=as_json)
    if not labs and not everything:
        raise UserError("Name a lab, or say --all. See: labs list")
    pairs = _assemblies(labs, None)
    reports = rehearse_labs(pairs, port=port, say=lambda text: notes().print(text, highlight=False))
    if as_json:
        _json([report.record() for report in reports])
    else:
        for report in reports:
            report.show(console())
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def _rehearse_loop(*, port: int, as_json: bool) -> None:
    """The closed loop, with what was announced when."""
    from labkit.rehearsal.loop import FOLDER, rehearse_loop
    from labkit.synth import synth as make

    told = rehearse_loop(
        assemblies=lambda lab, given: make([lab], given=given, out=FOLDER / "assemblies", file=None)[0].assembly,
        port=port,
        say=lambda text: notes().print(text, highlight=False),
    )
    if as_json:
        sys.stdout.write(told.to_json() + "\n")
    else:
        _table("Timeline (emulated time)", told.story)
        acts = [
            {"act": number, "what": act.title, "seconds": f"{act.seconds:.1f}", "how": act.problem or "well"}
            for number, act in enumerate(told.acts, start=1)
        ]
        _table("Acts", acts)
        for one in told.kept:
            console().print(f"kept by AWS: {one['kind']} {one['identifier']}: {one['kept']}", highlight=False)
        for problem in [*told.problems, *(f"left: {one['kind']} {one['identifier']}" for one in told.leftovers)]:
            console().print(f"FAILED {problem}", highlight=False)
    if not told.ok:
        raise typer.Exit(1)


@app.command()
def doctor(lab: Name, settings: Set = None, as_json: AsJson = False) -> None:
    """Is the account ready? Credentials, region, bootstrap, quotas, closed services."""
    from labkit.sandbox.doctor import examine

    (found, assembly), *_ = _assemblies([lab], settings)
    with progress("Asking AWS"):
        checks = examine(found, assembly)
    if as_json:
        _json([asdict(check) for check in checks])
    else:
        _table(f"Account for {found.name}", [asdict(check) for check in checks])
    if any(check.state == "bad" for check in checks):
        raise typer.Exit(1)


@app.command()
def deploy(
    lab: Name,
    settings: Set = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before creating what costs money.")] = False,
) -> None:
    """Create the lab in your account; it deletes itself after the setting hours_to_live."""
    from labkit import sandbox
    from labkit.cost import estimate

    (found, assembly), *_ = _assemblies([lab], settings)
    price = estimate(assembly)
    hours = int(assembly.settings["hours_to_live"])
    ends = f"deletes itself after {hours} hours" if hours else "stays until you destroy it"
    console().print(
        f"{found.name}: USD {price.hourly:.2f} per hour, {price.monthly:.0f} per month if forgotten; {ends}.",
        highlight=False,
    )
    if not yes and not typer.confirm("Create it?"):
        raise typer.Exit(1)
    with progress(f"Deploying {found.name}"):
        given = sandbox.deploy(assembly, hours_to_live=hours, report=_line)
    _table("Outputs", [{"output": name, "value": value} for name, value in sorted(given.items())])
    console().print(f"Next: labs run {found.name}", highlight=False)


@app.command()
def run(
    lab: Name,
    steps: Annotated[list[str] | None, typer.Argument(metavar="[STEP]...", help="Numbers such as 03.")] = None,
    settings: Set = None,
) -> None:
    """Run the lab's steps against what is deployed."""
    _need("pyarrow", "matplotlib", "xgboost", what="Running steps")
    from labkit import sandbox

    (found, assembly), *_ = _assemblies([lab], settings)
    for done in sandbox.run_steps(found, assembly, only=steps or (), report=_line):
        if done.problem:
            _fail(
                f"Step {done.name} failed: {done.problem}\nMend the cause, then: labs run {found.name} {done.name[:2]}"
            )
    console().print(f"Next: labs verify {found.name}", highlight=False)


@app.command()
def verify(lab: Name, settings: Set = None, as_json: AsJson = False) -> None:
    """Check every claim of the lab against what is deployed."""
    _need("pytest", "xgboost", what="Verifying")
    from labkit import sandbox

    (found, assembly), *_ = _assemblies([lab], settings)
    with progress("Verifying"):
        claims = sandbox.verify(found, assembly)
    if as_json:
        _json([asdict(claim) for claim in claims])
    else:
        _table("Claims", [{"claim": c.title, "holds": c.problem or "yes"} for c in claims])
    if any(claim.problem for claim in claims):
        raise typer.Exit(1)


@app.command()
def destroy(lab: Name, settings: Set = None) -> None:
    """Remove the lab from your account, also a half-made one, and list what stayed."""
    from labkit import sandbox

    (found, assembly), *_ = _assemblies([lab], settings)
    with progress(f"Destroying {found.name}"):
        sandbox.destroy(found, assembly, report=_line)
        left = sandbox.leftovers(found, assembly)
    if left:
        _table("Still there", [asdict(item) for item in left])
    if any(item.costs for item in left):
        _fail("Something that costs money is still there. Run the command again, or remove it by hand.")
    console().print("Nothing that costs money is left.", highlight=False)


@app.command()
def docs(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when a document is stale.")] = False,
) -> None:
    """Write the generated parts of the documents."""
    from labkit import docs as documents

    assemblies = [assembly for _, assembly in _assemblies(None, None)]
    if not check:
        documents.write(catalogue.ROOT, assemblies)
        return
    stale = documents.check(catalogue.ROOT, assemblies)
    for line in stale:
        console().print(line, highlight=False)
    if stale:
        raise typer.Exit(1)


def main() -> None:
    """Run the command; a person's mistake is one message and exit code 2."""
    import click

    try:
        # Without standalone mode typer.Exit comes back as a number, not as an exception; so does Ctrl-C.
        code = app(standalone_mode=False) or 0
    except UserError as error:
        _stop(str(error), 2)
    except typer.Abort:
        _stop("Stopped.", 1)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is to end what was started
    if code == INTERRUPTED:
        _stop("Interrupted.", code)
    sys.exit(code)


def _assemblies(
    names: Sequence[str] | None, settings: Sequence[str] | None, *, validate: bool = False
) -> list[tuple[Lab, Assembly]]:
    """Synthesized labs, made now if they have changed."""
    from labkit.synth import synth as make

    labs = catalogue.pick(names or [])
    with progress("Synthesizing") as tell:
        outcomes = make(
            labs, given=_given(settings), validate=validate, progress=lambda lab: tell(f"Synthesizing {lab.name}")
        )
    return [(outcome.lab, outcome.assembly) for outcome in outcomes]


def _need(*modules: str, what: str) -> None:
    """Tell how to install what only some commands use.

    Raises:
        UserError: a module is missing.
    """
    from importlib.util import find_spec

    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise UserError(
            f"{what} needs {', '.join(missing)}, which `make synth` does not install. Run: make .venv/.test"
        )


def _given(settings: Sequence[str] | None) -> dict[str, Any]:
    """``name=value`` texts as settings; a value that is JSON is read as such."""
    import json

    given: dict[str, Any] = {}
    for text in settings or []:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UserError(f"--set {text!r}: write NAME=VALUE, such as --set region=eu-west-1")
        try:
            given[name] = json.loads(value)
        except ValueError:
            given[name] = value
    return given


def _steps(lab: Lab) -> list[tuple[Path, str]]:
    import ast

    found = []
    for path in lab.steps:
        text = ast.get_docstring(ast.parse(path.read_text())) or path.stem
        found.append((path, text.splitlines()[0]))
    return found


def _record(lab: Lab) -> dict[str, Any]:
    record = asdict(lab)
    return {"name": lab.name, "stack": lab.stack, **record, "folder": f"labs/{lab.name}"}


def _table(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Rows with the same keys: a coloured table in a terminal, tab-separated lines in a pipe."""
    if not sys.stdout.isatty():  # asked without rich, which a pipe does not need
        for row in rows:
            sys.stdout.write("\t".join(str(value) for value in row.values()) + "\n")
        return
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in rows[0] if rows else []:
        table.add_column(name.replace("_", " "))
    for row in rows:
        style = "red" if row.get("open") or row.get("state") == "bad" else None
        table.add_row(*(str(value) for value in row.values()), style=style)
    console().print(table)


def _json(value: Any) -> None:
    import json

    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def _line(text: str) -> None:
    notes().print(text, highlight=False, soft_wrap=True)


def _short(path: Path) -> str:
    return str(path.relative_to(catalogue.ROOT)) if path.is_relative_to(catalogue.ROOT) else str(path)


def _fail(message: str) -> NoReturn:
    _stop(message, 1)


def _stop(message: str, code: int) -> NoReturn:
    notes().print(message, style="red" if code != INTERRUPTED else None, highlight=False, soft_wrap=True, markup=False)
    sys.exit(code)


if __name__ == "__main__":
    main()
