"""The presets on the first screen: a row of cards; one click loads an experiment and trains it."""

from collections.abc import Sequence

import streamlit as st

from dashboard.experiment.comparison import WITH_AND_WITHOUT_CLIPPING, Said, said_of
from dashboard.experiment.opening import REAL_DATA
from dashboard.experiment.preset_cards import cards_html
from dashboard.experiment.presets import PRESETS, Preset
from dashboard.figures import PALETTES
from dashboard.lessons import LessonRun
from dashboard.panels import controls, fields
from dashboard.panels.theme import theme
from rnncore.config import TrainConfig

_CHOSEN = "presets.chosen"

# All in one row where there is room for it, else in rows of three, or of two on a phone: none stands alone in its row.
_CSS = """
.presets { --row: WIDTH_OF_ALL; display: grid; gap: 0.6rem; font-family: var(--st-font);
  --least: max(9.4rem, min(100% / 3 - 0.6rem, (var(--row) - 100%) * 999));
  grid-template-columns: repeat(auto-fit, minmax(var(--least), 1fr)); }
.presets button { display: grid; align-content: start; gap: 0.1rem; text-align: left; font: inherit; cursor: pointer;
  color: var(--st-text-color); background: var(--st-background-color); padding: 0.4rem 0.6rem 0.5rem;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); }
.presets button:hover { border-color: var(--st-link-color); }
.presets button:hover strong { color: var(--st-link-color); }
.presets button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.presets strong { font-weight: 600; font-size: 0.95rem; }
.presets span { font-size: 0.8rem; line-height: 1.3; }
.presets svg { width: 100%; height: 2.9rem; overflow: visible; fill: none; stroke-width: 2.5; stroke-linejoin: round;
  stroke-linecap: round; }
.presets svg > * { vector-effect: non-scaling-stroke; }
.presets .level { stroke: var(--st-border-color); stroke-width: 1; stroke-dasharray: 3 3; }
.presets .file { stroke: var(--st-link-color); }
.presets .run0 { stroke: var(--run0); }
.presets .run1 { stroke: var(--run1); }
""".replace("WIDTH_OF_ALL", f"{10 * len(PRESETS)}rem")
_SCRIPT = """
export default function ({ data, parentElement, setTriggerValue }) {
  const cards = parentElement.querySelector(".presets")
  data.colors.forEach((color, run) => cards.style.setProperty(`--run${run}`, color))
  cards.onclick = ({ target }) => {
    const card = target.closest("[data-preset]")
    if (!card) return
    setTriggerValue("chosen", card.dataset.preset)
    // What is still to be said is asked for in the sidebar, which may be closed.
    if ("asks" in card.dataset) document.querySelector('[data-testid="stExpandSidebarButton"]')?.click()
  }
}
"""
_cards = st.components.v2.component(
    "rnn_gradient_lab_presets", html=cards_html(), css=_CSS, js=_SCRIPT, isolate_styles=False
)


def preset_cards() -> None:
    """Draw the cards; the one chosen puts its experiment into the controls, which must not be drawn yet."""
    result = _cards(key="presets", data={"colors": list(PALETTES[theme()].runs[:2])}, on_chosen_change=_ignore)
    preset = PRESETS.get(result.chosen) if result.chosen else None
    if preset is not None:
        load(preset)


def preset_runs(configs: Sequence[TrainConfig]) -> Sequence[LessonRun]:
    """Return the runs of the preset that was chosen last, named as in it; none once the controls say other runs."""
    preset = PRESETS.get(st.session_state.get(_CHOSEN, ""))
    if preset is None or not preset.configs or tuple(configs) != preset.configs:
        return ()
    return [LessonRun(name, own) for name, own in zip(preset.names, preset.configs, strict=True)]


def load(preset: Preset) -> None:
    """Put a preset's experiment into the controls and train it; where the user brings a file, ask for that."""
    st.session_state[_CHOSEN] = preset.key
    if preset.configs:
        controls.open_with(said_of(preset.configs))
        st.session_state[controls.SLOW_START] = True
        controls.request_start()
    else:
        controls.open_with(Said(REAL_DATA, WITH_AND_WITHOUT_CLIPPING))
        st.session_state[fields.KIND] = "upload"


def _ignore() -> None:
    """Streamlit wants a callback for a value that is told once."""
