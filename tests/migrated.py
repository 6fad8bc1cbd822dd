"""The embedded database as its migrations leave it, guards and all: made by them, and copied by later runs of the tests for
as long as no line of the product and no package changes."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection

KEPT_IN = Path(settings.BASE_DIR, ".pytest_cache")


def kept_file() -> Path:
    """Named for everything that a migration can read, so that another tree never gets this database."""
    seen = hashlib.sha256()
    for folder in ("config", "pipeline", "messaging"):
        for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py")):
            seen.update(path.as_posix().encode() + path.read_bytes())
    seen.update(Path(settings.BASE_DIR, "requirements.txt").read_bytes())
    return KEPT_IN / f"migrated-{seen.hexdigest()[:20]}.sqlite3"


def bring(database: Path) -> None:
    """Where none is kept, there is no file afterwards, and `migrate` makes it."""
    for left in database.parent.glob(f"{database.name}*"):
        left.unlink()  # of a run that had the same process id, and was killed
    if (kept := kept_file()).exists():
        shutil.copyfile(kept, database)


def keep() -> None:
    """Whole or not at all, whoever else is at it; what was kept of an older tree goes."""
    if (kept := kept_file()).exists():
        return
    KEPT_IN.mkdir(exist_ok=True)
    for older in KEPT_IN.glob("migrated-*"):
        older.unlink(missing_ok=True)
    written = kept.with_name(f"{settings.TEST_ROOT.name}-{settings.VAR_DIR.name}.sqlite3")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(written)])
    written.replace(kept)
