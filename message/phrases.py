"""Phrases in many languages, looked for at once: a text without any of their words is passed over.

Nearly all mail says none of what we look for. To find that out by a pattern of some dozens of
alternatives takes long, to find none of a few words does not.
"""

import re


class Phrases:
    """Patterns, and the words (small letters, divided by |) of which one stands in each match."""

    __slots__ = ("_whole", "patterns", "words")

    def __init__(self, words: str, *patterns: str) -> None:
        """Compile the patterns; they are matched whatever the case."""
        self.patterns = patterns
        self.words = tuple(words.split("|"))
        self._whole = re.compile("|".join(patterns), re.IGNORECASE)

    def search(self, text: str) -> re.Match[str] | None:
        """The first phrase in a text, as `re.search` finds it."""
        low = text.lower()
        for word in self.words:
            if word in low:
                return self._whole.search(text)
        return None
