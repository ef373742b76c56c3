"""Turns its process into the shell of a build: no network but one port on loopback, ends with its parent."""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG = 1
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_HIGH = 100


def main() -> None:
    """Arguments: descriptors to answer on, of commands and of their status; the emulator's port; the program."""
    answer_fd, commands, status, port = (int(text) for text in sys.argv[3:7])
    program = sys.argv[7:]
    with socket.socket(fileno=answer_fd) as answer:
        listener = _own_network(port)
        if listener is None:
            answer.sendall(b"-")
        else:
            with listener:
                ends = array.array("i", [listener.fileno()])
                answer.sendmsg([b"+"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ends)])
        # The parent has taken the socket over before the first command runs.
        answer.recv(1)
    # To 3 and 4, which every shell can name; by way of numbers that are not in each other's way.
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, _HIGH) for fd in (commands, status)]
    for fd, target in zip(high, (3, 4), strict=True):
        os.dup2(fd, target)
    os.closerange(5, _HIGH + 2)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.execvp(program[0], program)  # noqa: S606 - the program is the shell


def _own_network(port: int) -> socket.socket | None:
    """A network namespace with nothing but loopback, and a socket that listens there; None where not granted."""
    user, group = os.getuid(), os.getgid()
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    try:
        if unshare(_CLONE_NEWNET) != 0:
            if unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
                return None
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{user} {user} 1")
            _write("/proc/self/gid_map", f"{group} {group} 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            request = struct.pack("16sh14x", b"lo", 0)
            flags = struct.unpack("16sh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
        listener = socket.create_server(("127.0.0.1", port), backlog=64)
    except (OSError, AttributeError):
        return None
    return listener


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
