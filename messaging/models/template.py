"""A message template, its immutable numbered wordings, and the names that people put under them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from messaging.models import choices


class TemplateQuerySet(models.QuerySet["Template"]):
    def in_use(self) -> TemplateQuerySet:
        return self.filter(is_active=True)


class Template(models.Model):
    name = models.CharField(max_length=100, unique=True)
    touchpoint = models.CharField(
        max_length=30, choices=choices.TOUCHPOINTS, help_text="What kind of message this is. The policy goes by it."
    )
    is_active = models.BooleanField(
        "in use",
        default=True,
        help_text=(
            "Untick to retire it: what waits, and what automations still plan from it, becomes a person’s task."
        ),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def wording_to_send(self) -> Wording | None:
        """The newest signed wording; where none is signed, the newest, which the gate will hand to a person."""
        newest = self.wordings.order_by("-number")
        return newest.filter(signatures__isnull=False).first() or newest.first()


class Wording(models.Model):
    """Immutable: a change of the text is a new number. What was sent stays what it was."""

    template = models.ForeignKey(Template, on_delete=models.PROTECT, related_name="wordings")
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    written_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["template", "-number"]
        permissions = [("sign_wording", "Can sign wordings")]
        constraints = [models.UniqueConstraint(fields=["template", "number"], name="wording_number_once_per_template")]

    def __str__(self) -> str:
        return f"{self.template}, wording {self.number}"


class Signature(models.Model):
    """A named person stands for this text. Append-only; a second person may add theirs."""

    wording = models.ForeignKey(Wording, on_delete=models.PROTECT, related_name="signatures")
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="signatures")
    # The name as it was then: it stands under mail that was sent.
    name = models.CharField(max_length=200)
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["signed_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["wording", "signed_by"], name="signature_once_per_person")]

    def __str__(self) -> str:
        return f"{self.name} on {self.signed_at:%d %B %Y}"
