"""The recurrent cells: what is to be known of each without torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rnncore.registry import Implemented, Registry

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate that is shown.

    key: its usual letter. title: its name in words.
    """

    key: str
    title: str


def stacked(blocks: int, input_size: int, hidden_size: int) -> Shapes:
    """Return the parameters of one layer as torch.nn stacks them: a block of H rows for each gate and candidate."""
    rows = blocks * hidden_size
    return {
        "weight_ih": (rows, input_size),
        "weight_hh": (rows, hidden_size),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
    }


def independent(blocks: int, input_size: int, hidden_size: int) -> Shapes:
    """Return the parameters of a layer whose units see the input and their own last state alone."""
    return {"weight_ih": (hidden_size, input_size), "weight_hh": (hidden_size,), "bias_ih": (hidden_size,)}


def of_inputs(blocks: int, input_size: int, hidden_size: int) -> Shapes:
    """Return the parameters of a layer whose gates and candidates see the input alone, stacked."""
    rows = blocks * hidden_size
    return {"weight_ih": (rows, input_size), "bias_ih": (rows,)}


def with_peepholes(blocks: int, input_size: int, hidden_size: int) -> Shapes:
    """Return the parameters of `stacked`, and the weights from c to the three gates, input, forget and output."""
    return stacked(blocks, input_size, hidden_size) | {"weight_ch": (3 * hidden_size,)}


