"""What a server's words mean, when a report hands them on: plain words first, then the others."""

import re

from message import refusals
from message.bounces import languages
from message.refusals import Reason, Refusal

LONGEST = 2_000
_ADDRESS = re.compile(r"<?[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w.-]{1,200}>?:?")


def judge(code: int | None, status: str | None, words: str) -> Refusal:
    """What an answer means, as `refusals.judge`, also where an address stands amid the words.

    "User <jo@swindon.example> unknown" says the same as "User unknown".
    """
    judged = refusals.judge(code, status, words)
    if judged.reason is not Reason.OTHER:
        return judged
    words = words[:LONGEST]
    bare = refusals.judge(code, status, _ADDRESS.sub("", words))
    if bare.reason is not Reason.OTHER:
        return bare
    if languages.FULL.search(words):
        return Refusal(judged.permanent, Reason.FULL)
    if languages.NOT_THERE.search(words):
        return Refusal(judged.permanent, Reason.MAILBOX)
    return judged
