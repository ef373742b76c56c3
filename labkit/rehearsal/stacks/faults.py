"""What CloudFormation refuses, as its API words it."""

from __future__ import annotations


class Refused(Exception):
    """A request or a template that CloudFormation refuses; ``code`` is the API's error code."""

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        super().__init__(message)
        self.code = code


class ResourceFailed(Exception):
    """A resource that could not be created, changed or deleted; the message stands in the stack's events."""
