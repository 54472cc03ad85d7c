"""A work that is cited: as it stands in a sentence, in a list of references, and in BibTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Reference", "bibtex", "listed"]

_LATEX = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_"}


@dataclass(frozen=True)
class Reference:
    """A work, as far as it is known for certain: what is not is left out.

    Attributes
    ----------
    key
        Name in BibTeX.
    authors
        Each as ``"Hobday, A. J."``; an organisation without comma.
    year
        Of publication; "" where there is none.
    kind
        BibTeX's: ``article``, ``book``, ``incollection``, ``inproceedings``, ``misc``.
    within
        The journal, or the book or proceedings it is part of.
    more
        Whether there are authors beyond those named.
    """

    key: str
    authors: tuple[str, ...]
    year: str
    title: str
    within: str = ""
    volume: str = ""
    number: str = ""
    pages: str = ""
    doi: str = ""
    publisher: str = ""
    kind: str = "article"
    more: bool = False
    note: str = ""
    url: str = ""

    @property
    def cited(self) -> str:
        """As it stands in brackets: ``Hobday et al. 2016``."""
        names = [author.partition(",")[0] for author in self.authors]
        if len(names) == 2 and not self.more:
            text = " and ".join(names)
        else:
            text = names[0] + (" et al." if self.more or len(names) > 1 else "")
        return f"{text} {self.year}".strip()

    @property
    def text(self) -> str:
        """As it stands in a list of references."""
        authors = ", ".join(self.authors) + (" et al." if self.more else "")
        numbers = self.volume + (f"({self.number})" if self.number else "")
        place = ", ".join(p for p in (self.within, numbers, self.pages) if p)
        parts = [
            f"{authors} ({self.year})" if self.year else authors,
            self.title,
            place,
            self.publisher,
            self.note,
            f"https://doi.org/{self.doi}" if self.doi else self.url,
        ]
        text = ". ".join(p.rstrip(".") for p in parts if p)
        return text if self.doi or self.url else text + "."  # a dot would be part of the link

    @property
    def bibtex(self) -> str:
        """As an entry of a BibTeX file."""
        within = {"article": "journal", "misc": "howpublished"}.get(self.kind, "booktitle")
        authors = " and ".join(a if "," in a else f"{{{a}}}" for a in self.authors)
        fields = {
            "author": authors + (" and others" if self.more else ""),
            "title": f"{{{_latex(self.title)}}}", within: _latex(self.within),
            "volume": self.volume, "number": self.number, "pages": self.pages.replace("–", "--"),
            "publisher": _latex(self.publisher), "year": self.year, "doi": self.doi,
            "note": _latex(self.note), "url": self.url,
        }  # fmt: skip
        inside = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
        return f"@{self.kind}{{{self.key},\n{inside}\n}}"


def listed(references: Iterable[Reference]) -> list[Reference]:
    """Return each reference once, by author and year."""
    unique = {reference.key: reference for reference in references}
    return sorted(unique.values(), key=lambda r: (_plain(r.authors[0]), r.year, r.key))


def bibtex(references: Iterable[Reference]) -> str:
    """Return a BibTeX file."""
    return "\n\n".join(reference.bibtex for reference in references) + "\n"


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return letters.lower()


def _latex(text: str) -> str:
    return re.sub(r"[&%#_]", lambda found: _LATEX[found[0]], text)
