"""The settings: where they come from, what they refuse, and the page that tells of them."""

from pathlib import Path

import pytest

from rnncore.__main__ import main
from rnncore.runs.settings import Settings, SettingsError, env_name
from rnncore.runs.settings_page import markdown

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_settings_come_from_the_environment(tmp_path):
    environ = {"RNNLAB_DATA_DIR": str(tmp_path), "RNNLAB_MAX_STEPS": "7", "RNNLAB_KEEP_DAYS": "0.5"}
    settings = Settings.from_env(environ)
    assert (settings.data_dir, settings.max_steps, settings.keep_days) == (tmp_path, 7, 0.5)
    assert settings.store_path == tmp_path / "runs.sqlite"


def test_an_empty_variable_counts_as_not_set():
    assert Settings.from_env({"RNNLAB_MAX_STEPS": "", "RNNLAB_DATA_DIR": ""}) == Settings()


def test_only_from_env_reads_the_environment(monkeypatch):
    monkeypatch.setenv("RNNLAB_MAX_STEPS", "7")
    assert Settings().max_steps == 200_000
    assert Settings.from_env().max_steps == 7
    assert Settings.from_env({}).max_steps == 200_000


def test_the_users_home_may_be_a_tilde():
    assert Settings.from_env({"RNNLAB_DATA_DIR": "~/lab"}).data_dir == Path.home() / "lab"


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("workers", "'two'", "a whole number"),
        ("workers", "0", "1 or more"),
        ("max_steps", "'1.5'", "a whole number"),
        ("keep_days", "nan", "0 or more"),
        ("keep_days", "'a month'", "a number"),
        ("worker_nice", "20", "0 to 19"),
        ("flush_ms", "-1", "0 or more"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_in_one_sentence(name, text, allowed):
    with pytest.raises(SettingsError) as error:
        Settings.from_env({env_name(name): text.strip("'")})
    assert str(error.value) == f"{env_name(name)}: {text} is not allowed; allowed: {allowed}"


def test_values_given_in_python_are_checked_too():
    with pytest.raises(SettingsError, match="RNNLAB_MAX_PROFILE_ROWS: 0 is not allowed; allowed: 1 or more"):
        Settings(max_profile_rows=0)
    with pytest.raises(SettingsError, match="RNNLAB_MAX_STEP: there is no such setting"):
        Settings(max_step=5)


def test_every_setting_has_a_sentence_and_a_default_that_is_true_everywhere():
    for name, field in Settings.model_fields.items():
        assert field.description[0].isupper(), name
        assert field.description.endswith("."), name
        assert name.rpartition("_")[2] not in ("mb", "seconds", "ms") or "(" in field.description, "a unit"
        assert field.default_factory is None or field.json_schema_extra["default"], name


def test_the_page_of_the_settings_is_current(capsys):
    assert main(["settings", "--markdown"]) == 0
    assert capsys.readouterr().out == PAGE.read_text(), "run `python -m rnncore settings --markdown > docs/settings.md`"


def test_the_page_does_not_depend_on_the_machine(monkeypatch, tmp_path):
    before = markdown()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RNNLAB_MAX_STEPS", "7")
    monkeypatch.setattr("rnncore.runs.settings.available_cores", lambda: 77)
    assert markdown() == before
    assert "77" not in before
    assert str(Settings().data_dir.parent) not in before


def test_the_command_lists_what_is_in_force_here(capsys, monkeypatch):
    monkeypatch.setenv("RNNLAB_MAX_STEPS", "7")
    assert main(["settings"]) == 0
    assert "RNNLAB_MAX_STEPS=7\n    Training steps of one run.\n" in capsys.readouterr().out
    monkeypatch.setenv("RNNLAB_WORKERS", "two")
    assert main(["settings"]) == 2
    assert capsys.readouterr().err == "rnncore: RNNLAB_WORKERS: 'two' is not allowed; allowed: a whole number\n"
