"""The demo network: facts of the page of the Local Government AI Network, people made up.

Councils named on that page stand beside invented ones; every mail domain ends in `.example`. The
page gives months for two meetings only (March and June 2024); the others are put between.
"""

from dataclasses import dataclass

NETWORK = "ai-network"
SUBGROUP = "copilot"
DESCRIPTION = (
    "Council officers who explore the potential of artificial intelligence in local government: "
    "its risks, its rewards and how ready we are for it."
)
SUBGROUP_DESCRIPTION = (
    "Collaboration and innovation with Copilot: use cases, business cases, and a collective voice "
    "in working with Microsoft."
)

#: Organisation: kind and mail domain.
ORGANISATIONS: dict[str, tuple[str, str]] = {
    "LGA": ("host", "lga.example"),
    "Kingston Council": ("council", "kingston.example"),
    "Swindon Council": ("council", "swindon.example"),
    "Manchester City Council": ("council", "manchester.example"),
    "Ashmere Council": ("council", "ashmere.example"),
    "Brackenshire County Council": ("council", "brackenshire.example"),
    "Calderbrook Council": ("council", "calderbrook.example"),
    "Downmarsh District Council": ("council", "downmarsh.example"),
    "Eastfold Council": ("council", "eastfold.example"),
    "Fenwater Council": ("council", "fenwater.example"),
    "Greyford City Council": ("council", "greyford.example"),
    "Hollowdale District Council": ("council", "hollowdale.example"),
    "Ivelmouth Council": ("council", "ivelmouth.example"),
    "Socitm": ("partner", "socitm.example"),
    "LOTI": ("partner", "loti.example"),
    "iNetwork": ("partner", "inetwork.example"),
}


@dataclass(frozen=True)
class Member:
    """Somebody made up; `lists` says where: n the network, c the Copilot subgroup."""

    name: str
    address: str
    lists: str = "n"
    mode: str = "monthly"
    moderator: bool = False


COORDINATOR = Member("Rowan Ellery", "coordinator@lga.example", "nc", "each", moderator=True)

MEMBERS = (
    Member("Amara Osei", "amara.osei@kingston.example", "nc", "each", moderator=True),
    Member("Tom Whitlock", "tom.whitlock@kingston.example"),
    Member("Priya Nair", "priya.nair@swindon.example", "nc", "each"),
    Member("Gareth Pugh-Lane", "gareth.pugh-lane@swindon.example"),
    Member("Leonie Marchetti", "leonie.marchetti@manchester.example", "n", "each"),
    Member("Yusuf Demir", "yusuf.demir@manchester.example", "nc"),
    Member("Hannah Stubbs", "hannah.stubbs@ashmere.example", "nc", "each"),
    Member("Callum Reyes", "callum.reyes@ashmere.example"),
    Member("Siobhan O'Dowd", "siobhan.odowd@brackenshire.example", "nc"),
    Member("Marek Zielony", "marek.zielony@brackenshire.example", "c", "each"),
    Member("Beatrice Fallowfield", "beatrice.fallowfield@calderbrook.example", "n", "weekly"),
    Member("Dev Chaudhari", "dev.chaudhari@calderbrook.example", "nc", "each"),
    Member("Ines Carvalho", "ines.carvalho@downmarsh.example", "nc"),
    Member("Peter Loxley", "peter.loxley@downmarsh.example"),
    Member("Oluwaseun Adeyi", "oluwaseun.adeyi@eastfold.example", "nc", "each"),
    Member("Margaret Thorne", "margaret.thorne@eastfold.example"),
    Member("Zoë Kettlewell", "zoe.kettlewell@fenwater.example", "n", "each"),
    Member("Idris Vaughan", "idris.vaughan@fenwater.example"),
    Member("Farah Siddiqui", "farah.siddiqui@greyford.example", "nc", "each"),
    Member("Neil Abernathy", "neil.abernathy@greyford.example", "nc"),
    Member("Ruth Castellan", "ruth.castellan@hollowdale.example"),
    Member("Jun Watanabe", "jun.watanabe@ivelmouth.example", "nc", "each"),
    Member("Esther Pallister", "esther.pallister@socitm.example"),
    Member("Kofi Brandreth", "kofi.brandreth@loti.example"),
    Member("Lucy Hargrave", "lucy.hargrave@inetwork.example"),
)


@dataclass(frozen=True)
class PastMeeting:
    """A meeting of the page: day, theme, who spoke (name, organisation, about), and summary."""

    title: str
    day: str
    theme: str
    speakers: tuple[tuple[str, str, str], ...]
    summary: str


