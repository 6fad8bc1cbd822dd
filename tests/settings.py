"""The product's settings in a surrounding of the tests' own: no `.env`, no mail of this machine, files of their own."""

import os
import sys
import tempfile
from pathlib import Path

# What a person exported for their own installation must not reach a test; only the database may be chosen from outside.
THEIRS = ("ANYMAIL_", "BRAKE_", "INSTANCE_", "MAIL_", "ORGANISATION_", "SMTP_", "UNDO_")
for name in [name for name in os.environ if name.startswith(THEIRS)]:
    del os.environ[name]

# One folder for a run of the tests, removed by tests/conftest.py, and in it one for each process of pytest. The type checker
# and manage.py write nothing, so they can share one.
run = f"byhand-tests-{os.getpid()}" if "pytest" in sys.modules else f"byhand-tests-of-{os.getuid()}"
TEST_ROOT = Path(os.environ.setdefault("BYHAND_TEST_ROOT", str(Path(tempfile.gettempdir(), run))))
os.environ |= {
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "the tests have a key of their own, which guards nothing",
    "VAR_DIR": str(TEST_ROOT / os.environ.get("PYTEST_XDIST_WORKER", "main")),
    "MAIL_MODE": "simulate",
    "LOG_LEVEL": "WARNING",
}

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASE, VAR_DIR  # noqa: E402

UNDO_SECONDS = 0  # what a person sends in a test leaves at once, unless the test is about taking it back
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a safe one takes half a second
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    # A file, because threads and processes meet in it as they do in the product.
    DATABASE["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
# WhiteNoise reads every file of the theme again for each client that a test makes; what it does is tested on the product.
WHITENOISE_USE_FINDERS = False
