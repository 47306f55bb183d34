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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(Implemented):
    """A recurrent cell.

    implementation: a subclass of `rnncore.engine.cells.cell.CellOps`.
    phrase: its name with an article, for use in a sentence.
    blocks: names of the blocks of `hidden_size` rows in its stacked weights and biases, in their order.
    layout: (number of blocks, input_size, hidden_size) -> name and shape of each parameter of a layer, in order.
    matrix: name of the parameter that holds a square recurrent matrix per block; None where there is none.
    input_weights, biases: names of parameters stacked alike. A gate's bias is the sum of all its biases.
    gates: those that are shown, in the order in which the implementation returns them.
    has_cell_state: whether a second state c_t goes beside h_t.
    nonlinearities: values of `ModelConfig.nonlinearity` that it knows, "tanh" among them; that alone means no choice.
    forget_block: the block whose bias `InitConfig.forget_bias` sets; None: there is no forget gate.
    chrono: block -> sign of ln u in its bias under chrono initialisation; empty: it has no gates to set.
    bounded: whether the largest singular value of its matrix bounds the gradient (Pascanu et al. 2013, section 2.1).
    omega: whether Pascanu's regulariser Omega is defined for it.
    torch_cell: name of the same cell in torch.nn, for one step; None: torch has none.
    steps_back: whether the implementation can take a gradient one step back in two parts, units and weights.
    """

    phrase: str
    blocks: tuple[str, ...]
    layout: Callable[[int, int, int], Shapes] = stacked
    matrix: str | None = "weight_hh"
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
    steps_back: bool = False

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
        steps_back=True,
        implementation="rnncore.engine.cells.gru:Gru",
    )
)
