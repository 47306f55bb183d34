"""The names that Python and the board's script share: what the one says, the other knows."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import dashboard
from dashboard.figures import FIGURES, Figure, Palette, Rule, Run, board, drawing
from dashboard.server.first_frame import STYLE
from rnncore.instruments import INSTRUMENTS
from rnncore.records import PROFILES, SCALARS
from rnncore.runs.store.runs import ACTIVE, ENDED

STATIC = Path(dashboard.__file__).parent / "static"
RUNS = [Run(f"run {index}", 1.0, cell, clipped=True) for index, cell in enumerate(("rnn", "lstm", "gru"))]


def entries(file: str, table: str) -> set[str]:
    """Return the keys of an object that a module of the script declares."""
    found = re.search(rf"const {table} = \{{(.*?)\}};", (STATIC / file).read_text("utf-8"), re.DOTALL)
    assert found, table
    return set(re.findall(r"(\w+)(?:: \w+)?", found[1]))


def union(name: str) -> set[str]:
    """Return the words of a union of types.d.ts."""
    found = re.search(rf"export type {name} =(.*?);", (STATIC / "types.d.ts").read_text("utf-8"), re.DOTALL)
    assert found, name
    return set(re.findall(r'"(\w+)"', found[1]))


def interface(name: str) -> set[str]:
    """Return the fields of an interface of figures.d.ts."""
    found = re.search(
        rf"export interface {name} \{{(.*?)\n\}}", (STATIC / "figures.d.ts").read_text("utf-8"), re.DOTALL
    )
    assert found, name
    return set(re.findall(r"^  (\w+)\??:", found[1], re.MULTILINE))


def metas() -> Iterator[tuple[Figure, dict[str, Any]]]:
    for name, spec in board(RUNS, "light").items():
        for trace in spec["data"]:
            yield FIGURES[name], trace["meta"]


def test_every_rule_of_a_figure_is_a_function_of_the_script() -> None:
    assert {str(rule) for rule in Rule} == entries("rules.js", "RULES")


def test_every_trace_is_filled_by_a_function_of_the_script() -> None:
    known = entries("fills.js", "FILLS") | entries("part_fills.js", "PART_FILLS")
    assert {meta["fill"] for _, meta in metas()} <= known
    assert set().union(*(meta for _, meta in metas())) <= interface("Meta")


def test_every_trace_is_filled_from_what_its_figure_reads() -> None:
    for figure, meta in metas():
        reads = figure.reads
        assert set(reads.columns) | set(reads.evaluations) <= set(SCALARS), figure.key
        assert set(reads.profiles) <= set(PROFILES), figure.key
        assert set(reads.parts) <= set(INSTRUMENTS), figure.key
        match meta["fill"]:
            case "column":
                asked, read = {meta["y"], meta.get("times", meta["y"])}, reads.columns
            case "evaluations" | "metric":
                asked, read = {meta["y"]}, reads.evaluations
            case "profile" | "profileEnd":
                asked, read = {meta["y"]}, reads.profiles
                assert {meta["times"]} <= set(reads.columns) if "times" in meta else True, figure.key
            case "profileMap":
                asked, read = {meta["z"], *meta.get("instead", {}).values()}, reads.profiles
            case "baseline" | "threshold" | "zone":
                continue
            case _:
                asked, read = {meta["path"].split(".")[0]}, reads.parts
        assert asked <= set(read), figure.key


def test_the_types_of_the_script_name_what_is_recorded() -> None:
    assert union("Status") == {*ACTIVE, *ENDED}
    assert union("Column") <= set(SCALARS)
    assert union("Evaluation") <= set(SCALARS)
    assert union("ProfileColumn") == set(PROFILES)


def test_the_types_of_the_script_describe_how_runs_are_drawn() -> None:
    drawn = drawing(RUNS)
    assert interface("Drawing") == set(drawn)
    assert interface("Palette") == {field.name for field in fields(Palette)}
    for about in drawn["about"].values():
        assert interface("About") == set(about)
        assert all(interface("AboutOption") == set(option) for option in about["options"])


def test_a_board_finds_the_style_for_pages_that_come() -> None:
    found = re.search(r'STYLE_ID = "(.+?)"', (STATIC / "first_frame.js").read_text("utf-8"))
    assert found
    assert f'<style id="{found[1]}">'.encode() in STYLE


def test_no_style_of_the_board_asks_what_is_in_an_element() -> None:
    for sheet in STATIC.glob("*.css"):
        rules = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
        assert ":has(" not in rules, f"{sheet.name}: each change of a figure would style the whole page anew"
