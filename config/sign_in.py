"""The form on the sign-in page: what was wrong, and what somebody does who cannot get in. Byhand writes to candidates, and
mails nobody a way in, so another person lets them in. Not beside the admin pages, which need the site that asks for it."""

from __future__ import annotations

from typing import ClassVar

from unfold.forms import AuthenticationForm

from pipeline.models import User


class SignInForm(AuthenticationForm):
    error_messages: ClassVar[dict[str, str]] = {
        **AuthenticationForm.error_messages,
        "invalid_login": (
            "This username and password do not go together, or you may not sign in here. Capital letters matter."
        ),
    }

    def nobody_yet(self) -> bool:
        """A new installation, of which the page then says how its first administrator gets in."""
        return not User.objects.filter(is_staff=True, is_active=True).exists()
