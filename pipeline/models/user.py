"""A person who works in Byhand and whose name can stand under a mail."""

from django.contrib.auth.models import AbstractUser
from django.db import models


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

    class Meta(AbstractUser.Meta):
        verbose_name = "person"
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.get_full_name() or self.get_username()
