"""What a reader sees of the board without touching it: a lesson sets it, the board begins there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Show:
    """What a reader sees of the board without touching it.

    first: figures, by their names in `figures.FIGURES`, that stand before all others. step: the training step shown,
    None for the newest. options: "figure.option" each, switched on.
    """

    first: tuple[str, ...] = ()
    step: int | None = None
    options: tuple[str, ...] = ()


AS_USUAL = Show()
