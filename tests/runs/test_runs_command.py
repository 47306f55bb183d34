"""`python -m rnncore runs ...` on a store with two runs."""

import json
import sqlite3
import time

import pyarrow.parquet as pq
import pytest

from rnncore.__main__ import main
from rnncore.runs.store.store import Store
from tests.support.stored import add, new_run, record


@pytest.fixture
def folder(tmp_path):
    store = Store(tmp_path / "runs.sqlite")
    store.create_runs([new_run("old"), new_run("new")])
    for run_id, days in (("old", 40), ("new", 1)):
        add(store, [record(step) for step in range(1, 6)], run_id=run_id)
        store.update_run(run_id, status="finished", ended_at=time.time() - days * 86_400, label="a\x1b[31m label")
    store.close()
    return tmp_path


def run(folder, *arguments):
    return main(["runs", "--data-dir", str(folder), *arguments])


def test_list_shows_each_run_and_lets_no_label_steer_the_terminal(folder, capsys):
    assert run(folder, "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["old", "new"]
    assert "finished" in lines[0]
    assert "5 of     100" in lines[0]
    assert "\x1b" not in lines[0]


def test_show_prints_json_without_the_workspace(folder, capsys):
    assert run(folder, "show", "new") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["id"], shown["step"], shown["last"]["train_loss"]) == ("new", 5, 0.5)
    assert "workspace" not in shown


def test_export_takes_the_format_from_the_name(folder, capsysbinary):
    assert run(folder, "export", "new") == 0
    lines = capsysbinary.readouterr().out.splitlines()
    assert lines[0].startswith(b"step,epoch,train_loss")
    assert len(lines) == 6
    assert run(folder, "export", "new", "--out", str(folder / "run.parquet")) == 0
    assert pq.read_table(folder / "run.parquet").column("step").to_pylist() == [1, 2, 3, 4, 5]


def test_prune_removes_by_age(folder, capsys):
    assert run(folder, "prune", "--days", "30") == 0
    assert capsys.readouterr().out == "removed 1 run and 0 uploads; 1 run left\n"
    assert run(folder, "prune", "--days", "0") == 0
    assert capsys.readouterr().out == "removed 1 run and 0 uploads; 0 runs left\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("show", "x"), "there is no run with the id 'x'"), (("export", "x"), "there is no run with the id 'x'")],
)
def test_an_unknown_run_is_one_line_on_standard_error(folder, capsys, arguments, sentence):
    assert run(folder, *arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_store_that_is_not_there_is_one_line_and_none_is_made(tmp_path, capsys):
    assert run(tmp_path, "list") == 2
    assert "there is no run store at" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("--days", "nan"), ("--days", "-1"), ("--days", "x"), ("--max-mb", "-1")])
def test_prune_takes_no_number_below_zero(folder, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        run(folder, "prune", *arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"{arguments[1]!r} is not a {NUMBER[arguments[0]]} of at least 0\n")


NUMBER = {"--days": "number", "--max-mb": "whole number"}


def test_a_store_that_fails_while_it_is_read_is_one_line(folder, capsys):
    with sqlite3.connect(folder / "runs.sqlite") as db:
        db.execute("ALTER TABLE runs RENAME TO walks")
    assert run(folder, "list") == 2
    assert capsys.readouterr().err == (
        f"rnncore: the run store '{folder / 'runs.sqlite'}' cannot be used: no such table: runs\n"
    )


def test_backup_writes_a_new_file_and_never_over_another(folder, tmp_path, capsys):
    target = tmp_path / "copy.sqlite"
    assert run(folder, "backup", str(target)) == 0
    assert capsys.readouterr().out.startswith(f"wrote 2 runs to '{target}'")
    with sqlite3.connect(target) as connection:
        assert connection.execute("SELECT COUNT(*) FROM runs").fetchone() == (2,)
    connection.close()
    assert run(folder, "backup", str(target)) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(folder, "backup", str(tmp_path / "nowhere" / "copy.sqlite")) == 2
    assert "cannot be written" in capsys.readouterr().err
