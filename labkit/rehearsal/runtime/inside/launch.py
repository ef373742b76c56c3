"""Becomes a job's program: with ``/opt/ml`` of its own, without a network if it is isolated, with limited memory.

Started as ``python -I launch.py SETTINGS REPORT``: settings as JSON, and the file descriptor on which it tells in one
line how the places and the network were arranged, before it turns into the program.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from typing import Any

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG = 1
_HERE = os.path.dirname(os.path.abspath(__file__))
_PLACE = "/opt/ml"


def main() -> None:
    """Arrange what the settings ask for, report it, and become the program."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    report = int(sys.argv[2])
    libc = ctypes.CDLL(None, use_errno=True)
    how = _arrange(libc, settings)
    command, environment = settings["command"], settings["environment"]
    folder = settings["folder"]
    if how["places"] != "bind mount":
        # The folder of the rehearsal stands for the place, in whatever text names it.
        own = os.path.join(settings["root"], "ml")
        command = [text.replace(_PLACE, own) for text in command]
        environment = {name: text.replace(_PLACE, own) for name, text in environment.items()}
        folder = folder.replace(_PLACE, own)
        os.umask(0o022)
    guard: dict[str, Any] = {}
    if how["places"] != "bind mount":
        guard["places"] = {_PLACE: os.path.join(settings["root"], "ml")}
    if how["network"] == "audit hook":
        guard["isolated"] = True
    elif settings["port"]:
        guard["port"] = settings["port"]
    if guard:
        path = [os.path.join(_HERE, "guarded"), *filter(None, [environment.get("PYTHONPATH")])]
        environment = {**environment, "PYTHONPATH": os.pathsep.join(path), "REHEARSAL_GUARD": json.dumps(guard)}
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory"], settings["memory"]))
    # After the namespaces: a change of credentials forgets it.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        os.set_inheritable(report, False)
        os.write(report, json.dumps(how).encode() + b"\n")
        os.execvpe(command[0], command, environment)  # noqa: S606 - the job's own program
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _arrange(libc: Any, settings: dict[str, Any]) -> dict[str, str]:
    wanted = _CLONE_NEWNS | (_CLONE_NEWNET if settings["isolated"] else 0)
    isolated = "audit hook" if settings["isolated"] else ""
    if not settings["namespaces"] or not _enter(libc, wanted):
        return {"places": "rewritten paths", "network": isolated}
    isolated = "namespace" if settings["isolated"] else ""
    try:
        _mount_own_opt(libc, settings["root"])
    except OSError:
        return {"places": "rewritten paths", "network": isolated}
    return {"places": "bind mount", "network": isolated}


def _enter(libc: Any, namespaces: int) -> bool:
    if libc.unshare(namespaces) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    if libc.unshare(namespaces | _CLONE_NEWUSER) != 0:
        return False
    try:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    except OSError:
        return False
    return True


def _mount_own_opt(libc: Any, root: str) -> None:
    """Put ``root`` in the place of ``/opt``, with whatever else ``/opt`` holds still there."""

    def mount(source: str, target: str, flags: int) -> None:
        if libc.mount(source.encode(), target.encode(), None, flags, None) != 0:
            raise OSError(ctypes.get_errno(), f"mount {target}")

    mount("none", "/", _MS_REC | _MS_PRIVATE)
    for entry in os.scandir("/opt"):
        own = os.path.join(root, entry.name)
        if entry.name == "ml" or os.path.lexists(own):
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), own)
        elif entry.is_dir():
            os.mkdir(own)
            mount(entry.path, own, _MS_BIND | _MS_REC)
        else:
            with open(own, "w", encoding="ascii"):
                pass
            mount(entry.path, own, _MS_BIND)
    mount(root, "/opt", _MS_BIND | _MS_REC)


if __name__ == "__main__":
    main()
