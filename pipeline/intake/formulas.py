"""Text that a spreadsheet would run as a formula, made harmless when it is written and whole again when it is read."""

# After the OWASP advice on CSV injection; the wide forms are folded to the plain ones by some spreadsheets.
STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def neutralise(text: str) -> str:
    return f"'{text}" if text[:1] and text[0] in STARTS else text


def plain(text: str) -> str:
    """Takes the apostrophe off again; so a file of rejected rows can be corrected and imported."""
    return text[1:] if text[:1] == "'" and text[1:2] and text[1] in STARTS else text
