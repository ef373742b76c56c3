"""CloudWatch Logs: saved queries, and the key of a group that exists already."""

from __future__ import annotations

import uuid
from typing import Any

RESPONSE = "LogsResponse"


def _queries(self: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = vars(self.logs_backend).setdefault("query_definitions", {})
    return found


def put_query_definition(self: Any) -> Any:
    from moto.core.responses import ActionResult

    identifier = self._get_param("queryDefinitionId") or str(uuid.uuid4())
    _queries(self)[identifier] = {
        "queryDefinitionId": identifier,
        "name": self._get_param("name"),
        "queryString": self._get_param("queryString"),
        "logGroupNames": self._get_param("logGroupNames", []),
        "queryLanguage": self._get_param("queryLanguage") or "CWLI",
    }
    return ActionResult({"queryDefinitionId": identifier})


def describe_query_definitions(self: Any) -> Any:
    from moto.core.responses import ActionResult

    prefix = self._get_param("queryDefinitionNamePrefix") or ""
    return ActionResult(
        {"queryDefinitions": [one for one in _queries(self).values() if one["name"].startswith(prefix)]}
    )


def delete_query_definition(self: Any) -> Any:
    from moto.core.responses import ActionResult

    return ActionResult({"success": _queries(self).pop(self._get_param("queryDefinitionId"), None) is not None})


def associate_kms_key(self: Any) -> str:
    self.logs_backend.groups[self._get_param("logGroupName")].kms_key_id = self._get_param("kmsKeyId")
    return "{}"


def disassociate_kms_key(self: Any) -> str:
    self.logs_backend.groups[self._get_param("logGroupName")].kms_key_id = None
    return "{}"


OPERATIONS = (
    put_query_definition,
    describe_query_definitions,
    delete_query_definition,
    associate_kms_key,
    disassociate_kms_key,
)
