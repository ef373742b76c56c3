"""The least of an emulator that the runtime needs: moto on loopback, the runtime installed, a clock to advance."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(FOLDER))


def main(port: int, workdir: Path) -> None:
    """Serve until killed."""
    os.environ["MOTO_PORT"] = str(port)
    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from labkit.rehearsal import runtime
    from labkit.rehearsal.context import Context

    default_user_config["lambda"] = {"use_docker": False}
    context = Context(url=f"http://localhost:{port}", workdir=workdir)
    runtime.install(context)
    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ, start_response):  # type: ignore[no-untyped-def]
        path = environ["PATH_INFO"]
        if path == "/rehearsal/clock":
            if environ["REQUEST_METHOD"] == "POST":
                body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                context.clock.advance(json.loads(body)["seconds"])
            answer = {"now": context.clock.now().isoformat()}
        elif path == "/rehearsal/ledger":
            answer = context.ledger.as_json()
        elif path == "/rehearsal/shutdown":
            context.shutdown()
            answer = {}
        else:
            return moto(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
