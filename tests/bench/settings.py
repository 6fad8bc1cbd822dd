"""The product's settings with what the comparison needs: Django's own backends, and django-post_office where it is there."""

import importlib.util
import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, SMTP_PORT

EMAIL_BACKEND = os.environ.get("BENCH_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST, EMAIL_PORT = "127.0.0.1", SMTP_PORT
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if importlib.util.find_spec("post_office"):
    INSTALLED_APPS = [*INSTALLED_APPS, "post_office"]
    POST_OFFICE = {"BACKENDS": {"default": EMAIL_BACKEND}, "CELERY_ENABLED": False}
# Everything is due at once, which the brake would take for a mistake.
BRAKE_AN_HOUR = BRAKE_A_DAY = 1_000_000
