"""Times as the lists show them: short, and in the organisation's zone."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format


def day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y")
