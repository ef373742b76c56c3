"""The SageMaker operations on training and processing jobs, answered by jobs that really run."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from labkit.rehearsal.refusal import Refusal
from labkit.rehearsal.runtime import job_checks, lineage, processing, registry_api, training
from labkit.rehearsal.runtime.jobs import Job, Jobs
from labkit.rehearsal.runtime.pace import Pace
from labkit.rehearsal.runtime.paging import moment, page
from labkit.rehearsal.runtime.processing import ProcessingJob
from labkit.rehearsal.runtime.training import TrainingJob

if TYPE_CHECKING:
    from labkit.rehearsal.context import Context
    from labkit.rehearsal.runtime.metrics import Metrics


def install(context: Context, metrics: Metrics) -> Pace:
    """Have moto's SageMaker run jobs; returns the pace at which emulated time goes on meanwhile."""
    pace = Pace(context)
    trainings, processings = Jobs(context, pace), Jobs(context, pace)

    def train(name: str, request: dict[str, Any]) -> Job:
        training.check(context, request)
        if request.get("EnableManagedSpotTraining"):
            context.ledger.note(
                "spot capacity is never taken away; the billable time of a spot training is an example, 30 % of its time",
                about="sagemaker",
            )
        return TrainingJob(context, metrics, name=name, request=request, folder=trainings.folder("training"))

    def process(name: str, request: dict[str, Any]) -> Job:
        processing.check(context, request)
        return ProcessingJob(context, name=name, request=request, folder=processings.folder("processing"))

    def patch(module: ModuleType) -> None:
        _patch(module, "Training", trainings, train, store="training_jobs")
        _patch(module, "Processing", processings, process, store="processing_jobs")

    context.on_import("moto.sagemaker.responses", patch)
    for kind in ("Training", "Processing"):
        how = "the lab's own program runs in a process of its own; its role's rights are not enforced"
        context.ledger.answers("sagemaker", f"Create{kind}Job", "executed", how)
    registry_api.install(context)
    lineage.install(context)
    return pace


def _patch(module: ModuleType, kind: str, jobs: Jobs, make: Callable[[str, Any], Job], *, store: str) -> None:
    response = module.SageMakerResponse
    result = module.ActionResult
    named, arn = f"{kind}JobName", f"{kind}JobArn"

    def create(self: Any) -> Any:
        request = json.loads(self.body)
        job_checks.name_is_free(kind, request[named], jobs.all)
        job = make(request[named], request)
        # Where moto looks for tags and searches.
        getattr(self.sagemaker_backend, store)[job.name] = job
        jobs.start(job)
        return result({arn: job.arn})

    def get(self: Any) -> Job:
        name = self._get_param(named)
        if name not in jobs.all:
            raise job_checks.invalid("Requested resource not found.")
        return jobs.all[name]

    def describe(self: Any) -> Any:
        return result(get(self).describe())

    def stop(self: Any) -> Any:
        job = get(self)
        if job.status != "InProgress":
            raise job_checks.invalid(
                f"The request was rejected because the {kind.lower()} job is in status {job.status}."
            )
        job.stop()
        return result({})

    def delete(self: Any) -> Any:
        job = get(self)
        if not job.over.is_set():
            raise Refusal("ResourceInUse", f"{kind} job {job.name} is in status {job.status}.")
        del jobs.all[job.name]
        getattr(self.sagemaker_backend, store).pop(job.name, None)
        return result({})

    def listing(self: Any) -> Any:
        chosen = [job for job in _in_order(self, jobs) if _wanted(self, job)]
        return result(page(self, f"{kind}JobSummaries", [_summary(kind, job) for job in chosen]))

    lower = kind.lower()
    for name, function in (
        (f"create_{lower}_job", create),
        (f"describe_{lower}_job", describe),
        (f"stop_{lower}_job", stop),
        (f"delete_{lower}_job", delete),
        (f"list_{lower}_jobs", listing),
    ):
        setattr(response, name, function)


def _in_order(self: Any, jobs: Jobs) -> list[Job]:
    by = self._get_param("SortBy") or "CreationTime"
    return list(jobs.sorted(by=by, descending=self._get_param("SortOrder") != "Ascending"))


def _wanted(self: Any, job: Job) -> bool:
    since, until = moment(self._get_param("CreationTimeAfter")), moment(self._get_param("CreationTimeBefore"))
    changed, before = (
        moment(self._get_param("LastModifiedTimeAfter")),
        moment(self._get_param("LastModifiedTimeBefore")),
    )
    return (
        (self._get_param("NameContains") or "") in job.name
        and (self._get_param("StatusEquals") or job.status) == job.status
        and (since is None or job.created > since)
        and (until is None or job.created < until)
        and (changed is None or job.modified > changed)
        and (before is None or job.modified < before)
    )


def _summary(kind: str, job: Job) -> dict[str, Any]:
    summary: dict[str, Any] = {
        f"{kind}JobName": job.name,
        f"{kind}JobArn": job.arn,
        f"{kind}JobStatus": job.status,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
    }
    if isinstance(job, TrainingJob):
        summary["SecondaryStatus"] = job.secondary
    if job.failure and kind == "Processing":
        summary["FailureReason"] = job.failure
    if job.ended:
        summary[f"{kind}EndTime"] = job.ended
    return summary
