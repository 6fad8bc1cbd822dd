"""When somebody last was at work on the outbox; one row."""

from django.db import models


class Progress(models.Model):
    ONLY = 1  # the key of the one row

    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "progress"

    def __str__(self) -> str:
        return f"{self.at:%d %B %Y, %H:%M:%S}"
