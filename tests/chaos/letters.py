"""Many messages at once; one by one they would take longer than what is done to them."""

from __future__ import annotations

from datetime import datetime, timedelta

from messaging import automations
from messaging.models import Automation, Message
from tests.factories import NOW, make_application, make_automation, make_job, reject


def make_messages(number: int, *, first: datetime = NOW, every: timedelta = timedelta(0)) -> list[Message]:
    """As `factories.make_message`: the first is due in an hour, and each of the others so much later than the one before."""
    job = make_job()
    make_automation(job=job, delay=1, delay_unit=Automation.DelayUnit.HOURS)
    times = [first + every * place for place in range(number)]
    changes = [reject(make_application(job=job, now=time), by=job.recruiter, now=time) for time in times]
    messages = automations.follow_many(changes, now=first)
    assert len(messages) == number
    return messages
