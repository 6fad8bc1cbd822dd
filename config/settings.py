"""Every knob of Byhand, once, read from the environment; safe where nothing is set."""

import gc
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

from config import navigation
from config.environment import read_value

# Lets a form say which model it is of, as the type checker wants it: ModelForm[Candidate].
django_stubs_ext.monkeypatch()

# So many new objects until Python looks for rubbish, instead of 700: a start makes hundreds of thousands, and keeps them.
gc.set_threshold(20_000)

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))

# --- Django ---------------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PORT = env.int("PORT", default=8000)  # where `make run` serves
BASE_URL = env.str("BASE_URL", default=f"http://localhost:{PORT}")
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
DEMO = env.bool("DEMO", default=False)  # `make run` loads the demo company into an empty database

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_q",
    "anymail",
    "csp",
    "pipeline",
    "messaging",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "pipeline.zones.InTheirZone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------------------------------

# Stands for this machine in the fingerprint that tells a copied database from its original; for containers, whose machine is
# another one after each start, and for several workers that share VAR_DIR.
INSTANCE_NAME = env.str("INSTANCE_NAME", default="")
VAR_DIR.mkdir(parents=True, exist_ok=True)  # the embedded database, simulated mail and uploads live here
DATABASE = env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'byhand.sqlite3'}")
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE serialises writers, so that read, decide and claim are one step; FULL, because a commit that power loss
    # can take back would send a mail twice.
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASE["CONN_MAX_AGE"] = 60
    DATABASE["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People and sessions --------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "pipeline.User"
AUTHENTICATION_BACKENDS = ["pipeline.sign_in.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Strict"

# --- Transport security: on as soon as the product is served over HTTPS ---------------------------------------------

HTTPS = env.bool("HTTPS", default=BASE_URL.startswith("https://"))
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# Only a proxy that strips the header from what arrives may be believed.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
# Everything comes from here, and nothing that stands inside a page is run. A mail in a frame has a policy of its own.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        # The theme's Alpine makes functions of its attributes. Without it the sidebar, the menus and the dark mode are dead.
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF],
        # Alpine and the theme's scroll bars write style attributes, to hide and to move what they show.
        "style-src-attr": [UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "SAMEORIGIN"  # a sent mail is read in a sandboxed frame of the admin
SILENCED_SYSTEM_CHECKS = [
    "security.W019",  # the frame above
    "security.W021",  # a browser's preload list binds a whole domain, which is not for one product on it to decide
]

# --- Language, time -------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
LANGUAGES = [(LANGUAGE_CODE, "English")]  # each page names all of them, which are a hundred where this is not set
USE_I18N = True
FORMAT_MODULE_PATH = ["config.formats"]  # times with 24 hours, as they are read off a calendar
USE_TZ = True
# The organisation's zone: due dates and working days are counted in it.
TIME_ZONE = env.str("TIME_ZONE", default="Europe/London")
HOLIDAYS_COUNTRY = env.str("HOLIDAYS_COUNTRY", default="GB")
HOLIDAYS_SUBDIVISION = env.str("HOLIDAYS_SUBDIVISION", default="")

# --- Files ----------------------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# The runserver and the tests serve static files without collectstatic.
WHITENOISE_USE_FINDERS = True
IMPORT_UPLOAD_MAX_BYTES = 20 * 1024 * 1024

# --- The organisation whose mail this is ----------------------------------------------------------------------------

ORGANISATION_NAME = env.str("ORGANISATION_NAME", default="Your organisation")
ORGANISATION_WEBSITE = env.str("ORGANISATION_WEBSITE", default="")
ORGANISATION_ADDRESS = env.str("ORGANISATION_ADDRESS", default="")

# --- Reports --------------------------------------------------------------------------------------------------------

# Hours that automations are meant to give back in a week; Today shows how far it is.
HOURS_GOAL = env.int("HOURS_GOAL", default=12)
# Working days without a word after which a candidate is in the ghosting ledger.
SILENCE_DAYS = env.int("SILENCE_DAYS", default=5)
# Calendar days after the last interview within which the law wants candidates told; 0 where it sets none.
LEGAL_CLOCK_DAYS = int(env.str("LEGAL_CLOCK_DAYS", default="") or 0)

# --- Mail -----------------------------------------------------------------------------------------------------------

# simulate: each mail is a file under VAR_DIR/mail. allowlist: only MAIL_ALLOWLIST really gets mail. live: everybody.
MAIL_MODE = env.str("MAIL_MODE", default="simulate")
MAIL_ALLOWLIST = [entry.strip().casefold() for entry in env.list("MAIL_ALLOWLIST", default=[])]
# smtp, or the name of an Anymail backend: postmark, mailgun, resend, brevo, amazon_ses, ...
MAIL_PROVIDER = env.str("MAIL_PROVIDER", default="smtp")
MAIL_FROM = env.str("MAIL_FROM", default="recruiting@example.com")
MAIL_REPLY_TO = env.str("MAIL_REPLY_TO", default="")
MAIL_CONNECT_TIMEOUT = env.int("MAIL_CONNECT_TIMEOUT", default=5)  # seconds
MAIL_READ_TIMEOUT = env.int("MAIL_READ_TIMEOUT", default=20)  # seconds
# How long a person can take back what they sent, before it leaves.
UNDO_SECONDS = env.int("UNDO_SECONDS", default=60)
# How long a bulk act can be undone; nothing that follows from it leaves before.
UNDO_MINUTES = env.int("UNDO_MINUTES", default=15)
# How many mails a worker hands over at a time, each on a connection of its own; as many can be in doubt when it is killed.
MAIL_CONNECTIONS = env.int("MAIL_CONNECTIONS", default=16)
# The brake: so many messages of one automation an hour, and a day up to which five times its median day is not asked about.
BRAKE_AN_HOUR = env.int("BRAKE_AN_HOUR", default=200)
BRAKE_A_DAY = env.int("BRAKE_A_DAY", default=30)
# How long an Attempt may stay open before its message counts as uncertain: longer than both time-outs and the worker's.
MAIL_LEASE = env.int("MAIL_LEASE", default=120)  # seconds

SMTP_HOST = env.str("SMTP_HOST", default="localhost")
SMTP_PORT = env.int("SMTP_PORT", default=25)
SMTP_USER = env.str("SMTP_USER", default="")
SMTP_PASSWORD = env.str("SMTP_PASSWORD", default="")
SMTP_SECURITY = env.str("SMTP_SECURITY", default="none")  # none, starttls, tls

# Whatever the provider needs, for example ANYMAIL_POSTMARK_SERVER_TOKEN: the names are those of Anymail's documentation.
ANYMAIL: dict[str, Any] = {
    name.removeprefix("ANYMAIL_"): read_value(name, value)
    for name, value in env.ENVIRON.items()
    if name.startswith("ANYMAIL_")
}
ANYMAIL["REQUESTS_TIMEOUT"] = (MAIL_CONNECT_TIMEOUT, MAIL_READ_TIMEOUT)
# Amazon's client repeats a send that timed out unless it is told not to; a repeat could be a second mail.
ANYMAIL["AMAZON_SES_CLIENT_PARAMS"] = {
    **ANYMAIL.get("AMAZON_SES_CLIENT_PARAMS", {}),
    "config": {
        "retries": {"mode": "standard", "total_max_attempts": 1},
        "connect_timeout": MAIL_CONNECT_TIMEOUT,
        "read_timeout": MAIL_READ_TIMEOUT,
    },
}
# Django's own mail functions: nothing leaves that messaging/delivery/guard.py does not let out.
EMAIL_BACKEND = "messaging.delivery.egress.GuardedMail"
DEFAULT_FROM_EMAIL = MAIL_FROM  # of what the system writes to colleagues

# --- Queue: django-q2 is the clock and the doorbell, the Message table is the queue ---------------------------------

Q_CLUSTER = {
    "name": "byhand",
    "orm": "default",
    "broker_class": "messaging.broker.Broker",
    "workers": env.int("WORKERS", default=2),
    "bulk": 1,
    "queue_limit": 2,
    # A drain (30 s) and the provider's time-outs (25 s) < task < lease (120 s) < retry; messaging/checks.py does the sum.
    "timeout": 60,
    "retry": 300,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "poll": 1,
    # Saved successes are unpickled at each further one, and nobody signs what stands in that table.
    "save_limit": -1,
    "label": "Queue",
}

# --- Admin theme ----------------------------------------------------------------------------------------------------

UNFOLD = navigation.UNFOLD

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # A line for each start and end of each task says nothing that the Message table does not.
    "loggers": {"django-q": {"level": "WARNING"}},
}
