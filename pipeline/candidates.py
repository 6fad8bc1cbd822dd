"""What is entered about a candidate by hand. An address is checked as an import checks it, and belongs to one candidate."""

from pipeline.intake.addresses import Address, read_address
from pipeline.models import Candidate
from pipeline.outcomes import Refusal


def read_own_address(text: str, *, candidate_id: int | None) -> Address | Refusal:
    """`candidate_id`: whose address it is to be; None for a candidate who is not stored yet."""
    read = read_address(text)
    if isinstance(read, Refusal):
        return read
    other = Candidate.objects.filter(email_key=read.canonical).first()
    if other is not None and other.pk != candidate_id:
        return Refusal(
            f"{other} has this address already. Open that candidate instead; one person is one candidate, whatever they "
            "apply for."
        )
    return read


def give_address(candidate: Candidate, address: Address) -> None:
    """The three fields that belong together, on a candidate who is about to be saved."""
    candidate.email = address.address
    candidate.email_key = address.canonical
    candidate.email_flag = address.flag
