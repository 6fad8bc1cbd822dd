"""Who may do what, and who gave it to them. An administrator gives and takes roles, and may give themselves one; so each
time is in the ledger, with what was given or taken and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet

from messaging import ledger
from messaging.models import LedgerEntry
from messaging.roles import ROLES
from pipeline import actors
from pipeline.models import User

# A switch of a person, or a set of roles or rights.
Rights = Mapping[str, bool | frozenset[str]]

SWITCHES = ("is_active", "is_staff", "is_superuser")
NOTHING: Rights = {}


def read(of: User | Group) -> Rights:
    """What is stored; nothing where there is no row yet."""
    if isinstance(of, Group):
        return {"rights": _names(Permission.objects.filter(group=of.pk))}
    switches = User.objects.filter(pk=of.pk).values(*SWITCHES).first()
    if switches is None:
        return NOTHING
    groups = Group.objects.filter(user=of.pk)
    return {
        **switches,
        "roles": frozenset(_code(group) for group in groups),
        "rights": _names(Permission.objects.filter(user=of.pk)),
    }


def write_change(of: User | Group, *, before: Rights, by: User, now: datetime) -> LedgerEntry | None:
    """What became different since `before`; None where nothing did."""
    return _write(of, before, read(of), by=by, now=now)


def write_loss(group: Group, *, by: User, now: datetime) -> LedgerEntry | None:
    """Before a group is deleted, and everybody in it loses what it gave."""
    return _write(group, read(group), {"rights": frozenset()}, by=by, now=now)


def write_password(of: User, *, by: User, now: datetime) -> LedgerEntry | None:
    """Whoever sets the password of somebody else can act in their name. One's own is nobody's business."""
    if of.pk == by.pk:
        return None
    return ledger.write(
        LedgerEntry.Kind.RIGHTS_CHANGED, about=of, by=actors.person(by.pk), now=now, data={"password": "set"}
    )


def _write(of: User | Group, before: Rights, after: Rights, *, by: User, now: datetime) -> LedgerEntry | None:
    data: dict[str, ledger.Plain] = {}
    for name, value in after.items():
        if isinstance(value, frozenset):
            was = before.get(name, frozenset())
            was = was if isinstance(was, frozenset) else frozenset()
            said = {f"{name}_given": value - was, f"{name}_taken": was - value}
            data |= {key: ", ".join(sorted(names)) for key, names in said.items() if names}
        elif value != before.get(name, False):
            data[name] = value
    if not data:
        return None
    return ledger.write(LedgerEntry.Kind.RIGHTS_CHANGED, about=of, by=actors.person(by.pk), now=now, data=data)


def _code(group: Group) -> str:
    """A group of one's own may be named after somebody, and the ledger names nobody."""
    return group.name if group.name in ROLES else f"group:{group.pk}"


def _names(permissions: QuerySet[Permission]) -> frozenset[str]:
    rows = permissions.values_list("content_type__app_label", "codename")
    return frozenset(f"{app}.{codename}" for app, codename in rows)
