"""Loads the demo company into an empty database."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from messaging import roles, routing
from messaging.demo import company, seldom, story
from pipeline.models import Candidate, Job, User


class Command(BaseCommand):
    help = "Loads the demo company: six jobs, about 400 candidates, ninety days of history. Only in simulate mode."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help=("Do nothing where there are people, jobs or candidates.")
        )

    def handle(self, *args: Any, if_empty: bool, **options: Any) -> None:
        if User.objects.exists() or Job.objects.exists() or Candidate.objects.exists():
            if if_empty:
                return
            raise CommandError(
                "There are people, jobs or candidates already. The demo company needs an empty database."
            )
        if settings.MAIL_MODE != routing.SIMULATE:
            raise CommandError(f"MAIL_MODE is {settings.MAIL_MODE}. The demo company exists in simulate mode only.")
        roles.write_roles()
        # The story ends last midnight: today is still to be worked on, and everybody who loads it today has the same one.
        end = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        load(end=end, show_progress=True)
        self.stdout.write(
            f"The demo company is there: {Candidate.objects.count()} candidates, {Job.objects.count()} jobs."
        )


def load(*, end: datetime, days: int = story.DAYS, show_progress: bool = False) -> None:
    """Deterministic for one `end`, up to the ids of the mail."""
    founded = company.found(now=end - timedelta(days=days + 1))
    with tqdm(total=days + 1, unit="day", desc="Demo company", disable=not show_progress) as bar:
        told = story.Story(company=founded, end=end, days=days)
        seldom.plan(told)
        told.tell(progress=lambda _: bar.update())
