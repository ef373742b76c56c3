"""Code that runs right after a module is imported, so that what nobody needs is never imported."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

Patch = Callable[[ModuleType], None]
_waiting: dict[str, list[Patch]] = {}


def on_import(name: str, patch: Patch) -> None:
    """Call ``patch(module)`` right after ``name`` is imported, at once if it is imported already."""
    module = sys.modules.get(name)
    # A module still executing its own body has no finished spec yet: its patches wait.
    if module is not None and not getattr(module.__spec__, "_initializing", False):
        patch(module)
        return
    _waiting.setdefault(name, []).append(patch)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Wraps the loader of a module that somebody waits for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _waiting:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            spec.loader = _Patching(spec.loader)
        return spec


class _Patching(Loader):
    """The real loader, then the patches."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        for patch in _waiting.pop(module.__name__, []):
            patch(module)
