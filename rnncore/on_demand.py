"""The instruments on demand: what is worked out of a run at one of its steps when somebody asks for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.errors import not_allowed
from rnncore.key_of import either
from rnncore.mistakes import MISTAKES
from rnncore.registry import Implemented, Registry
from rnncore.words import many

FEW_STEPS = 12  # of a run at which an instrument is read to follow it over training, closer together at first
MOST_STEPS = 100  # the same where it is read at every so many evaluations
EVERY = "every"  # the choice of these


def _for_all(config: TrainConfig) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A number that the reader of an instrument may choose, from 1.

    largest: for a run of this configuration. empty: what is taken where nothing is chosen, in a word or two.
    """

    largest: Callable[[TrainConfig], int]
    empty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemand(Implemented):
    """An instrument that is read on demand. `help` says in one sentence what it is.

    look: one sentence on what to look for. formula: in plain characters. source: who has described it.
    undefined: why it has no value for a run of this configuration, else ''. course: where it is worth following over
    training: the place of a function from the arrays of `Reading.summary`, each with a first dimension for the training
    steps of the array "step", and the last reading, to one of all of them with notes of its own. terms: of the
    glossary, that help.
    needs: what it takes, a key of `NEEDS`. watched: the place of the same function for a module of a program that is
    watched, of a `rnncore.engine.readings.module.Seen`, or of an `Update` of `rnncore.engine.readings.updates` where it
    needs one; '' where that cannot be.
    asks: what the reader may choose, by its name.
    small: the page of the app with a small example, not the run itself, of a run's cell where it can; or ''.
    implementation: a function of a `rnncore.engine.readings.probe.Probe` that returns a `rnncore.reading.Reading`; its
    panels say how it is drawn, so that nothing else is to be written for it. It may do with the run what it likes.
    """

    look: str
    formula: str
    source: str
    needs: str
    watched: str = ""
    undefined: Callable[[TrainConfig], str] = _for_all
    course: str = ""
    asks: Mapping[str, Choice] = field(default_factory=dict)
    terms: tuple[str, ...] = ()
    small: str = ""


ON_DEMAND: Registry[OnDemand] = Registry("instrument on demand")

NEEDS = {
    "states": "what the network reads",
    "gradients": "the gradients that arrive at the network's outputs",
    "update": "the update that the optimiser makes",
    "loss": "the loss at weights that the run never had",
}


def why_unwatched(key: str) -> str:
    """Return why an instrument is not read of watched models, '' where it is."""
    entry = ON_DEMAND[key]
    if entry.watched:
        return ""
    return f"Not read of a model that is watched: it takes {NEEDS[entry.needs]}, which its program does not tell."


def why_undefined(key: str, config: TrainConfig) -> str:
    """Return why an instrument has no value for runs of this configuration, '' where it has."""
    if MISTAKES[config.mistake].swaps_axes:
        return "Not defined here: this run reads the batch axis as time."
    return ON_DEMAND[key].undefined(config)


