"""The one connection of a worker to its parent: frames of a JSON header and a body of bytes."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from typing import Any

VARIABLE = "REHEARSAL_CHANNEL"
# Written to standard output after each request, so that the parent knows that it has read all that belongs to it.
MARK = b"\x00\x01end of request\x01\x00"
_SIZES = struct.Struct("!II")


def finish() -> None:
    """Tell the parent that all output of this request is written."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, MARK)


class ClosedError(Exception):
    """The other side is gone."""


class Channel:
    """Frames over a connected socket; not safe for two threads at once."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    @classmethod
    def inherited(cls) -> Channel:
        """The channel whose file descriptor the parent named in the environment."""
        return cls(socket.socket(fileno=int(os.environ.pop(VARIABLE))))

    def write(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Send one frame."""
        head = json.dumps(header).encode()
        try:
            self._connection.sendall(_SIZES.pack(len(head), len(body)) + head + body)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ClosedError from error

    def read(self, timeout: float | None = None) -> tuple[dict[str, Any], bytes]:
        """Receive one frame.

        Raises:
            TimeoutError: nothing complete came within ``timeout`` seconds.
            ClosedError: the other side is gone.
        """
        self._connection.settimeout(timeout)
        head_size, body_size = _SIZES.unpack(self._exactly(_SIZES.size))
        header: dict[str, Any] = json.loads(self._exactly(head_size))
        return header, self._exactly(body_size)

    def close(self) -> None:
        """Close this side."""
        self._connection.close()

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            try:
                part = self._connection.recv(min(count - len(parts), 1 << 20))
            except ConnectionResetError as error:
                raise ClosedError from error
            if not part:
                raise ClosedError
            parts += part
        return bytes(parts)
