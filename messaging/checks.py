"""System checks: a dangerous configuration does not start."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import holidays
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.urls import NoReverseMatch, reverse
from django_q.conf import Conf

from messaging import guards, mounts, progress, routing
from messaging.delivery import outbox, providers
from messaging.processes import PATIENCE
from pipeline.guards import find_differences
from pipeline.intake.addresses import read_address
from pipeline.models import User
from pipeline.outcomes import Refusal
from pipeline.zone_names import find_zone

SECURITIES = ("none", "starttls", "tls")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Reserved for examples (RFC 2606): nobody owns them, so nobody gets the answers.
EXAMPLES = ("example.com", "example.net", "example.org")
EXAMPLE_ENDINGS = (".example", ".invalid", ".localhost", ".test", *(f".{domain}" for domain in EXAMPLES))
SHORTEST_KEY = 40
SHORTEST_SECRET = 24
FEWEST_CHARACTERS_IN_A_KEY = 10
# What ANYMAIL_SEND_DEFAULTS may add to every mail. Everything else would be said to, or read by, somebody unasked.
HARMLESS_DEFAULTS = frozenset({"envelope_sender", "esp_extra", "metadata", "tags", "track_clicks", "track_opens"})

BROKER = "messaging.broker.Broker"
AS_IT_WAS = "Leave Q_CLUSTER in config/settings.py as it was."
GUARD = 3  # seconds that django-q2 gives a task beyond its time before it kills it

Check = Callable[..., Iterator[CheckMessage]]


def _checks(*tags: str) -> Callable[[Check], Check]:
    def registered(check: Check) -> Check:
        checks.register(lambda **kwargs: list(check(**kwargs)), *tags)
        return check

    return registered


def is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _real_mail_can_leave() -> bool:
    return settings.MAIL_MODE in (routing.ALLOWLIST, routing.LIVE)


@_checks()
def the_mode_is_known(**_: Any) -> Iterator[CheckMessage]:
    if settings.MAIL_MODE not in routing.MODES:
        yield Error(
            f"MAIL_MODE is “{settings.MAIL_MODE}”, which is none of {_list(routing.MODES)}.",
            hint="Until it is, every mail is written as a file and none leaves.",
            id="messaging.E001",
        )


@_checks()
def mail_comes_from_and_goes_back_to_an_address(**_: Any) -> Iterator[CheckMessage]:
    for name, address in {"MAIL_FROM": settings.MAIL_FROM, "MAIL_REPLY_TO": settings.MAIL_REPLY_TO}.items():
        if name == "MAIL_REPLY_TO" and not address:
            continue
        if isinstance(read_address(address), Refusal) or not address.isascii():
            yield Error(
                f"{name} is “{address}”, which is not one plain mail address.",
                hint="Write it like jobs@company.com, without a name; an international domain as xn--…",
                id="messaging.E002",
            )
        elif _real_mail_can_leave() and _is_an_example(address):
            yield Error(
                f"{name} is “{address}”, which belongs to nobody, and real mail can leave.",
                hint="Set it to an address whose mail somebody reads.",
                id="messaging.E003",
            )


@_checks()
def the_provider_is_known_and_has_its_settings(**_: Any) -> Iterator[CheckMessage]:
    if not _real_mail_can_leave():
        return
    if settings.MAIL_PROVIDER not in providers.KNOWN:
        yield Error(
            f"MAIL_PROVIDER is “{settings.MAIL_PROVIDER}”, which is none of {_list(sorted(providers.KNOWN))}.",
            id="messaging.E004",
        )
        return
    try:
        made = providers.make_connection(settings.MAIL_PROVIDER)
    except (ImproperlyConfigured, TypeError, ValueError) as problem:
        yield Error(
            f"The mail provider {settings.MAIL_PROVIDER} cannot be used: {problem}",
            hint="Its settings are the ANYMAIL_… variables of Anymail’s documentation.",
            id="messaging.E005",
        )
        return
    url = getattr(made, "api_url", "https://")
    if not url.startswith(("https://", "http://")):
        yield Error(
            f"The mail provider {settings.MAIL_PROVIDER} has the address “{url}”.",
            hint="Its address begins with https://",
            id="messaging.E005",
        )


@_checks()
def the_allowlist_allows_somebody(**_: Any) -> Iterator[CheckMessage]:
    if settings.MAIL_MODE == routing.ALLOWLIST and not any(settings.MAIL_ALLOWLIST):
        yield Error(
            "MAIL_MODE is allowlist, and MAIL_ALLOWLIST is empty.",
            hint="List whole addresses, or @ and a whole domain; or set MAIL_MODE to simulate.",
            id="messaging.E006",
        )
    for entry in settings.MAIL_ALLOWLIST:
        if entry and "@" not in entry:
            yield checks.Warning(
                f"“{entry}” in MAIL_ALLOWLIST allows nobody.",
                hint=f"An entry is a whole address, or a whole domain written as @{entry}",
                id="messaging.W001",
            )


@_checks(Tags.database)
def nobody_of_the_demo_is_here_in_live_mode(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    if settings.MAIL_MODE != routing.LIVE or "default" not in (databases or ()):
        return
    if not is_migrated():
        return
    if number := User.objects.filter(is_demo=True).count():
        yield Error(
            f"MAIL_MODE is live, and {number} people of the demo company are in this database.",
            hint="Everybody knows their passwords, and their candidates would be written to. Start with an empty database.",
            id="messaging.E007",
        )


@_checks()
def each_time_limit_is_longer_than_the_one_inside_it(**_: Any) -> Iterator[CheckMessage]:
    """Else one of them cuts off a send that is going on, or somebody else takes its task while it runs."""
    provider = settings.MAIL_CONNECT_TIMEOUT + settings.MAIL_READ_TIMEOUT
    # As django-q2 read them, whatever the settings say; None is no limit at all.
    task, retry = Conf.TIMEOUT or math.inf, Conf.RETRY
    sign = provider + progress.EVERY
    chains = [
        {
            f"the provider’s time-outs ({provider})": provider,
            f"a task’s time ({task}) without that of a drain ({outbox.SECONDS:.0f})": task - outbox.SECONDS,
            f"the time after which a task is killed ({task + GUARD})": task + GUARD,
            f"MAIL_LEASE ({settings.MAIL_LEASE})": settings.MAIL_LEASE,
            f"Q_CLUSTER’s retry ({retry})": retry,
        },
        {f"what a task does without a sign of progress ({sign:.0f})": sign, "the watchdog’s silence": progress.SILENCE},
        {f"the time after which a task is killed ({task + GUARD})": task + GUARD, "the worker’s patience": PATIENCE},
    ]
    for (inner, shorter), (outer, longer) in itertools.chain.from_iterable(
        itertools.pairwise(chain.items()) for chain in chains
    ):
        if shorter >= longer:
            yield Error(
                f"Time limits must grow, and {inner} is not less than {outer}.",
                hint="Make MAIL_CONNECT_TIMEOUT and MAIL_READ_TIMEOUT shorter, or MAIL_LEASE as it was (120).",
                id="messaging.E008",
            )
    if settings.MAIL_CONNECT_TIMEOUT <= 0 or settings.MAIL_READ_TIMEOUT <= 0:
        yield Error("MAIL_CONNECT_TIMEOUT and MAIL_READ_TIMEOUT must be more than 0 seconds.", id="messaging.E008")


@_checks()
def the_queue_runs_nothing_but_ours_and_nothing_twice(**_: Any) -> Iterator[CheckMessage]:
    """As django-q2 read its settings."""
    if Conf.BROKER_CLASS != BROKER:
        yield Error("The queue would run whatever function its table names.", hint=AS_IT_WAS, id="messaging.E020")
    if Conf.SYNC or Conf.MAX_ATTEMPTS != 1 or not Conf.ACK_FAILURES:
        yield Error("The queue would repeat tasks, or run them in a request.", hint=AS_IT_WAS, id="messaging.E020")
    if Conf.SAVE_LIMIT >= 0:
        yield Error(
            "The queue would read back the tasks that it saved, which can run code and which nobody signed.",
            hint=AS_IT_WAS,
            id="messaging.E020",
        )


@_checks()
def nobody_debugs_where_real_mail_leaves(**_: Any) -> Iterator[CheckMessage]:
    if settings.MAIL_MODE == routing.LIVE and settings.DEBUG:
        yield Error(
            "MAIL_MODE is live, and DEBUG shows candidates’ data to whoever meets an error.", id="messaging.E009"
        )


@_checks()
def the_key_is_a_secret_where_real_mail_leaves(**_: Any) -> Iterator[CheckMessage]:
    key = settings.SECRET_KEY
    is_weak = len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS_IN_A_KEY
    if settings.MAIL_MODE == routing.LIVE and (is_weak or "insecure" in key.lower() or " " in key):
        yield Error(
            "MAIL_MODE is live, and SECRET_KEY can be guessed.",
            hint='Make one: python -c "import secrets; print(secrets.token_urlsafe(50))"',
            id="messaging.E010",
        )


@_checks()
def the_calendar_is_known(**_: Any) -> Iterator[CheckMessage]:
    if find_zone(settings.TIME_ZONE) is None:
        yield Error(
            f"TIME_ZONE is “{settings.TIME_ZONE}”, which is no time zone.",
            hint="Write it like Europe/London or America/New_York.",
            id="messaging.E011",
        )
    country, part = settings.HOLIDAYS_COUNTRY, settings.HOLIDAYS_SUBDIVISION
    known = holidays.list_supported_countries(include_aliases=True)
    if country and country not in known:
        yield Error(
            f"HOLIDAYS_COUNTRY is “{country}”, whose public holidays are not known.",
            hint="Write two capital letters like GB or DE; leave it empty where every weekday is a working day.",
            id="messaging.E012",
        )
    elif part and part not in known.get(country, ()):
        yield Error(
            f"HOLIDAYS_SUBDIVISION is “{part}”, which is no known part of “{country}”.",
            hint=f"Known are: {_list(known.get(country, ())) or 'none'}.",
            id="messaging.E012",
        )


@_checks()
def the_way_to_the_smtp_server_is_known(**_: Any) -> Iterator[CheckMessage]:
    if settings.SMTP_SECURITY not in SECURITIES:
        yield Error(
            f"SMTP_SECURITY is “{settings.SMTP_SECURITY}”, which is none of {_list(SECURITIES)}.",
            hint="Port 587 goes with starttls, port 465 with tls.",
            id="messaging.E013",
        )
    is_used = _real_mail_can_leave() and settings.MAIL_PROVIDER == providers.SMTP
    if is_used and settings.SMTP_SECURITY == "none" and settings.SMTP_PASSWORD and settings.SMTP_HOST not in LOOPBACK:
        yield checks.Warning(
            f"The password for {settings.SMTP_HOST} and every mail cross the network for all to read.",
            hint="Set SMTP_SECURITY to starttls or tls.",
            id="messaging.W002",
        )


@_checks()
def nothing_is_added_to_every_mail_unseen(**_: Any) -> Iterator[CheckMessage]:
    for name, defaults in settings.ANYMAIL.items():
        added = defaults.keys() - HARMLESS_DEFAULTS if name.endswith("SEND_DEFAULTS") else ()
        if added:
            yield Error(
                f"ANYMAIL_{name} would add {_list(sorted(added))} to every mail.",
                hint=f"A mail says what was cleared, to one candidate; you can set {_list(sorted(HARMLESS_DEFAULTS))}.",
                id="messaging.E014",
            )


@_checks()
def the_embedded_database_is_on_a_disk_of_this_machine(**_: Any) -> Iterator[CheckMessage]:
    kind = mounts.find_network(Path(settings.DATABASE["NAME"])) if connection.vendor == "sqlite" else ""
    if kind:
        yield checks.Warning(
            f"The embedded database lies on a network ({kind}), where its locks do not hold: two could send one message.",
            hint="Set VAR_DIR to a folder on a disk of this machine, or DATABASE_URL to PostgreSQL.",
            id="messaging.W003",
        )


@_checks(Tags.database)
def the_guards_stand(databases: Sequence[str] | None = None, **_: Any) -> Iterator[CheckMessage]:
    if "default" not in (databases or ()) or not is_migrated():
        return
    if differing := find_differences(guards.ALL):
        yield Error(
            f"The database’s guards differ from what Byhand installs: {_list(differing)}.",
            hint="Nothing is sent meanwhile. Find out who changed them, then run: manage.py install_guards",
            id="messaging.E015",
        )


@_checks()
def only_the_provider_reports_what_became_of_a_mail(**_: Any) -> Iterator[CheckMessage]:
    """Whoever can post a report can have an uncertain message shown as sent."""
    if not _real_mail_can_leave() or settings.MAIL_PROVIDER not in providers.WITH_WEBHOOKS:
        return
    secret = settings.ANYMAIL.get("WEBHOOK_SECRET")
    secrets = [secret] if isinstance(secret, str) and secret else list(secret or [])
    if not secrets and _takes_reports():
        yield Error(
            "There is an address for the provider’s reports, and no secret that keeps others from using it.",
            hint="Set ANYMAIL_WEBHOOK_SECRET to a name and a long password, as name:password.",
            id="messaging.E021",
        )
    if any(":" not in word or len(word) < SHORTEST_SECRET for word in secrets):
        yield Error(
            f"ANYMAIL_WEBHOOK_SECRET is not name:password, or shorter than {SHORTEST_SECRET} characters.",
            hint='Make the password: python -c "import secrets; print(secrets.token_urlsafe(30))"',
            id="messaging.E022",
        )


def _takes_reports() -> bool:
    try:
        reverse("anymail:postmark_tracking_webhook")  # they are mounted together
    except NoReverseMatch:
        return False
    return True


def _is_an_example(address: str) -> bool:
    domain = address.rpartition("@")[2].casefold()
    return domain in EXAMPLES or domain.endswith(EXAMPLE_ENDINGS)


def _list(words: Sequence[str]) -> str:
    return ", ".join(words)
