"""The pages that stand without messages; one file a page."""

from pipeline.admin import interviews, jobs, people, pipelines, reasons, sources, stage_changes

__all__ = ["interviews", "jobs", "people", "pipelines", "reasons", "sources", "stage_changes"]
