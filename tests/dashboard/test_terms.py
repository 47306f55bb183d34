"""What findings say is explained: every term in their sentences has an entry in the glossary.

The sentences are read off the source: all texts in rnncore/diagnosis that are no docstring and no key. Their words are
terms of the glossary, in one of the forms that it knows, or plain English, listed in tests/support/plain_words.txt. A
new word fails here until somebody has decided which of the two it is.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dashboard.experiment.evidence_words import WORDS
from dashboard.lessons.basics import BASICS
from dashboard.lessons.glossary import TERMS, all_terms, in_short
from rnncore.data import TASKS
from rnncore.diagnosis.kinds import FINDINGS
from tests.support.server import ROOT

SOURCE = ROOT / "rnncore" / "diagnosis"
PLAIN = set((ROOT / "tests" / "support" / "plain_words.txt").read_text().split())
FORMS = sorted({form.casefold() for term in in_short().values() for form in term["forms"]}, key=len, reverse=True)
WORD = re.compile(r"[a-z][a-z-]*")


def sentences() -> Iterator[str]:
    """Yield the texts of sentences, as far as they are known without running anything."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        aside = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [part for part in node.values if isinstance(part, ast.Constant)]
                aside |= {id(part) for part in parts}
                text: object = " … ".join(str(part.value) for part in parts)
            else:
                text = node.value if isinstance(node, ast.Constant) and id(node) not in aside else None
            if isinstance(text, str) and " " in text.strip():
                yield text


def unexplained(text: str) -> set[str]:
    """Return the words of a text that are neither in the glossary nor plain."""
    left = text.casefold()
    for form in FORMS:
        left = re.sub(rf"(?<![\w]){re.escape(form)}(?![\w])", " ", left)
    return {word for word in WORD.findall(left) if word.strip("-") not in PLAIN and len(word) > 1}


def test_every_word_of_every_sentence_is_plain_or_in_the_glossary() -> None:
    found = list(sentences())
    assert len(found) > 50
    assert {text: words for text in found if (words := unexplained(text))} == {}


def test_every_kind_of_finding_and_everything_measured_is_explained() -> None:
    for rule in FINDINGS.values():
        assert rule.title.casefold() in FORMS, rule.key
        assert unexplained(rule.help) == set(), rule.key
    for name, words in WORDS.items():
        assert unexplained(words) == set(), name


def test_the_names_of_simple_answers_are_plain_too() -> None:
    for task in TASKS.values():
        assert unexplained(task.title) <= set(WORD.findall(task.title.casefold()))


def test_plain_words_are_no_terms() -> None:
    assert PLAIN.isdisjoint(FORMS)


def test_no_term_is_told_twice() -> None:
    assert BASICS.keys().isdisjoint(TERMS)
    assert len(FORMS) == len([form for term in in_short().values() for form in term["forms"]])


def test_what_is_shown_of_a_term_is_plain_text_and_one_sentence() -> None:
    for name, term in in_short().items():
        assert name in all_terms()
        assert term["text"].endswith("."), name
        assert not re.search(r"[$\\{}*_]{2}|[$\\]", term["text"]), term["text"]
        assert len(term["text"]) < 200, name


def test_evidence_is_named_in_words() -> None:
    keys: set[str] = set()
    for path in sorted(Path(SOURCE).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                keys |= {key for argument in node.args[2:3] for key in _keys(argument)}
            if isinstance(node, ast.Assign | ast.AugAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if getattr(target, "id", "") in ("evidence", "figures", "shares"):
                    keys |= set(_keys(node.value))
    assert len(keys) > 20
    assert keys <= set(WORDS), keys - set(WORDS)


def _keys(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Dict):
            yield from (key.value for key in each.keys if isinstance(key, ast.Constant))
