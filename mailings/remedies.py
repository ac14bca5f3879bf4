"""What a refusing domain means in plain words, and the letter to send to those who run it."""

from sqlalchemy.orm import Session

from core import settings
from message.refusals import Reason
from subscribers import organisations
from subscribers.models import Incident

#: A mail server here: under this name nobody else sees it.
_OUR_MACHINE = frozenset({"", "localhost", "127.0.0.1", "::1"})
#: What happened, by the reason.
WHAT = {
    Reason.POLICY: "Its mail server turns our email away by a rule: it takes us for spam, or it"
    " does not trust where our email comes from.",
    Reason.MAILBOX: "Its mail server says of several people at once that they have no mailbox."
    " That is most often a server that was set up wrongly, for example during a move.",
}
#: What to do about it.
DO = {
    Reason.POLICY: "Send the text below to somebody you know there, and ask them to pass it on to"
    " their IT team. Nothing has to be changed here.",
    Reason.MAILBOX: "Wait a day: such faults are mostly repaired by then. If it goes on, ask"
    " somebody there by phone, and send them the text below. If these people have really left,"
    " close this on the desk: then their mailboxes count as gone.",
}


def called(session: Session, incident: Incident) -> str:
    """The organisation of a domain, or the domain itself."""
    organisation = organisations.recognise(session, f"x@{incident.domain}")
    return organisation.name if organisation else incident.domain


def letter(incident: Incident) -> list[str]:
    """The text for an IT team, in paragraphs."""
    setting = settings.current()
    said = [f"It said: {incident.words}"] if incident.words else []
    return [
        f"Your mail server for {incident.domain} has refused email from {setting.network_name},"
        f" which {setting.host_name} runs and which your colleagues asked to get.",
        *said,
        _asked(incident),
        f"You know our email by this: {'; '.join(_marks())}.",
    ]


def _asked(incident: Incident) -> str:
    if incident.reason == Reason.MAILBOX:
        return "Please check whether the server knows your mailboxes, and lets our email in."
    return "Please allow our email, by its DKIM signature or by its sender domain."


def _marks() -> list[str]:
    """By what a server can know our mail: only what the settings say for certain."""
    setting = settings.current()
    marks = [
        f"From address and return path are at {setting.domain}",
        f"it is signed with DKIM (d={setting.domain}, s={setting.dkim_selector})",
    ]
    if setting.smtp_host not in _OUR_MACHINE:
        marks.append(f"it is handed over by {setting.smtp_host}")
    return marks
