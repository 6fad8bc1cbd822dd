"""The messaging application."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"
    verbose_name = "Messaging"

    def ready(self) -> None:
        from messaging import checks  # noqa: F401  (registers the system checks)
        from messaging.delivery import guard, tracking

        guard.install()
        tracking.listen()
