"""What a container finds in its environment about AWS: a region, and a way to the emulator unless it has no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


def of_a_role(context: Context, *, isolated: bool) -> dict[str, str]:
    """The variables of a container that runs with a role."""
    here = {"AWS_REGION": context.region, "AWS_DEFAULT_REGION": context.region}
    if isolated:
        return here
    from labkit.rehearsal.context import KEYS

    return {
        **here,
        "AWS_ENDPOINT_URL": context.url,
        "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "localhost,127.0.0.1",
    }
