"""Who may sign in: active people, and the people of the demo company only while no real mail can leave."""

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser

from pipeline.models import User


class StaffBackend(ModelBackend):
    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        # The demo's passwords are printed by `make run`: they must open nothing from which a candidate can be written
        # to.
        if getattr(user, "is_demo", False) and settings.MAIL_MODE != "simulate":
            return False
        return super().user_can_authenticate(user)
