"""Athena: change a workgroup, delete a named query."""

from __future__ import annotations

import json
from typing import Any

RESPONSE = "AthenaResponse"


def update_work_group(self: Any) -> str:
    name = self._get_param("WorkGroup")
    group = self.athena_backend.work_groups[name]
    if (state := self._get_param("State")) is not None:
        group.state = state
    if (description := self._get_param("Description")) is not None:
        group.description = description
    updates = dict(self._get_param("ConfigurationUpdates") or {})
    if (result := updates.pop("ResultConfigurationUpdates", None)) is not None:
        kept = dict(group.configuration.get("ResultConfiguration", {}))
        for key in ("OutputLocation", "EncryptionConfiguration", "ExpectedBucketOwner", "AclConfiguration"):
            if result.get(f"Remove{key}"):
                kept.pop(key, None)
        group.configuration["ResultConfiguration"] = kept | {
            k: v for k, v in result.items() if not k.startswith("Remove")
        }
    if updates.pop("RemoveBytesScannedCutoffPerQuery", False):
        group.configuration.pop("BytesScannedCutoffPerQuery", None)
    group.configuration.update(updates)
    return "{}"


def delete_named_query(self: Any) -> str:
    self.athena_backend.named_queries.pop(self._get_param("NamedQueryId"), None)
    return "{}"


def update_named_query(self: Any) -> str:
    query = self.athena_backend.named_queries[self._get_param("NamedQueryId")]
    query.name, query.query_string = self._get_param("Name"), self._get_param("QueryString")
    query.description = self._get_param("Description")
    return json.dumps({})


OPERATIONS = (update_work_group, delete_named_query, update_named_query)
