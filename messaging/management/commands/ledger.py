"""Verifies the ledger's chain, and prints its head for keeping elsewhere."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Sum
from tqdm import tqdm

from messaging import ledger
from messaging.ledger import Head
from messaging.models import Seal


class Command(BaseCommand):
    help = "Verifies the ledger’s chain (verify), or prints its head for keeping elsewhere (head)."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
        verify = acts.add_parser("verify", help="Name the first broken link; ends with an error where there is one.")
        verify.add_argument(
            "--head", type=_read_head, metavar="N:HASH", help="A head that was kept elsewhere, as `head` printed it."
        )
        acts.add_parser("head", help="Print the number of the last seal and its head.")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        if act == "head":
            self.stdout.write(str(ledger.head()))
            return
        total = Seal.objects.aggregate(total=Sum("rows"))["total"] or 0
        # disable=None shows the bar on a terminal only.
        with tqdm(total=total, unit="row", desc="Ledger", disable=None) as bar:
            broken = ledger.verify(kept=options["head"], progress=bar.update)
        if broken is not None:
            raise CommandError(broken.sentence)
        self.stdout.write(f"The chain holds: {total:,} rows under {ledger.head().number:,} seals.")


def _read_head(text: str) -> Head:
    number, colon, head = text.partition(":")
    if not colon or not number.isdecimal() or len(head) != 64:
        raise argparse.ArgumentTypeError("write NUMBER:HASH, as `manage.py ledger head` printed it")
    return Head(number=int(number), head=head)
