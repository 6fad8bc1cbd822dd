"""A browser in which a person with given rights is signed in."""

from django.contrib.auth.models import Permission
from django.test import Client

from pipeline.models import User
from tests import factories as make


def sign_in(*rights: str) -> tuple[Client, User]:
    """`rights`: as "app.codename"; what is not named is not allowed."""
    user = make.make_user(first_name="Ana", last_name="Ruiz")
    for right in rights:
        app, codename = right.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client = Client()
    client.force_login(user)
    return client, user
