"""Says whether mail leaves, for scripts and monitors: the exit code is 1 in safe mode."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from messaging.delivery import safe_mode


class Command(BaseCommand):
    help = "Says whether this installation is in safe mode, and why. An administrator ends it on the page “Safe mode”."

    def handle(self, *args: Any, **options: Any) -> None:
        doubt = safe_mode.doubt(now=timezone.now())
        if doubt is None:
            self.stdout.write("Mail leaves.")
            return
        installation = doubt.installation
        self.stdout.write(
            f"Nothing is sent since {installation.safe_since:%Y-%m-%d %H:%M %Z}. {installation.get_safe_why_display()} "
            f"{doubt.scheduled} scheduled, {doubt.doubtful} of them may have been sent already."
        )
        sys.exit(1)
