"""Colour and progress in a terminal, plain text in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@cache
def console() -> Console:
    """Where results go."""
    from rich.console import Console

    found = Console()
    # A pipe has no width: lines are kept whole there.
    return found if found.is_terminal else Console(width=200, no_color=True)


@cache
def notes() -> Console:
    """Where progress and warnings go, so that results can be piped."""
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """Show that something takes a while; yields a function that changes the text. Silent in a pipe."""
    if not notes().is_terminal:
        yield lambda text: None
        return
    with notes().status(what) as status:
        yield lambda text: status.update(text)
