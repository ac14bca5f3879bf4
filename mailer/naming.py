"""What of a person's name stands in a copy: the greeting, the To field, the calendar's parameter.

The ledger keeps the name as it stood at planning; a retry makes the same words of it.
"""

import re

from message.address import Mailbox, format_mailbox
from subscribers.people import tidy_name

#: How somebody without a name is greeted.
NAMELESS = "colleague"
LONGEST_NAME = 100
_NOT_IN_A_PARAMETER = re.compile(r'[\x00-\x1f\x7f",;:\\]')


def known_as(name: str) -> str:
    """A name as it may stand in mails, and no longer than a greeting bears; may be empty."""
    # What is printable has none of the signs that tidying takes out one by one.
    tidy = " ".join(name.split()) if name.isprintable() else tidy_name(name)
    return tidy[:LONGEST_NAME].rstrip()


def greeting(name: str) -> str:
    """What the slot of the name is filled with."""
    return known_as(name) or NAMELESS


def to_field(name: str, address: str) -> str:
    """What the slot of the To field is filled with: a mailbox, whatever the name holds."""
    return format_mailbox(Mailbox(known_as(name), address), international=True)


def calendar_name(name: str, address: str) -> str:
    """The name without what a calendar's parameter cannot hold (RFC 5545 §3.2), or the address."""
    return " ".join(_NOT_IN_A_PARAMETER.sub(" ", name).split()) or address
