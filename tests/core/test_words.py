"""Numbers and their nouns agree; lists of names stay short."""

import pytest

from rnncore.words import listed, many


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "row", "1 row"),
        (0, "row", "0 rows"),
        (2000, "row", "2,000 rows"),
        (1, "class", "1 class"),
        (3, "class", "3 classes"),
        (1, "series", "1 series"),
        (5, "series", "5 series"),
        (2, "more part", "2 more parts"),
        (0.5, "second", "0.5 seconds"),
        (1.0, "second", "1 second"),
        (3600.0, "second", "3,600 seconds"),
        (123456789, "parameter", "123,456,789 parameters"),
    ],
)
def test_a_number_has_its_noun(count: float, noun: str, text: str) -> None:
    assert many(count, noun) == text


def test_of_many_names_the_first_are_listed() -> None:
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed(list("abcdefgh")) == "'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'"
    assert listed([str(number) for number in range(1009)], 1) == "'0' and 1,008 more"
    assert listed([]) == ""
