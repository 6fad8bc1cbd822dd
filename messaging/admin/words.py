"""Times as the lists show them: short, and in the reader's zone."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format


def day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y")


def short_time(moment: datetime) -> str:
    """Without the year as long as it is this one."""
    local = timezone.localtime(moment)
    is_this_year = local.year == timezone.localtime().year
    return date_format(local, "j M, H:i" if is_this_year else "j M Y, H:i")
