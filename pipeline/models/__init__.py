"""Who is where in the hiring process; one concept a file."""

from pipeline.models.application import Application, Reason, StageChange
from pipeline.models.candidate import Candidate
from pipeline.models.distinction import Distinction
from pipeline.models.interview import Interview
from pipeline.models.job import Job, Pipeline, Stage
from pipeline.models.later_absence import LaterAbsence
from pipeline.models.merge import Merge, MergedApplication, Unmerge
from pipeline.models.reach_correction import ReachCorrection
from pipeline.models.silence_end import SilenceEnd
from pipeline.models.source import Source
from pipeline.models.user import User

__all__ = [
    "Application",
    "Candidate",
    "Distinction",
    "Interview",
    "Job",
    "LaterAbsence",
    "Merge",
    "MergedApplication",
    "Pipeline",
    "ReachCorrection",
    "Reason",
    "SilenceEnd",
    "Source",
    "Stage",
    "StageChange",
    "Unmerge",
    "User",
]
