"""The pages that stand without messages; one file a page."""

from pipeline.admin import interviews, jobs, pipelines, reasons, sources, stage_changes

__all__ = ["interviews", "jobs", "pipelines", "reasons", "sources", "stage_changes"]
