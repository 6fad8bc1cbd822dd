"""The queue's own pages are taken away: they would let a browser schedule any function there is, and the queue holds
nothing that a person has to see. What waits to be sent is on the page of messages."""

from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

for model in (Failure, OrmQ, Schedule, Success):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
