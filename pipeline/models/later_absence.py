"""When somebody will be away after their next absence."""

from django.conf import settings
from django.db import models


class LaterAbsence(models.Model):
    """The one under way, or else the next one, is on the person, where it costs no question; each of these takes its place
    in turn. Days in the organisation's zone, both of them away."""

    # CASCADE: a plan of somebody says nothing without them.
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="later_absences")
    first = models.DateField()
    last = models.DateField()
    stand_in = models.ForeignKey(  # NULL: nobody
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["first", "pk"]

    def __str__(self) -> str:
        return f"{self.first:%d %B %Y} to {self.last:%d %B %Y}"
