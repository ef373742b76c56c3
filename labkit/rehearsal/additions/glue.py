"""Glue: change crawlers and jobs."""

from __future__ import annotations

from typing import Any

RESPONSE = "GlueResponse"


def _set(stored: Any, given: dict[str, Any], skip: tuple[str, ...]) -> None:
    from botocore import xform_name

    for name, value in given.items():
        if name not in skip:
            setattr(stored, xform_name(name), value)


def update_crawler(self: Any) -> Any:
    from moto.core.responses import EmptyResult

    crawler = self.glue_backend.get_crawler(self.parameters["Name"])
    _set(crawler, self.parameters, ("Name", "Tags"))
    crawler.version += 1
    return EmptyResult()


def update_job(self: Any) -> Any:
    from moto.core.responses import ActionResult

    name = self.parameters["JobName"]
    _set(self.glue_backend.get_job(name), self.parameters["JobUpdate"], ())
    return ActionResult({"JobName": name})


OPERATIONS = (update_crawler, update_job)