def choices(key: str) -> dict[str, Choice]:
    """Return what the reader of an instrument may choose, by its name; how often a course is read is the last."""
    entry = ON_DEMAND[key]
    often = Choice(lambda config: max(1, config.steps // config.eval_every), "a few")
    return {**entry.asks, **({EVERY: often} if entry.course else {})}


def largest(key: str, config: TrainConfig) -> dict[str, int]:
    """Return the largest number that each choice of an instrument allows for runs of this configuration."""
    return {name: choice.largest(config) for name, choice in choices(key).items()}


def chosen(key: str, config: TrainConfig, asked: Mapping[str, object]) -> dict[str, int]:
    """Return what the reader of an instrument has chosen, as whole numbers; what is empty was not. Raises ConfigError.

    asked: name -> what was said for it, a number or a text.
    """
    asks, found = choices(key), {}
    for name, said in asked.items():
        if said is None or said == "":
            continue
        if name not in asks:
            allowed = either(asks) if asks else "nothing, since this instrument leaves no choice"
            raise not_allowed("choice", name, f"with the instrument '{key}'", allowed)
        text, most = str(said), asks[name].largest(config)
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
            raise not_allowed(name, said, "", f"1 to {most:,}" if most > 1 else "1")
        found[name] = int(text)
    return found


def text_of(asked: Mapping[str, int]) -> str:
    """Return what a reader has chosen as the store has it: 'layer=1&unit=3'."""
    return "&".join(f"{name}={value}" for name, value in sorted(asked.items()))


def choice_of(text: str) -> tuple[tuple[str, int], ...]:
    """Undo `text_of`."""
    return tuple((name, int(value)) for name, _, value in (part.partition("=") for part in text.split("&") if part))


def choice_in_words(asked: Mapping[str, int]) -> str:
    """Return what the reader of an instrument has chosen: 'layer 1, unit 3', 'at every 2 evaluations', or ''."""
    every = asked.get(EVERY)
    often = [] if every is None else [f"at every {'evaluation' if every == 1 else many(every, 'evaluation')}"]
    return ", ".join([*(f"{name} {value}" for name, value in asked.items() if name != EVERY), *often])


def course_steps(config: TrainConfig, last: int, every: int | None = None) -> tuple[list[int], str]:
    """Return the steps up to `last` at which an instrument is followed over training, and what was left out, or ''.

    every: at the first step and at every so many evaluations, of too many at each second one, say; None: at `last`, and
    at those before it of the 12 steps that a run has which is done, so that a course grows while its run trains.
    """
    if every is None:
        if last <= FEW_STEPS:
            return list(range(1, last + 1)), ""
        whole = max(last, config.steps + 1)
        shares = [place / (FEW_STEPS - 1) for place in range(FEW_STEPS)]
        return sorted({last, *(step for share in shares if (step := round(whole**share)) < last)}), ""
    apart = every * config.eval_every
    thinning = -(-(last // apart) // (MOST_STEPS - 1)) or 1
    steps = sorted({1, *range(apart * thinning, last + 1, apart * thinning)})
    note = f"At every {thinning * every:,} evaluations, to stay within {MOST_STEPS} readings."
    return steps, note if thinning > 1 else ""


def _without_matrix(config: TrainConfig, what: str) -> str:
    cell = CELLS[config.model.cell]
    return "" if cell.matrix else f"Not defined here: {cell.phrase} has no {what}."


ON_DEMAND.register(
    OnDemand(
        key="flow",
        title="Gradient-flow matrix",
        help="How strongly the loss at each timestep τ teaches the state at each earlier timestep t.",
        look="How far back from a loss the colours stay bright, or the line stays high. Where they fall within a few "
        "timesteps, a loss teaches almost only the states just before it.",
        formula="G[τ, t] = mean over sequences of |∂l_τ/∂h_t|",
        source="Cashman et al. (2017), RNNbow, arXiv 1907.12545",
        terms=("Gradient-flow matrix", "State gradient"),
        needs="gradients",
        watched="rnncore.engine.readings.flow:of_module",
        implementation="rnncore.engine.readings.flow:read",
    )
)

ON_DEMAND.register(
    OnDemand(
        key="lyapunov",
        title="Jacobians and Lyapunov exponents",
        help="How fast a small disturbance of the state grows or shrinks from one timestep to the next, on average.",
        look="The largest exponent: far below 0 what a loss sends back vanishes, far above 0 it explodes, near 0 it "
        "can keep its length; and whether the dashed line leans as the measured gradient does.",
        formula="Q_t R_t = J_t Q_{t-1}, λ_i = mean over t of ln |R_ii|, J_t = ∂state_t/∂state_{t-1}",
        source="Vogt et al. (2022), On Lyapunov exponents for RNNs; Engelken et al. (2023)",
        course="rnncore.engine.readings.chaos:course",
        terms=("Lyapunov exponent", "Jacobian", "Eigenvalue", "Gradient flossing"),
        needs="states",
        watched="rnncore.engine.readings.chaos:of_module",
        implementation="rnncore.engine.readings.chaos:read",
    )
)
ON_DEMAND.register(
    OnDemand(
        key="contributions",
        title="Which steps teach",
        help="What each timestep adds to the gradient of the recurrent matrix, and whether it pulls the same way.",
        look="Long bars at early timesteps: they change the matrix too, which with a loss at the end alone is learning "
        "from far back. Bars in the colour of a negative cosine pull against the whole.",
        formula="C_t = sum over b of a_{t,b} h_{t-1,b}ᵀ, a = ∂L/∂(W_hh h_{t-1}); the sum over t is ∂L/∂W_hh",
        source="Werbos (1990), Backpropagation through time",
        undefined=lambda config: _without_matrix(config, "recurrent matrix whose gradient the steps could add to"),
        terms=("Contribution of a timestep", "Cosine of two vectors", "Backpropagation through time"),
        needs="gradients",
        watched="rnncore.engine.readings.contributions:of_module",
        implementation="rnncore.engine.readings.contributions:read",
    )
)
ON_DEMAND.register(
    OnDemand(
        key="memory",
        title="Memory of each unit",
        help="After how many timesteps half of what a unit holds is left, by its direct path alone.",
        look="Units whose half-life reaches the distance that the task asks for. Over that distance the others lose "
        "more than half of what they hold; the network can still hand it on from unit to unit.",
        formula="half-life = ln 2 / -(mean over t and b of ln r), r the unit's own gate or |diagonal| of its Jacobian",
        source="Hochreiter & Schmidhuber (1997); Tallec & Ollivier (2018), Can recurrent neural networks warp time?",
        terms=("Half-life", "Cell state"),
        needs="states",
        watched="rnncore.engine.readings.memory:of_module",
        implementation="rnncore.engine.readings.memory:read",
    )
)
ON_DEMAND.register(
    OnDemand(
        key="unit",
        title="Inside one unit",
        help="The gradient with respect to one unit, taken apart into the products that it is the sum of.",
        look="Along which way the gradient comes back: straight from the loss, through the unit itself, through "
        "others, or through the cell state. At first it is the unit with the largest gradient; choose any. "
        "The page Microscope does this with every number of a small example.",
        formula="∂l/∂h_{t,i} = direct part + sum over j of ∂l/∂s_{t+1,j} ∂s_{t+1,j}/∂h_{t,i}, s = [h; c]",
        source="Werbos (1990), Backpropagation through time",
        asks={
            "layer": Choice(lambda config: config.model.num_layers, "the top"),
            "unit": Choice(
                lambda config: config.model.hidden_size * CELLS[config.model.cell].numbers_per_unit, "largest"
            ),
        },
        terms=("Backpropagation through time", "State gradient"),
        small="microscope",
        needs="gradients",
        watched="rnncore.engine.readings.unit:of_module",
        implementation="rnncore.engine.readings.unit:read",
    )
)
ON_DEMAND.register(
    OnDemand(
        key="adam",
        title="Gradient and update of each parameter",
        help="How long each parameter's gradient is at this step, and how long the update that the optimiser makes of "
        "it.",
        look="Gradients that differ by powers of ten while their updates do not: the optimiser evens out the lengths "
        "of its steps, which changes nothing about how gradients go back through time.",
        formula="‖g‖, ‖Δθ‖ and the effective learning rate η / (√v̂ + ε)",
        source="Kingma & Ba (2015), Adam: a method for stochastic optimization",
        course="rnncore.engine.readings.updates:course",
        terms=("Effective learning rate", "Adam", "Update norm"),
        needs="update",
        watched="rnncore.engine.readings.updates:of_update",
        implementation="rnncore.engine.readings.updates:read",
    )
)
ON_DEMAND.register(
    OnDemand(
        key="cliff",
        title="Clip cliff",
        help="The loss of the batch along the negative gradient, with the clipped and the unclipped step marked.",
        look="A loss that falls at first and then climbs a wall before the unclipped step: the whole step goes over "
        "it. See where the clipped one ends.",
        formula="L(θ - s g / ‖g‖) at 41 distances s; its slope at 0 is -‖g‖",
        source="Pascanu, Mikolov & Bengio (2013), section 2.3 and figure 6; Li et al. (2018) on projections",
        terms=("Loss landscape", "Clipping"),
        needs="loss",
        implementation="rnncore.engine.readings.cliff:read",
    )
)
ON_DEMAND.register(
    OnDemand(
        key="sensitivity",
        title="Parameter sensitivity",
        help="How strongly the state at each timestep depends on the parameters.",
        look="A curve that climbs to a high plateau although the gradient below it is level: small changes of the "
        "weights then move the states far, even where nothing explodes.",
        formula="E‖∂h_t/∂θ‖², mean over the sequences, θ all recurrent parameters",
        source="Zucchet & Orvieto (2024), Recurrent neural networks: vanishing and exploding gradients are not the end "
        "of the story",
        terms=("Parameter sensitivity",),
        needs="states",
        watched="rnncore.engine.readings.sensitivity:of_module",
        implementation="rnncore.engine.readings.sensitivity:read",
    )
)
ON_DEMAND.register(
    OnDemand(
        key="plane",
        title="The plane between twins",
        help="The loss around a run and its twin, with and without clipping, and the way that both took through it.",
        look="Whether there is a wall, and where both ways part at it: one step without clipping can throw a twin far "
        "away. Press Roll: two balls go the ways of the run and its twin once more.",
        formula="L(θ + x d₁ + y d₂), d₁ along −g, d₂ towards the twin and at right angles to d₁; 41 x 41 points",
        source="Pascanu, Mikolov & Bengio (2013), figure 6; Li et al. (2018), Visualizing the loss landscape of neural "
        "nets",
        terms=("Loss landscape", "Twins"),
        needs="loss",
        implementation="rnncore.engine.readings.plane:read",
    )
)