PAST_MEETINGS = (
    PastMeeting(
        "AI Network, September 2023",
        "2023-09-12",
        "Large language models in councils",
        (("Five councils", "", "Their approaches to large language models"),),
        "Five councils presented varying approaches to the use of large language models, and their "
        "broader strategies for AI: governance boards, the involvement of senior leadership, and a "
        "focus on the needs of the community, with transparency and ethical practice.\n\n"
        "The sector fears to fall behind, sees high costs, and lacks clarity on vision and values. "
        "Finding suitable suppliers, transparent procurement and consistent skills were the "
        "challenges named most.\n\n"
        "The LGA shared plans for an AI readiness survey, *AI Unpacked* explainer videos and "
        "support for governance. Socitm, LOTI and iNetwork gave updates.",
    ),
    PastMeeting(
        "AI Network, November 2023",
        "2023-11-14",
        "Transparency, explainability, fairness, equality",
        (
            ("Information Commissioner's Office", "ICO", "Updated guidance on fairness and AI"),
            ("Equality and Human Rights Commission", "EHRC", "AI and the equality duty"),
        ),
        "How existing guidance on data protection law and on the public sector equality duty "
        "applies to AI.\n\n"
        "The **ICO** explained data fairness, algorithmic fairness, bias in the AI lifecycle and "
        "the importance of transparency in explaining AI decisions. The **EHRC** spoke about "
        "bringing equality into AI procurement, the difficulty of explainability, and the impact "
        "of AI on the workforce.",
    ),
    PastMeeting(
        "AI Network, January 2024",
        "2024-01-16",
        "What is under the hood of generative AI",
        (("Professor Nigel Crook", "Oxford Brookes University", "Large language models"),),
        "Professor Nigel Crook explained the way from early projects to modern GPTs, so that "
        "members can make informed choices about risk and governance.\n\n"
        "In discussion: hallucinations, detecting AI generated text, robust contract clauses "
        "between councils and suppliers, and how to reduce harm from GPT-based bots. A closed "
        "sector discussion asked for better supplier engagement tools, regional knowledge sharing, "
        "answers to supplier lock-in, and help with staff skills.",
    ),
    PastMeeting(
        "AI Network, March 2024",
        "2024-03-12",
        "Copilot in councils",
        (("The Copilot subgroup", "", "Use cases and a collective voice"),),
        "Colleagues shared experience of exploring and implementing Copilot, and discussed the "
        "impact of Microsoft's dominance in the market. Representatives of the Copilot subgroup, "
        "now more than 280 strong, shared use cases.\n\n"
        "A district council reminded us that leaner councils need clear business cases. In health "
        "and social care, time saved must be balanced with caution for vulnerable people and "
        "sensitive information: governance and human oversight matter. A collective statement on "
        "the responsible use of generative AI in adult social care was shared.",
    ),
    PastMeeting(
        "AI Network, May 2024",
        "2024-05-14",
        "Resident engagement in the AI lifecycle",
        (
            ("Connected by Data", "Connected by Data", "Engagement that shapes AI"),
            ("Manchester City Council", "Manchester City Council", "The people's panel"),
        ),
        "Councils are the front line of the public sector and have a key role in public trust in "
        "AI. Engagement is continuous: as we build the infrastructure and culture of "
        "participation, embedding residents' voices becomes easier.\n\n"
        "Connected by Data asked us to see engagement as shaping the future of AI, not only "
        "reacting to it. Manchester City Council shared its people's panel, and how it frames "
        "challenges of society as digital challenges.",
    ),
    PastMeeting(
        "AI Network, June 2024",
        "2024-06-11",
        "Productivity",
        (
            ("Dr Jonathan Bright", "Alan Turing Institute", "Measuring productivity with AI"),
            ("Kingston Council and Beam", "Kingston Council", "Magic notes in social care"),
            ("Swindon Council", "Swindon Council", "Simply Readable, with AWS"),
        ),
        "The theme on everyone's AI radar.\n\n"
        "Dr Jonathan Bright, Head of AI for Public Services, shared insights on measuring "
        "productivity and service efficiency from research into generative AI in the public "
        "sector.\n\n"
        "Kingston Council and Beam showed *magic notes*, which streamlines note-taking in adult "
        "social care. Swindon Council presented *Simply Readable*, an open-source tool made with "
        "AWS that cuts the cost and time of easy-to-read documents.",
    ),
)

COMING_TITLE = "AI Network: procurement and supplier lock-in"
COMING_THEME = "Buying AI well"
COMING_DESCRIPTION = (
    "What to ask suppliers, which contract clauses helped, and how to leave again. Updates from "
    "Socitm, LOTI and iNetwork as usual. Bring one clause that you would not sign again."
)
COMING_SPEAKERS = (
    ("Farah Siddiqui", "Greyford City Council", "Five questions before a pilot"),
    ("Kofi Brandreth", "LOTI", "What a shared register of tools taught us"),
)
COMING_LINK = "https://meet.example/ai-network"


