"""How many minutes the organisation says that one message of a kind takes by hand; where it says nothing, the default of
messaging/reports/hours.py holds."""

from django.db import models

from messaging.models import choices


class Minutes(models.Model):
    touchpoint = models.CharField(max_length=30, choices=choices.TOUCHPOINTS, unique=True)
    minutes = models.PositiveSmallIntegerField(help_text="To write one such message and send it by hand.")

    class Meta:
        verbose_name = "minutes by hand"
        verbose_name_plural = "minutes by hand"
        ordering = ["touchpoint"]
        permissions = [
            ("view_report", "Can see reports"),
            ("export_report", "Can export reports"),
        ]

    def __str__(self) -> str:
        return f"{self.get_touchpoint_display()}: {self.minutes} min"
