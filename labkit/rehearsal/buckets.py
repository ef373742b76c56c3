"""Bucket settings that moto has no place for: stored as sent, per bucket, and read back as they were."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from labkit.rehearsal.context import Context

# The query word of each setting with the element that holds one of its entries in a listing.
SETTINGS = {
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "metrics": "MetricsConfiguration",
    "analytics": "AnalyticsConfiguration",
}
# Settings that moto checks and acts on but reads back otherwise: it loses NewerNoncurrentVersions and EventBridge, and
# adds years to a retention in days.
MIRRORED = ("lifecycle", "notification", "object-lock")
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class BucketSettings:
    """Answers ``/bucket?intelligent-tiering&id=...`` and the like; leaves everything else alone."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes] | None:
        """The answer, or None where the request is for moto."""
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        setting = next((word for word in (*SETTINGS, *MIRRORED) if word in query), None)
        bucket = environ["PATH_INFO"].strip("/")
        if setting is None or "/" in bucket:
            return None
        from moto.s3.models import s3_backends

        buckets = s3_backends[self._context.account][self._context.partition].buckets
        if bucket not in buckets:
            return _error(start_response, "NoSuchBucket", "The specified bucket does not exist")
        stored: dict[tuple[str, str], str] = vars(buckets[bucket]).setdefault("rehearsed_settings", {})
        key = (setting, query.get("id", [""])[0])
        method = environ["REQUEST_METHOD"]
        if setting in MIRRORED:
            return _mirror(stored, key, environ, start_response)
        self._context.ledger.called("s3", f"{method} ?{setting}")
        if method == "PUT":
            stored[key] = environ["wsgi.input"].read().decode()
            return _xml(start_response, "200 OK", "")
        if method == "DELETE":
            stored.pop(key, None)
            return _xml(start_response, "204 No Content", "")
        if "id" not in query:
            entries = "".join(_inner(text, SETTINGS[setting]) for (kind, _), text in stored.items() if kind == setting)
            return _xml(
                start_response, "200 OK", f'<List xmlns="{NAMESPACE}"><IsTruncated>false</IsTruncated>{entries}</List>'
            )
        if key not in stored:
            return _error(start_response, "NoSuchConfiguration", "The specified configuration does not exist.")
        return _xml(start_response, "200 OK", stored[key])


def _mirror(
    stored: dict[tuple[str, str], str],
    key: tuple[str, str],
    environ: dict[str, Any],
    start_response: Callable[..., Any],
) -> list[bytes] | None:
    """Keep the text of a setting beside moto, which checks it and loses parts; None hands the request on to moto."""
    if environ["REQUEST_METHOD"] == "GET":
        return _xml(start_response, "200 OK", stored[key]) if key in stored else None
    if environ["REQUEST_METHOD"] == "PUT":
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        stored[key] = body.decode()
    else:
        stored.pop(key, None)
    return None


def _inner(text: str, element: str) -> str:
    return re.sub(rf"^.*?<{element}[^>]*>", f"<{element}>", text, flags=re.DOTALL)


def _xml(start_response: Callable[..., Any], status: str, text: str) -> list[bytes]:
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(text.encode())))])
    return [text.encode()]


def _error(start_response: Callable[..., Any], code: str, message: str) -> list[bytes]:
    return _xml(start_response, "404 Not Found", f"<Error><Code>{code}</Code><Message>{message}</Message></Error>")
