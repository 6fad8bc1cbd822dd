"""The name of a time zone, as somebody wrote it, to the zone."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def find_zone(name: str | None) -> ZoneInfo | None:
    """None where there is none of this name, or no name."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder, such as “Europe”
        return None
