"""What a worker may not do: reach the network, outgrow its memory, outlive its parent, see the real /opt."""

from __future__ import annotations

import builtins
import ctypes
import io
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_NAMING = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
_TALKING = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
_LEAVING = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"})


def isolate_network() -> str:
    """Cut this process and its children off every network; returns how: ``namespace`` or ``audit hook``.

    A network namespace of its own is the kernel's word. Where the kernel does not grant one, an audit hook refuses to
    connect, and refuses to start other programs, which a hook could not follow. The hook is set in both cases: it also
    covers sockets in the file system, which a namespace does not.
    """
    own_namespace = _unshare(_CLONE_NEWNET) or _unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    refused = _NAMING | _TALKING | (frozenset() if own_namespace else _LEAVING)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in refused:
            raise PermissionError(f"network isolation is on: {event} is refused")

    sys.addaudithook(refuse)
    return "namespace" if own_namespace else "audit hook"


def only_connect_to(port: int) -> None:
    """Let this process connect to ``port`` on loopback and to nothing else."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect":
            return
        address = arguments[1]
        allowed = isinstance(address, tuple) and address[0] in ("127.0.0.1", "::1", "localhost") and address[1] == port
        if not allowed:
            raise PermissionError(f"in a rehearsal only the emulator can be reached: {address!r} is refused")

    sys.addaudithook(refuse)


def limit_memory(size: int) -> None:
    """Let this process map at most ``size`` bytes."""
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def die_with_parent(every: float = 2.0) -> None:
    """End this process soon after its parent has ended, also while it computes."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def map_paths(places: dict[str, str]) -> None:
    """Have Python's own file functions find ``/opt/...`` in a folder of the rehearsal.

    Code in C that opens a file by itself is not mapped; it gets real paths from the environment and the arguments.
    """

    def mapped(path: Any) -> Any:
        if isinstance(path, (str, os.PathLike)):
            text = os.fspath(path)
            if isinstance(text, str):
                for prefix, folder in places.items():
                    if text == prefix or text.startswith(prefix + "/"):
                        return folder + text[len(prefix) :]
        return path

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *arguments: Any, **named: Any) -> Any:
            return function(mapped(path), *arguments, **named)

        return call

    builtins.open = io.open = wrap(builtins.open)
    for name in ("open", "stat", "lstat", "listdir", "scandir", "mkdir", "access"):
        setattr(os, name, wrap(getattr(os, name)))


def usage() -> dict[str, float]:
    """What this process has used so far: CPU seconds and resident bytes."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            resident = int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        resident = used.ru_maxrss * 1024
    return {"cpu": used.ru_utime + used.ru_stime, "resident": resident}


def _unshare(flags: int) -> bool:
    try:
        return bool(ctypes.CDLL(None, use_errno=True).unshare(flags) == 0)
    except (OSError, AttributeError):
        return False