def complex_diagonal(blocks: int, input_size: int, hidden_size: int) -> Shapes:
    """Return the parameters of an LRU as its paper names them: `hidden_size` eigenvalues, the matrices B, C and D."""
    eigenvalues = dict.fromkeys(("nu_log", "theta_log", "gamma_log"), (hidden_size,))
    matrices = {"B": (hidden_size, input_size), "C": (hidden_size, hidden_size)}
    parts = {f"{name}_{part}": shape for name, shape in matrices.items() for part in ("re", "im")}
    return {**eigenvalues, **parts, "D": (hidden_size, input_size)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(Implemented):
    """A recurrent cell.

    implementation: a subclass of `rnncore.engine.cells.definition.CellDefinition`.
    phrase: its name with an article, for use in a sentence.
    blocks: names of the blocks of `hidden_size` rows in its stacked weights and biases, in their order.
    layout: (number of blocks, input_size, hidden_size) -> name and shape of each parameter of a layer, in order.
    matrix: name of the parameter that holds a square recurrent matrix per block; None where there is none.
    orthogonal: whether that matrix is orthogonal at every step; what is stored and trained is what torch makes it from.
    drawn: whether `InitConfig.scheme` can fill that matrix.
    input_weights, biases: names of parameters stacked alike. A gate's bias is the sum of all its biases.
    gates: those that are shown, in the order in which the implementation returns them.
    has_cell_state: whether a second state c_t goes beside h_t.
    nonlinearities: values of `ModelConfig.nonlinearity` that it knows, "tanh" among them; that alone means no choice.
    forget_block: the block whose bias `InitConfig.forget_bias` sets; None: there is no forget gate.
    chrono: block -> sign of ln u in its bias under chrono initialisation; empty: it has no gates to set.
    bounded: whether the largest singular value of its matrix bounds the gradient (Pascanu et al. 2013, section 2.1).
    omega: whether Pascanu's regulariser Omega is defined for it.
    torch_cell: name of the same cell in torch.nn, for one step; None: torch has none.
    memory_gate: key of the gate by which the state that is kept is multiplied at each step; None: there is none.
    steps_back: whether the implementation can take a gradient one step back in two parts, units and weights.
    carried: what else goes on to the next timestep beside h_t and c_t, and its value before the first one, by name.
    numbers_per_unit: in its state h_t: 2 where units are complex.
    own_output: whether the layer above sees something else than h_t (`CellDefinition.outputs`).
    linear: whether its states and outputs are a linear function of the inputs.
    squashed: whether its states end at -1 and 1 (unless its non-linearity is ReLU): beyond 0.95 a unit is saturated.
    held: name of the weights, one per unit, that `ModelConfig.bound_weights` holds within 2^(1/T); None: none.
    further: whether the page keeps it behind one more click.
    """

    phrase: str
    blocks: tuple[str, ...]
    layout: Callable[[int, int, int], Shapes] = stacked
    matrix: str | None = "weight_hh"
    orthogonal: bool = False
    drawn: bool = True
    input_weights: tuple[str, ...] = ("weight_ih",)
    biases: tuple[str, ...] = ("bias_ih", "bias_hh")
    gates: tuple[Gate, ...] = ()
    has_cell_state: bool = False
    nonlinearities: tuple[str, ...] = ("tanh",)
    forget_block: str | None = None
    chrono: Mapping[str, int] = field(default_factory=dict)
    bounded: bool = False
    omega: bool = False
    torch_cell: str | None = None
    memory_gate: str | None = None
    steps_back: bool = False
    carried: Mapping[str, float] = field(default_factory=dict)
    numbers_per_unit: int = 1
    own_output: bool = False
    linear: bool = False
    squashed: bool = True
    held: str | None = None
    further: bool = False

    @property
    def states(self) -> dict[str, float]:
        """All that goes on to the next timestep, in its order: name -> its value before the first one."""
        return {"h": 0.0} | ({"c": 0.0} if self.has_cell_state else {}) | dict(self.carried)

    @property
    def takes_schemes(self) -> bool:
        """Whether `InitConfig.scheme` has something to say: there is a matrix, and it can be filled."""
        return self.matrix is not None and self.drawn

    def parameters(self, input_size: int, hidden_size: int) -> Shapes:
        """Return name -> shape of the parameters of one layer, in their order."""
        return self.layout(len(self.blocks), input_size, hidden_size)

    def recurrent_work(self, hidden_size: int) -> int:
        """Return the multiply-adds of the recurrence per timestep, layer and sequence."""
        return len(self.blocks) * hidden_size * (hidden_size if self.matrix else 1)


CELLS: Registry[Cell] = Registry("cell")

CELLS.register(
    Cell(
        key="rnn",
        title="RNN",
        help="Each unit reads the input and the last state of all units; no gate protects what it remembers.",
        phrase="a plain RNN",
        blocks=("hidden",),
        nonlinearities=("tanh", "relu"),
        bounded=True,
        omega=True,
        torch_cell="RNNCell",
        steps_back=True,
        implementation="rnncore.engine.cells.rnn:Rnn",
    )
)
CELLS.register(
    Cell(
        key="lstm",
        title="LSTM",
        help="Three gates guard a second state, which changes by multiplications and additions alone.",
        phrase="an LSTM",
        blocks=("input", "forget", "cell", "output"),
        gates=(Gate("i", "input gate"), Gate("f", "forget gate"), Gate("o", "output gate")),
        has_cell_state=True,
        forget_block="forget",
        chrono={"forget": 1, "input": -1},
        torch_cell="LSTMCell",
        memory_gate="f",
        steps_back=True,
        implementation="rnncore.engine.cells.lstm:Lstm",
    )
)
CELLS.register(
    Cell(
        key="gru",
        title="GRU",
        help="Two gates mix the old state with a new candidate; there is no second state.",
        phrase="a GRU",
        blocks=("reset", "update", "candidate"),
        gates=(Gate("r", "reset gate"), Gate("z", "update gate")),
        chrono={"update": 1},
        torch_cell="GRUCell",
        memory_gate="z",
        steps_back=True,
        implementation="rnncore.engine.cells.gru:Gru",
    )
)
CELLS.register(
    Cell(
        key="orthogonal",
        title="Orthogonal RNN",
        help="A plain RNN whose recurrent matrix is kept a rotation while it learns: the matrix changes no gradient’s "
        "length, the slopes of the units do (Arjovsky et al. 2016; Vorontsov et al. 2017).",
        phrase="an orthogonal RNN",
        blocks=("hidden",),
        orthogonal=True,
        drawn=False,
        nonlinearities=("tanh", "relu"),
        bounded=True,
        steps_back=True,
        further=True,
        implementation="rnncore.engine.cells.orthogonal:Orthogonal",
    )
)
CELLS.register(
    Cell(
        key="antisymmetric",
        title="Antisymmetric RNN",
        help="Each step adds a tenth of a tanh to the old state, through a matrix that turns it and hardly stretches "
        "it (Chang et al. 2019).",
        phrase="an antisymmetric RNN",
        blocks=("hidden",),
        layout=lambda blocks, I, H: {"weight_ih": (H, I), "weight_hh": (H, H), "bias_ih": (H,)},  # noqa: E741
        drawn=False,
        biases=("bias_ih",),
        squashed=False,
        further=True,
        implementation="rnncore.engine.cells.antisymmetric:Antisymmetric",
    )
)
CELLS.register(
    Cell(
        key="indrnn",
        title="IndRNN",
        help="Each unit sees the input and its own last state, not those of others: one recurrent weight per unit in "
        "place of a matrix. The paper uses ReLU (Li et al. 2018).",
        phrase="an IndRNN",
        blocks=("hidden",),
        layout=independent,
        matrix=None,
        biases=("bias_ih",),
        nonlinearities=("tanh", "relu"),
        steps_back=True,
        held="weight_hh",
        further=True,
        implementation="rnncore.engine.cells.indrnn:IndRnn",
    )
)
CELLS.register(
    Cell(
        key="lstm1997",
        title="LSTM of 1997",
        help="The LSTM before it had a forget gate: what is in its second state stays there for good (Hochreiter & "
        "Schmidhuber 1997).",
        phrase="an LSTM of 1997",
        blocks=("input", "cell", "output"),
        gates=(Gate("i", "input gate"), Gate("o", "output gate")),
        has_cell_state=True,
        chrono={"input": -1},  # nothing forgets, but little is let in: the remedy of 1997 (section 4) against drift
        further=True,
        implementation="rnncore.engine.cells.lstm_variants:Lstm1997",
    )
)
CELLS.register(
    Cell(
        key="peephole",
        memory_gate="f",
        title="Peephole LSTM",
        help="An LSTM whose gates also see the second state that they guard (Gers & Schmidhuber 2000).",
        phrase="a peephole LSTM",
        blocks=("input", "forget", "cell", "output"),
        layout=with_peepholes,
        gates=(Gate("i", "input gate"), Gate("f", "forget gate"), Gate("o", "output gate")),
        has_cell_state=True,
        forget_block="forget",
        chrono={"forget": 1, "input": -1},
        further=True,
        implementation="rnncore.engine.cells.lstm_variants:Peephole",
    )
)
CELLS.register(
    Cell(
        key="coupled",
        title="Coupled LSTM",
        help="An LSTM that forgets exactly as much as it lets in: its forget gate is 1 less the input gate (Greff et "
        "al. 2017).",
        phrase="a coupled LSTM",
        blocks=("input", "cell", "output"),
        gates=(Gate("i", "input gate"), Gate("o", "output gate")),
        has_cell_state=True,
        chrono={"input": -1},
        further=True,
        implementation="rnncore.engine.cells.lstm_variants:Coupled",
    )
)
CELLS.register(
    Cell(
        key="slstm",
        title="sLSTM",
        help="An LSTM whose input and forget gates are exponentials; a normaliser n sums up what they let in and keep. "
        "What is shown as its second state is c / n (Beck et al. 2024).",
        phrase="an sLSTM",
        blocks=("input", "forget", "cell", "output"),
        gates=(Gate("f", "share of the old, f n / n′"), Gate("o", "output gate")),
        has_cell_state=True,
        forget_block="forget",
        memory_gate="f",
        carried={"m": -1e9},  # ln n of a normaliser of 0, finite
        further=True,
        implementation="rnncore.engine.cells.slstm:Slstm",
    )
)
CELLS.register(
    Cell(
        key="mingru",
        title="minGRU",
        help="A GRU whose gate and candidate look at the input alone, so that all timesteps can be computed at once "
        "(Feng et al. 2024).",
        phrase="a minGRU",
        blocks=("update", "candidate"),
        layout=of_inputs,
        matrix=None,
        biases=("bias_ih",),
        gates=(Gate("z", "update gate"),),
        chrono={"update": -1},
        squashed=False,
        further=True,
        implementation="rnncore.engine.cells.minimal:MinGru",
    )
)
CELLS.register(
    Cell(
        key="minlstm",
        title="minLSTM",
        help="An LSTM whose gates look at the input alone and share one whole between them; it has no second state "
        "(Feng et al. 2024).",
        phrase="a minLSTM",
        blocks=("forget", "input", "candidate"),
        layout=of_inputs,
        matrix=None,
        biases=("bias_ih",),
        gates=(Gate("f", "forget gate"), Gate("i", "input gate")),
        forget_block="forget",
        chrono={"forget": 1, "input": -1},
        squashed=False,
        further=True,
        implementation="rnncore.engine.cells.minimal:MinLstm",
    )
)
CELLS.register(
    Cell(
        key="lru",
        title="LRU",
        help="A linear recurrence of complex units that do not see one another, with eigenvalues just inside the unit "
        "circle (Orvieto et al. 2023). A layer bends nothing: what is not linear must come from the read-out.",
        phrase="an LRU",
        blocks=("state",),
        layout=complex_diagonal,
        matrix=None,
        input_weights=("B_re", "B_im"),
        biases=(),
        numbers_per_unit=2,
        own_output=True,
        linear=True,
        squashed=False,
        further=True,
        implementation="rnncore.engine.cells.lru:Lru",
    )
)
