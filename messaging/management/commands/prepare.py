"""Makes an installation ready after `migrate`: the roles, and the one schedule that is the clock."""

from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand
from django.utils import timezone

from messaging import roles
from messaging.schedule import write_schedule


class Command(BaseCommand):
    help = "Looks at the database, and writes the roles and the schedule. Safe to run at every start."

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(tags=[Tags.database], databases=["default"])
        roles.write_roles()
        write_schedule(now=timezone.now())
        self.stdout.write("Roles and schedule are in place.")
