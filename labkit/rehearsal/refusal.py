"""An error that moto writes in whatever format the client's service speaks."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class Refusal(ServiceException):
    """An API error by code and message.

    moto looks up the service of an exception by the module of its class; from outside of moto it takes the
    service that was called, so that one class serves all.
    """
