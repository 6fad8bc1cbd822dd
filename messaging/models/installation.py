"""Where this database is at home: the installation that sent its mail last, and whether it is in safe mode."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class Installation(models.Model):
    """One row at most; none as long as nothing was ever delivered. The other half is a file, see
    messaging/delivery/safe_mode.py."""

    class Why(models.TextChoices):
        ELSEWHERE = "elsewhere", "Another installation sent this database’s mail last."
        RESTORED = (
            "restored",
            "Mail was sent from here that this database does not know of: it is older than that mail.",
        )

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # Empty: an administrator said that whoever delivers next is its home.
    instance = models.CharField(max_length=32, blank=True)
    adopted_at = models.DateTimeField(null=True, blank=True)
    # NULL: mail leaves. Else nothing does, since then.
    safe_since = models.DateTimeField(null=True, blank=True)
    safe_why = models.CharField(max_length=10, choices=Why, blank=True)
    # The last send that this database knows of, and the last one from here that the file knows of. NULL: there is none.
    known_until = models.DateTimeField(null=True, blank=True)
    sent_until = models.DateTimeField(null=True, blank=True)
    # Who ended the last safe mode, and why they could.
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="ended_safe_modes"
    )
    ended_reason = models.TextField(blank=True)

    class Meta:
        permissions = [("end_safe_mode", "Can end safe mode")]
        constraints = [models.CheckConstraint(condition=Q(id=1), name="installation_is_one")]

    def __str__(self) -> str:
        return "This installation"

    @property
    def is_in_safe_mode(self) -> bool:
        return self.safe_since is not None
