"""What behaves in a rehearsal: endpoints predict, functions run, queries answer, time makes things happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context


def install(context: Context) -> None:
    """Extend moto in this process with everything that really runs."""
    from labkit.rehearsal.runtime import (
        alarms,
        codebuild_api,
        codepipeline_api,
        crawlers,
        functions_api,
        hosting_api,
        jobs_api,
        metrics_api,
        pipelines_api,
        queries_api,
        scaling_api,
        schedules,
        timeline,
    )

    timeline.install(context)
    store = metrics_api.install(context)
    jobs_api.install(context, store)
    # In this order their ticks run: what was measured, then the alarms on it, then what follows from the alarms.
    hosting = hosting_api.install(context, store)
    functions_api.install(context)
    watched = alarms.install(context, store)
    hosting.guard(watched.state)
    scaling_api.install(context, hosting, watched)
    queries_api.install(context, store)
    crawlers.install(context)
    codepipeline_api.install(context, codebuild_api.install(context))
    pipelines_api.install(context)
    schedules.install(context)
