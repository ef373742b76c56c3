"""The gate's own error."""

from __future__ import annotations

from labkit.errors import UserError


class EngineFailed(UserError):  # noqa: N818 - it says what happened, as UserError does
    """An engine did not run, so that nothing may be said of the lab. The command line exits with code 2."""
