"""Glue: change crawlers and jobs."""

from __future__ import annotations

from collections.abc import Callable
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


def _without_tags(method: str, store: str) -> Callable[[Any], Any]:
    """moto keeps the tags of what it deletes, so that the tagging API goes on finding it."""

    def wrap(original: Any) -> Any:
        def operation(self: Any) -> Any:
            backend = self.glue_backend
            stored = getattr(backend, store).get(self.parameters.get("Name") or self.parameters.get("JobName"))
            answer = original(self)
            if stored is not None:
                backend.tagger.delete_all_tags_for_resource(stored.arn)
            return answer

        operation.__name__ = method
        return operation

    return wrap


WRAPPED = {
    "delete_crawler": _without_tags("delete_crawler", "crawlers"),
    "delete_job": _without_tags("delete_job", "jobs"),
}
