"""Where stage changes come from when no person of ours made them: an import or a connected system."""

from django.conf import settings
from django.db import models


class Source(models.Model):
    class Kind(models.TextChoices):
        IMPORT = "import", "Import"
        TOKEN = "token", "API token"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.IMPORT)
    relays_decisions = models.BooleanField(
        default=False,
        help_text="Tick only if every rejection that arrives from here was decided by a person elsewhere, for "
        "example in your applicant tracking system. Otherwise each of them becomes a person's task.",
    )
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    registered_at = models.DateTimeField(
        null=True, blank=True, help_text=("Empty until an administrator ticked the box.")
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
