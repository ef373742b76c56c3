"""Data capture: what went in and out of an endpoint, as JSON lines in the emulated S3."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.runtime.artefact import split

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context

MOST_RECORDS = 200  # a file is written when so many wait, or at the next tick of the clock


@dataclass(frozen=True)
class Message:
    """A request or a response."""

    content_type: str
    body: bytes


class Recorder:
    """The capture of one endpoint, configured by its ``DataCaptureConfig``."""

    def __init__(self, context: Context, endpoint: str, config: Mapping[str, Any]) -> None:
        self._context, self._endpoint, self._config = context, endpoint, config
        self._modes = {option["CaptureMode"] for option in config.get("CaptureOptions", [])}
        headers = config.get("CaptureContentTypeHeader") or {}
        self._encodings = {
            **dict.fromkeys(headers.get("CsvContentTypes", []), "CSV"),
            **dict.fromkeys(headers.get("JsonContentTypes", []), "JSON"),
        }
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], list[tuple[datetime, str]]] = {}

    def record(
        self,
        *,
        variant: str,
        event: str,
        request: Message,
        response: Message,
        inference_id: str | None,
        attributes: str | None,
    ) -> None:
        """Take one invocation if the sample holds its event id."""
        if not self._config.get("EnableCapture", False) or not self._sampled(event):
            return
        now = self._context.clock.now()
        data = {}
        if {"Input", "InputAndOutput"} & self._modes:
            data["endpointInput"] = self._part(request, "INPUT")
        if {"Output", "InputAndOutput"} & self._modes:
            data["endpointOutput"] = self._part(response, "OUTPUT")
        about: dict[str, Any] = {"eventId": event}
        if attributes:
            about["customAttributes"] = [attributes]
        if inference_id:
            about["inferenceId"] = inference_id
        about["inferenceTime"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        line = json.dumps({"captureData": data, "eventMetadata": about, "eventVersion": "0"})
        place = (variant, now.strftime("%Y/%m/%d/%H"))
        with self._lock:
            lines = self._waiting.setdefault(place, [])
            lines.append((now, line))
            full = len(lines) >= MOST_RECORDS
        if full:
            self.flush()

    def flush(self) -> None:
        """Write what waits, one object per variant and hour."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        bucket, prefix = split(self._config.get("DestinationS3Uri", ""))
        encryption = {}
        if key := self._config.get("KmsKeyId"):
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        for (variant, hour), lines in waiting.items():
            first, text = lines[0]
            name = f"{first:%M-%S}-{first.microsecond // 1000:03d}-{uuid.uuid5(uuid.NAMESPACE_OID, text)}.jsonl"
            path = "/".join(part for part in (prefix.strip("/"), self._endpoint, variant, hour, name) if part)
            body = "".join(f"{line}\n" for _, line in lines)
            try:
                self._context.client("s3").put_object(Bucket=bucket, Key=path, Body=body.encode(), **encryption)
            except Exception as error:
                self._context.ledger.note(
                    f"{len(lines)} captured records could not be written: {error}", about=self._endpoint
                )

    def _sampled(self, event: str) -> bool:
        percentage = int(self._config.get("InitialSamplingPercentage", 100))
        return int.from_bytes(hashlib.sha256(event.encode()).digest()[:4], "big") % 100 < percentage

    def _part(self, message: Message, mode: str) -> dict[str, str]:
        encoding = self._encodings.get(message.content_type.partition(";")[0].strip(), "BASE64")
        data = (
            base64.b64encode(message.body).decode() if encoding == "BASE64" else message.body.decode(errors="replace")
        )
        return {"observedContentType": message.content_type, "mode": mode, "data": data, "encoding": encoding}
