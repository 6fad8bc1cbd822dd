"""The jobs and stages that the rows of a file name, looked up without a query for each row."""

from collections import defaultdict
from collections.abc import Mapping as Map
from dataclasses import dataclass, replace

from pipeline.intake.entries import Entry
from pipeline.intake.report import Rejection, Why
from pipeline.milestones import Milestone
from pipeline.models import Job, Stage

NAMED_IN_A_SENTENCE = 20


@dataclass(frozen=True, kw_only=True)
class KnownStage:
    pk: int
    name: str
    position: int
    milestone: int


@dataclass(frozen=True, kw_only=True)
class KnownJob:
    pk: int
    title: str
    is_open: bool
    stages: tuple[KnownStage, ...]

    @property
    def first(self) -> KnownStage:
        return self.stages[0]

    def hired_in(self, stage: KnownStage) -> KnownStage:
        """Where a hire from `stage` ends: in the pipeline's hired stage, or where it is, which then means hired."""
        hired = next((known for known in self.stages if known.milestone == Milestone.HIRED), None)
        return hired or replace(stage, milestone=int(Milestone.HIRED))


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a row puts its candidate. `stage` is None where the row names none; `furthest` is the stage of the furthest
    milestone among all that the row names."""

    job: KnownJob
    stage: KnownStage | None
    furthest: KnownStage | None


class KnownJobs:
    """Read once for an import: as large as the number of jobs, however long the file is."""

    def __init__(self, *, stage_names: Map[str, str]) -> None:
        """`stage_names`: what a stage of the file is called here, where that differs."""
        self._stage_names = {_key(theirs): ours for theirs, ours in stage_names.items()}
        stages: defaultdict[int, list[KnownStage]] = defaultdict(list)
        for stage in Stage.objects.order_by("position", "pk"):
            known = KnownStage(pk=stage.pk, name=stage.name, position=stage.position, milestone=stage.milestone)
            stages[stage.pipeline_id].append(known)
        self._by_id: dict[str, KnownJob] = {}
        self._by_title: defaultdict[str, list[KnownJob]] = defaultdict(list)
        for job in Job.objects.order_by("pk"):
            known_job = KnownJob(
                pk=job.pk,
                title=job.title,
                is_open=job.status == Job.Status.OPEN,
                stages=tuple(stages[job.pipeline_id]),
            )
            self._by_title[_key(job.title)].append(known_job)
            if job.external_id:
                self._by_id[job.external_id] = known_job

    def place(self, entry: Entry) -> Place | Rejection:
        job = self._job(entry)
        if isinstance(job, Rejection):
            return job
        if not job.stages:
            return Rejection(why=Why.JOB, sentence=f"The pipeline of “{job.title}” has no stages: add them first.")
        names = [*([entry.stage] if entry.stage else []), *entry.reached]
        found = {name: self._stage(job, name) for name in names}
        for name, stage in found.items():
            if stage is None:
                return _unknown_stage(job, name)
        stages = [stage for stage in found.values() if stage is not None]
        furthest = max(stages, key=lambda stage: (stage.milestone, stage.position), default=None)
        return Place(job=job, stage=found.get(entry.stage), furthest=furthest)

    def _job(self, entry: Entry) -> KnownJob | Rejection:
        if entry.job_id in self._by_id:
            return self._by_id[entry.job_id]
        if not entry.job:
            named = f"There is no job with the id “{entry.job_id}”" if entry.job_id else "The row names no job"
            return Rejection(why=Why.JOB, sentence=f"{named}: create the job first, or name it for the whole file.")
        alike = self._by_title.get(_key(entry.job), [])
        chosen = alike if len(alike) == 1 else [job for job in alike if job.is_open]
        if len(chosen) == 1:
            return chosen[0]
        if alike:
            sentence = (
                f"{len(alike)} jobs are called “{entry.job}”: give each its external id, and the file a column with it."
            )
            return Rejection(why=Why.JOB, sentence=sentence)
        return Rejection(why=Why.JOB, sentence=f"There is no job “{entry.job}”: create it first, with this title.")

    def _stage(self, job: KnownJob, name: str) -> KnownStage | None:
        ours = _key(self._stage_names.get(_key(name), name))
        return next((stage for stage in job.stages if _key(stage.name) == ours), None)


def _unknown_stage(job: KnownJob, name: str) -> Rejection:
    names = ", ".join(f"“{stage.name}”" for stage in job.stages[:NAMED_IN_A_SENTENCE])
    return Rejection(why=Why.STAGE, sentence=f"“{name}” is not a stage of “{job.title}”. Its stages are {names}.")


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()
