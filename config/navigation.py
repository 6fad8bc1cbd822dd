"""How the admin looks. What stands around every page, the sidebar first, is in config/frame.py; it is named here as text,
because settings are read before any model can be."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse


def icon(request: HttpRequest) -> str:
    return static("messaging/byhand.svg")


def styles(request: HttpRequest) -> str:
    return static("messaging/byhand.css")


def timeline_styles(request: HttpRequest) -> str:
    return static("messaging/timeline.css")


def acts_styles(request: HttpRequest) -> str:
    return static("messaging/acts.css")


def palette_styles(request: HttpRequest) -> str:
    return static("messaging/palette.css")


def palette_script(request: HttpRequest) -> str:
    return static("messaging/palette.js")


def profile(request: HttpRequest) -> str:
    return reverse("profile:page")


def colours(request: HttpRequest) -> str:
    return static("messaging/colours.css")


def names_script(request: HttpRequest) -> str:
    return static("messaging/names.js")


def no_colours(request: HttpRequest) -> dict[str, dict[str, str]]:
    """They stand in the file above: what is set here becomes a style inside every page."""
    return {}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Byhand",
    "SITE_HEADER": "Byhand",
    "SITE_SUBHEADER": "Mail with a person behind it",
    "SITE_URL": None,
    "SITE_ICON": icon,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": icon}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "LOGIN": {"form": "config.sign_in.SignInForm"},
    "ENVIRONMENT": "config.frame.environment",
    "DASHBOARD_CALLBACK": "messaging.admin.today.add_today",
    "ACCOUNT": {"navigation": [{"title": "Profile", "link": profile}]},
    "STYLES": [colours, timeline_styles, acts_styles, styles, palette_styles],
    "SCRIPTS": [palette_script, names_script],
    "COLORS": no_colours,
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "config.frame.sidebar",
    },
}
