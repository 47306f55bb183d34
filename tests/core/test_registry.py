"""Registries: their order, later entries, their implementations, and the modules that add to them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError

from rnncore import choices
from rnncore.config import explain
from rnncore.errors import ConfigError
from rnncore.key_of import KeyOf
from rnncore.registry import Choice, Registry, load_plugins

FILLED = [registry for registry in vars(choices).values() if isinstance(registry, Registry)]


def fruit(key: str) -> Choice:
    return Choice(key=key, title=key.title(), help="It grows.")


@pytest.fixture
def fruits() -> Registry[Choice]:
    registry: Registry[Choice] = Registry("fruit")
    registry.register(fruit("pear"))
    registry.register(fruit("apple"))
    return registry


def test_entries_keep_their_order(fruits: Registry[Choice]) -> None:
    assert list(fruits) == ["pear", "apple"]
    assert fruits.titles() == {"pear": "Pear", "apple": "Apple"}
    assert fruits["apple"].key == "apple"
    assert len(fruits) == 2


def test_a_key_can_be_taken_once(fruits: Registry[Choice]) -> None:
    with pytest.raises(ValueError, match="there is a fruit 'pear' already"):
        fruits.register(fruit("pear"))


def test_a_key_registered_later_is_valid_at_once(fruits: Registry[Choice]) -> None:
    class Basket(BaseModel):
        fruit: Annotated[str, KeyOf(fruits, "any")]

    with pytest.raises(ValidationError) as error:
        Basket.model_validate({"fruit": "plum"})
    assert explain(error.value) == "fruit: 'plum' is not allowed; allowed: one of 'any', 'pear' or 'apple'"
    fruits.register(fruit("plum"))
    assert Basket.model_validate({"fruit": "plum"}).model_dump() == {"fruit": "plum"}
    assert Basket.model_json_schema()["properties"]["fruit"]["enum"] == ["any", "pear", "apple", "plum"]


@pytest.mark.parametrize("registry", FILLED, ids=lambda registry: registry.kind)
def test_every_implementation_is_there_and_every_help_is_a_sentence(registry: Registry[Any]) -> None:
    for entry in registry.values():
        assert callable(entry.load())
        assert entry.help.endswith(".")
        assert entry.help[0].isupper() or entry.help[0].isdigit()


# --- modules from outside ------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_modules_are_imported_in_order_and_their_pages_where_wanted(folder: Path) -> None:
    (folder / "first_plugin").mkdir()
    (folder / "first_plugin" / "__init__.py").write_text("")
    (folder / "first_plugin" / "page.py").write_text("")
    (folder / "second_plugin.py").write_text("import sys\nassert 'first_plugin' in sys.modules\n")
    load_plugins(" first_plugin, second_plugin,")
    assert "second_plugin" in sys.modules
    assert "first_plugin.page" not in sys.modules
    load_plugins("first_plugin,second_plugin", pages=True)
    assert "first_plugin.page" in sys.modules


def test_nothing_named_is_nothing_to_do() -> None:
    load_plugins("")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No module named 'odd_plugin'"), ("import no_such_thing", "No module named 'no_such_thing'"),
     ("1 / 0", "division by zero"), ("def", "invalid syntax")],
)  # fmt: skip
def test_a_module_that_cannot_be_imported_is_one_sentence(folder: Path, content: str | None, reason: str) -> None:
    if content is not None:
        (folder / "odd_plugin.py").write_text(content)
    with pytest.raises(ConfigError) as error:
        load_plugins("odd_plugin")
    sentence = str(error.value)
    assert sentence.startswith("RNNLAB_PLUGINS: the module 'odd_plugin' cannot be imported: ")
    assert reason in sentence
    assert "\n" not in sentence
