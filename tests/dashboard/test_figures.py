"""The figures: what fills their traces, what they read, and that the board's script knows none by name."""

import re
from pathlib import Path

import plotly.graph_objects as go
import pytest

import dashboard
from dashboard.figures import FIGURES, MAX_RUNS, PALETTES, Run, board, drawing
from dashboard.figures.gates import which_is_which
from rnncore.cells import CELLS

STATIC = Path(dashboard.__file__).parent / "static"
RUNS = [Run(f"run {index}", 1.0, cell, clipped=True) for index, cell in enumerate(("rnn", "lstm", "gru") * 2)]


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("count", [1, 2, MAX_RUNS])
def test_every_trace_says_what_fills_it_and_every_option_is_offered(theme: str, count: int) -> None:
    for name, figure in board(RUNS[:count], theme).items():
        offered = {option.key for option in FIGURES[name].options}
        go.Figure(figure)  # plotly knows every property
        assert {"xaxis", "yaxis"} <= set(figure["layout"]), name
        for trace in figure["data"]:
            assert {"run", "baseline"} & set(trace["meta"]), name
            assert trace["meta"].get("option") in {None, *offered}, name
            assert 0 <= trace["meta"].get("run", 0) < count


def test_twins_have_the_same_two_colours_in_every_line_figure() -> None:
    for theme, palette in PALETTES.items():
        for name, figure in board(RUNS[:2], theme).items():
            lines = [trace for trace in figure["data"] if trace["type"] == "scatter" and trace["mode"] == "lines"]
            for trace in lines:
                if "run" in trace["meta"] and trace["meta"]["fill"] != "threshold":
                    assert trace["line"]["color"] == palette.runs[trace["meta"]["run"]], name


@pytest.mark.parametrize("theme", PALETTES)
def test_text_and_lines_have_enough_contrast(theme: str) -> None:
    """WCAG AA: 4.5 for text, 3 for graphics, on the theme's background."""
    background = {"light": "#ffffff", "dark": "#11151d"}[theme]
    palette = PALETTES[theme]
    assert contrast(palette.text, background) >= 4.5
    assert contrast(palette.muted, background) >= 4.5
    assert contrast(palette.alert, background) >= 4.5
    assert min(contrast(color, background) for color in palette.runs) >= 3


def contrast(one: str, other: str) -> float:
    def luminance(color: str) -> float:
        channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_boards_script_knows_no_figure_and_no_cell_by_name() -> None:
    names = {*FIGURES, *CELLS} - {"heatmap"}  # plotly's own word for a map
    for module in STATIC.glob("*.js"):
        if module.name.startswith(("micro", "tape.")):
            continue  # the microscope computes cells and their loss itself
        code = re.sub(r"/\*\*.*?\*/", "", module.read_text(), flags=re.DOTALL)
        assert not names & set(re.findall(r"""["'`]([\w]+)["'`]""", code)), module.name


def test_options_are_offered_where_a_run_has_something_for_them() -> None:
    def offered(figure: str, *runs: Run) -> set[str]:
        return {option["key"] for option in drawing(runs)["about"][figure]["options"] if option["applies"]}

    plain, lstm = Run("a"), Run("b", 1.0, "lstm", clipped=True)
    assert offered("profile", plain) == {"lag", "direct", "bound", "split", "fit"}
    assert offered("profile", lstm) == {"lag", "cell", "direct", "split", "fit", "scaled"}
    assert offered("profile", plain, lstm) == {"lag", "cell", "direct", "bound", "split", "fit", "scaled"}
    assert offered("heatmap", plain) == set()
    assert "after" not in offered("grad_norm", plain)


def test_gates_are_told_apart_in_words_for_the_cells_that_have_some() -> None:
    assert which_is_which(RUNS[:1]) == ""
    assert which_is_which(RUNS) == "LSTM: solid input, dashed forget, dotted output; GRU: solid reset, dashed update"
    assert [drawing([run])["about"]["gates"]["applies"] for run in RUNS[:3]] == [False, True, True]
