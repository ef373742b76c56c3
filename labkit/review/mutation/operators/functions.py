"""Gives functions what Lambda refuses, or nothing where a failed event goes."""

from __future__ import annotations

from labkit.review.mutation.kit.operator import Operator, drops, sets

_FUNCTION = "AWS::Lambda::Function Properties"

OPERATORS: tuple[Operator, ...] = (
    sets("runtime-unknown", "A runtime that does not exist", "deployment", f"{_FUNCTION}.Runtime", to="python9.9"),
    sets("runtime-old", "A runtime that gets no repairs", "security", f"{_FUNCTION}.Runtime", to="python3.8"),
    sets(
        "timeout-too-long",
        "A function that runs longer than Lambda lets it",
        "deployment",
        f"{_FUNCTION}.Timeout",
        to=1000,
    ),
    sets(
        "memory-too-small",
        "A function with less memory than Lambda has",
        "deployment",
        f"{_FUNCTION}.MemorySize",
        to=64,
    ),
    drops("drop-function-role", "A function without a role", "deployment", f"{_FUNCTION}.Role"),
    sets(
        "code-missing",
        "A function whose code nobody uploaded",
        "deployment",
        f"{_FUNCTION}.Code.S3Key",
        to="0" * 64 + ".zip",
    ),
    drops(
        "drop-function-queue", "A function whose failed events are lost", "security", f"{_FUNCTION}.DeadLetterConfig"
    ),
    drops(
        "caller-unbound",
        "A function that a whole service may call",
        "security",
        "AWS::Lambda::Permission Properties.SourceArn",
    ),
)
