"""Message-IDs of relays, told by their answers."""

import pytest

from message.rewritten import rewritten_id

OURS = "4dd186a51ba84af5@lists.example.org"
SES = "010001a2b3c4d5e6-1f2e3d4c-5b6a-7988-99aa-bbccddeeff00-000000"


@pytest.mark.parametrize(
    ("host", "words", "wanted"),
    [
        ("email-smtp.eu-west-2.amazonaws.com", f"Ok {SES}", f"{SES}@eu-west-2.amazonses.com"),
        ("email-smtp.us-east-1.amazonaws.com", f"Ok {SES}", f"{SES}@email.amazonses.com"),
        ("smtp.office365.com", f"2.0.0 OK <{OURS}> [Hostname=X.example]", None),
        ("smtp.office365.com", "2.0.0 OK <AM0PR@x.prod.outlook.com> [Hostname=X]",
         "AM0PR@x.prod.outlook.com"),
        ("mail.example.org", "2.0.0 Ok: queued as 4F2A11C0", None),
        ("mail.example.org", "2.0.0 Ok <a>", None),
        ("mail.example.org", "", None),
    ],
)  # fmt: skip
def test_o15_the_id_that_is_really_on_the_wire(host: str, words: str, wanted: str | None) -> None:
    """What the answer tells of it; nothing where the id is ours, or none is named."""
    assert rewritten_id(host, words, OURS) == wanted
