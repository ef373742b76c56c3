"""One HTTP request on a connection that stays open: werkzeug's own handler closes it and waits 10 ms each time."""

from __future__ import annotations

import io
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler

BODILESS = ("1", "204", "304")


class Handler(MotoRequestHandler):
    """Reads the whole request, answers it whole, keeps the connection."""

    protocol_version = "HTTP/1.1"
    # One packet per answer, sent at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """Let a client that asks first send its body at once; boto3 would wait a second for the buffered answer."""
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self._body(environ))
        status, headers, content = self._answer(environ)
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        sized = False
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding"):
                sized = sized or name.lower() == "content-length"
                self.send_header(name, value)
        if not sized and not code.startswith(BODILESS):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if environ["REQUEST_METHOD"] != "HEAD" and not code.startswith(BODILESS):
            self.wfile.write(content)
        self.wfile.flush()

    def _body(self, environ: dict[str, Any]) -> bytes:
        """Sent at once, or in chunks."""
        source = environ["wsgi.input"]
        if environ.get("wsgi.input_terminated"):
            return bytes(source.read())
        return bytes(source.read(int(environ.get("CONTENT_LENGTH") or 0)))

    def _answer(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        told: list[Any] = []
        app: Any = self.server.app
        chunks = app(environ, lambda *given: told.append(given))
        try:
            content = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = told[-1][:2]
        return status, headers, content

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Successful requests are not worth a line each."""
