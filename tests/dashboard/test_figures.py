"""The figures' specs: every option that a trace names is offered, and every trace says what fills it."""

import plotly.graph_objects as go
import pytest

from dashboard.figures import FIGURES, MAX_RUNS, PALETTES, Run, board

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
                if "run" in trace["meta"]:
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
