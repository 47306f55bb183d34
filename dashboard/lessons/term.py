"""One entry of the glossary."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A term: its definition (markdown with $formulas$) and its main formula in LaTeX, or ''.

    The first sentence of the definition is what is shown where a sentence uses the term. forms: other words by which
    sentences call it.
    """

    text: str
    formula: str = ""
    forms: tuple[str, ...] = ()