@dataclass(frozen=True)
class Letter:
    """One message of a discussion: who, when (days and hours ago), what it answers, and words."""

    key: str
    who: str
    days_ago: float
    subject: str
    words: str
    answers: str | None = None
    quote: str = ""


NETWORK_LETTERS = (
    Letter(
        "notes-1", "Hannah Stubbs", 9.2, "Note-taking in social care: where did you start?",
        "Hello all,\n\nafter the June meeting our adult social care team wants to try one of the "
        "note-taking tools. Before we go near a pilot: how did you do the data protection impact "
        "assessment, and did you tell residents at the start of each visit?\n\n"
        "We have about 60 social workers, so even ten minutes a visit would be a lot.",
    ),
    Letter(
        "notes-2", "Amara Osei", 9.0, "Re: Note-taking in social care: where did you start?",
        "We wrote the assessment before the first recording, not after. Two things helped: a card "
        "in plain words that the social worker hands over, and a no that costs nothing: if "
        "somebody says no, the notes are typed as ever.\n\nHappy to share the card.",
        "notes-1", "how did you do the data protection impact\nassessment",
    ),
    Letter(
        "notes-3", "Dev Chaudhari", 8.4, "Re: Note-taking in social care: where did you start?",
        "Yes please to the card.\n\nWe found that the time saved is real but moves: less typing, "
        "more checking. Measure both or the figure is too rosy.",
        "notes-2", "Happy to share the card.",
    ),
    Letter(
        "notes-4", "Ruth Castellan", 7.8, "Re: Note-taking in social care: where did you start?",
        "A view from a district: we have no social care, but the same question for planning "
        "meetings. Did anyone ask the clerk what they think?",
        "notes-1", "Before we go near a pilot",
    ),
    Letter(
        "notes-5", "Hannah Stubbs", 6.9, "Re: Note-taking in social care: where did you start?",
        "Thank you, this is what I needed. I will bring our draft to the next meeting.",
        "notes-3", "Measure both or the figure is too rosy.",
    ),
    Letter(
        "easy-1", "Priya Nair", 5.1, "Simply Readable: looking for two more councils to test",
        "Dear colleagues,\n\nthe tool that we showed in June makes easy-read drafts of letters. "
        "The text is good enough to edit; the pictures are where people disagree. We look for two "
        "councils with an easy-read group of residents who would judge 20 letters.\n\n"
        "It is open source, so nothing to buy.",
    ),
    Letter(
        "easy-2", "Zoë Kettlewell", 4.6, "Re: Simply Readable: looking for two more councils",
        "Our residents' panel would enjoy this. When do you need an answer?",
        "easy-1", "We look for two\ncouncils with an easy-read group of residents",
    ),
    Letter(
        "easy-3", "Priya Nair", 4.5, "Re: Simply Readable: looking for two more councils",
        "By the end of the month would be wonderful.",
        "easy-2", "When do you need an answer?",
    ),
    Letter(
        "partners-1", "Esther Pallister", 2.3, "Socitm update: skills survey is open",
        "Our survey on digital and AI skills in councils is open until the end of next month. It "
        "takes ten minutes, and every council that answers gets its figures beside the average.",
    ),
)  # fmt: skip

SUBGROUP_LETTERS = (
    Letter(
        "licence-1", "Oluwaseun Adeyi", 6.0, "Licences: who gets one, who gives it back?",
        "We bought 200 licences and 70 are hardly used. Has anyone a fair rule for moving them on "
        "without making it a punishment?",
    ),
    Letter(
        "licence-2", "Farah Siddiqui", 5.8, "Re: Licences: who gets one, who gives it back?",
        "Ninety days, then a friendly question rather than a switch-off: what would you need to "
        "use it? A third ask for training, a third hand it back, a third had forgotten.",
        "licence-1", "Has anyone a fair rule for moving them on",
    ),
    Letter(
        "licence-3", "Jun Watanabe", 5.5, "Re: Licences: who gets one, who gives it back?",
        "Same here. And write the business case per team, not per head: our minutes-takers save "
        "hours, the average saves minutes.",
        "licence-1", "70 are hardly used",
    ),
    Letter(
        "licence-4", "Marek Zielony", 5.2, "Re: Licences: who gets one, who gives it back?",
        "Could we collect these rules for the talk with Microsoft? 280 of us saying the same thing "
        "might be heard.",
        "licence-2", "Ninety days, then a friendly question",
    ),
)  # fmt: skip
