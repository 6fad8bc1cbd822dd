"""A phrase that makes a text read like a rejection, whatever kind its template claims to be; people edit the list."""

from django.db import models


class RejectionPhrase(models.Model):
    text = models.CharField(
        max_length=200, unique=True, help_text="Compared without regard to case, punctuation and line breaks."
    )

    class Meta:
        ordering = ["text"]

    def __str__(self) -> str:
        return self.text
