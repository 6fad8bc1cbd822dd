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


def palette_styles(request: HttpRequest) -> str:
    return static("messaging/palette.css")


def palette_script(request: HttpRequest) -> str:
    return static("messaging/palette.js")


def profile(request: HttpRequest) -> str:
    return reverse("profile:page")


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
    "ENVIRONMENT": "config.frame.environment",
    "DASHBOARD_CALLBACK": "messaging.admin.today.add_today",
    "ACCOUNT": {"navigation": [{"title": "Profile", "link": profile}]},
    "BORDER_RADIUS": "8px",
    "STYLES": [styles, palette_styles],
    "SCRIPTS": [palette_script],
    "COLORS": {
        # Paper and ink: a warm grey, and the blue of a fountain pen.
        "base": {
            "50": "oklch(98.4% .003 90)",
            "100": "oklch(96.6% .004 85)",
            "200": "oklch(92.2% .006 80)",
            "300": "oklch(86.6% .008 75)",
            "400": "oklch(70.4% .012 70)",
            "500": "oklch(54.8% .014 65)",
            "600": "oklch(44.2% .013 60)",
            "700": "oklch(36.8% .012 60)",
            "800": "oklch(27.2% .010 60)",
            "900": "oklch(20.6% .009 60)",
            "950": "oklch(14.2% .008 60)",
        },
        "primary": {
            "50": "oklch(97.2% .012 250)",
            "100": "oklch(93.8% .028 250)",
            "200": "oklch(88.2% .056 250)",
            "300": "oklch(80.2% .092 250)",
            "400": "oklch(70.6% .124 252)",
            "500": "oklch(60.8% .136 254)",
            "600": "oklch(50.8% .132 256)",
            "700": "oklch(43.6% .114 257)",
            "800": "oklch(37.4% .092 258)",
            "900": "oklch(31.8% .070 259)",
            "950": "oklch(23.8% .052 260)",
        },
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": "config.frame.sidebar",
    },
}
