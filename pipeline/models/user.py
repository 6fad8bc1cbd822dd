"""A person who works in Byhand and whose name can stand under a mail."""

from datetime import date
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.db import models

from pipeline.zone_names import find_zone

MONDAY_TO_FRIDAY = "12345"


class User(AbstractUser):
    title = models.CharField(
        max_length=100, blank=True, help_text="What stands below the name in a mail, for example Recruiter."
    )
    phone = models.CharField(max_length=50, blank=True, help_text="Shown to candidates where a wording asks for it.")
    is_demo = models.BooleanField(
        default=False,
        editable=False,
        help_text=("Belongs to the demo company and cannot sign in while real mail can leave."),
    )

    time_zone = models.CharField(  # noqa: DJ001  (NULL: the organisation's)
        max_length=50, null=True, blank=True, help_text="In which you read times. Empty: the organisation's."
    )
    signature = models.TextField(  # noqa: DJ001  (NULL: none)
        max_length=300, null=True, blank=True, help_text="Stands under what you begin to write to a candidate."
    )
    # Their numbers from 1 for Monday to 7 for Sunday. NULL: Monday to Friday.
    working_days = models.CharField(max_length=7, null=True, blank=True)  # noqa: DJ001
    # The first and the last day of the absence under way, else of the next one; later ones have their own rows. In the
    # organisation's zone. NULL: none is planned; both or neither.
    away_from = models.DateField(null=True, blank=True)
    away_until = models.DateField(null=True, blank=True)
    # Who gets what would be theirs meanwhile; kept afterwards, so that it can be asked back. NULL: nobody.
    stand_in = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="stands_in_for")

    class Meta(AbstractUser.Meta):
        verbose_name = "person"
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.get_full_name() or self.get_username()

    @property
    def zone(self) -> ZoneInfo | None:
        """None: the organisation's."""
        return find_zone(self.time_zone)

    def is_away(self, day: date) -> bool:
        return self.away_from is not None and self.away_until is not None and self.away_from <= day <= self.away_until

    def works_on(self, day: date) -> bool:
        """Without public holidays, which are the organisation's."""
        return str(day.isoweekday()) in (self.working_days or MONDAY_TO_FRIDAY) and not self.is_away(day)
