"""The gate's own error."""

from __future__ import annotations

from labkit.errors import UserError


class EngineFailed(UserError):
    """An engine did not run, so that nothing may be said of the lab. The command line exits with code 2."""
