"""What a bounce says of one recipient."""

from dataclasses import dataclass

from message.refusals import Reason

FAILED, DELAYED = "failed", "delayed"


@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient who was not reached; `status` is an RFC 3463 code if one is given.

    `action` is "failed", or "delayed" while the server still tries (RFC 3464 §2.3.3).
    """

    recipient: str
    status: str | None
    permanent: bool
    reason: Reason
    diagnostic: str
    action: str = FAILED
