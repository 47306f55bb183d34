"""Lessons on what lets a gradient through: gates, their biases, and initial recurrent weights."""

from dashboard.figures.show import Show
from dashboard.lessons.lesson import AT_THE_START, Lesson, run
from dashboard.lessons.problem import ADDING

SECTION = "Gates and initial weights"

LSTM = {"model": {"cell": "lstm"}, "clip": {"method": "norm", "threshold": 1.0}, "optimizer": {"learning_rate": 0.01}}
# 30 timesteps, so that both gated cells finish within the lesson.
SHORT = ADDING.model_copy(update={"data": ADDING.data.model_copy(update={"seq_len": 30})})
# Every step asks for the bit of 20 steps ago.
RECALL = {
    "data": {"kind": "task", "task": "delayed_recall", "seq_len": 60, "delay": 20, "symbols": None},
    "model": {"readout": "every_step"},
    "optimizer": {"learning_rate": 0.002},
    "clip": {"method": "norm", "threshold": 1.0},
    "steps": 500,
}

LESSONS = (
    Lesson(
        key="forget-bias",
        section=SECTION,
        title="The LSTM's second state and its forget bias",
        teaser="Does an LSTM let gradients through by default?",
        question="An LSTM carries a second state $c_t$ past the non-linearities. With torch's default weights, before "
        "any training: does its gradient reach $t=1$ better than that of the plain RNN ($10^{-10}$)?",
        choices=(
            "Yes, $c_t$ carries it almost unchanged",
            "Somewhat better, about $10^{-5}$",
            "No, it vanishes just as much",
        ),
        right=2,
        answer="No. By default it vanishes just as much, to $10^{-10}$ or less; the forget gate opens that path.",
        sentences=(
            "The direct path through $c_t$ multiplies by the forget gate $f_t$ at each step. By default its bias is "
            "about 0, so $f_t \\approx 0.5$, and $0.5^{49} \\approx 10^{-15}$.",
            "The second run has chrono biases: forget gates between 0.5 and 0.98, so that some units keep their state "
            "for the whole sequence. A fifth of the cell gradient and 0.2 % of the hidden one arrive: ten million "
            "times more.",
            "After 450 steps its loss is about 0.01 or less, the default LSTM's with most seeds still 0.15, that of "
            "always saying 1. Then it learns too: training opens the gates.",
        ),
        look=(
            "“Gradient through time”, held at step 1 (“Latest” lets it follow training): one profile falls in a "
            "straight line, the other stays up.",
            "The dotted curves there: the gradient with respect to the cell state, above that with "
            "respect to the hidden state.",
            "“Instruments”, “Memory of each unit” at step 1: the longest half-life is about 1.3 timesteps by default, "
            "33 to 39 with chrono.",
            "The loss: who leaves the plateau first?",
        ),
        change=(
            "Forget bias 1, a common advice, in the first run: $10^{-5}$ to $10^{-4}$ of the hidden gradient arrives.",
            "Forget bias 2: 0.6 to 6 %, more than with chrono, and yet it seldom learns sooner than the default. An "
            "open path is not yet a memory: chrono also closes the input gate.",
        ),
        source="Gers, Schmidhuber & Cummins (2000); Jozefowicz, Zaremba & Sutskever (2015); Tallec & Ollivier (2018)",
        seeds=5,
        runs=(
            run("default biases", ADDING, **LSTM, steps=450),
            run("chrono biases", ADDING, **LSTM, steps=450, init={"chrono": True}),
        ),
        terms=("LSTM", "Forget gate", "Chrono initialisation", "Cell state"),
        show=AT_THE_START,
        microscope="forgotten",
    ),
    Lesson(
        key="gru-lstm",
        section=SECTION,
        title="GRU against LSTM, as many parameters each",
        teaser="Which one learns sooner, given as many parameters?",
        question="An LSTM with 32 units has 4,641 parameters, a GRU with 37 units 4,589: a fair match. Both add two of "
        "30 numbers. Which one gets there first?",
        choices=("The LSTM", "The GRU", "Both at about the same step"),
        right=1,
        answer="The GRU, after a third to half as many steps.",
        sentences=(
            "After 200 steps the GRU's loss is about 0.01 or less; the LSTM's is still that of always saying 1 (0.17).",
            "The LSTM leaves that plateau between step 200 and 600, and then learns as well.",
            "This is one task with one learning rate. It does not make the GRU the better cell: with chrono "
            "biases the LSTM starts sooner.",
        ),
        look=(
            "The loss: a long plateau, then a fall; the GRU's comes first.",
            "The profiles before and after the fall: the early timesteps rise when the cell has learned to hold.",
            "The parameter counts in the sidebar.",
        ),
        change=(
            "32 units for both, the usual comparison: the LSTM then has a third more parameters, and still comes "
            "later.",
            "Sequence length 50: the gap grows; the LSTM often does not start within 600 steps.",
        ),
        source="Cho et al. (2014); Chung et al. (2014), Empirical evaluation of gated recurrent neural networks",
        seeds=5,
        runs=(
            run("LSTM, 32 units", SHORT, **LSTM),
            run("GRU, 37 units", SHORT, **{**LSTM, "model": {"cell": "gru", "hidden_size": 37}}),
        ),
        terms=("LSTM", "GRU", "Parameter count"),
        microscope="passed",
    ),
    Lesson(
        key="orthogonal",
        section=SECTION,
        title="A rotation to begin with",
        teaser="What do the first recurrent weights decide?",
        question="At every step a plain RNN must say the bit of 20 steps ago. One run starts from torch's default "
        "recurrent weights, the other from an orthogonal matrix: a rotation, which changes no vector's length. What "
        "difference does it make after 500 steps?",
        choices=(
            "None: training corrects the start",
            "The orthogonal start is a little ahead",
            "Only the orthogonal start solves the task",
        ),
        right=2,
        answer="Only the orthogonal start solves the task within 500 steps.",
        sentences=(
            "Backpropagated through the default weights a vector shrinks by about 0.6 per step, $0.6^{20} \\approx "
            "4\\cdot 10^{-5}$. A rotation shrinks nothing; only the slopes of tanh do.",
            "With the orthogonal start hardly any bit is wrong after 500 steps (loss 0.02 or less). With the default "
            "one the network guesses: loss 0.46, what is left once the silent start is known.",
        ),
        look=(
            "The loss against the line “only the silent start known”.",
            "“Predictions”: right where truth and answer agree. The orthogonal network gives hardly any other answer.",
            "The profile is no guide here: every timestep has its own loss, so every timestep has a gradient.",
        ),
        change=(
            "Spectral radius 1: the largest eigenvalue has length 1, but most are shorter. It does not suffice: after "
            "500 steps the loss is 0.07 to 0.46.",
            "Delay 10: now the default start learns it too, within 300 steps.",
        ),
        source="Saxe, McClelland & Ganguli (2014), Exact solutions to the nonlinear dynamics of learning; task as in "
        "Engelken (2023)",
        seeds=3,
        runs=(run("default", ADDING, **RECALL), run("orthogonal", ADDING, **RECALL, init={"scheme": "orthogonal"})),
        terms=("Orthogonal initialisation", "Direct gradient"),
        show=Show(first=("loss", "confusion")),
    ),
    Lesson(
        key="identity",
        section=SECTION,
        title="Start by copying: the identity",
        teaser="What if the network begins by copying its state?",
        question="A ReLU network whose recurrent matrix is the identity copies its state from step to step until it "
        "learns otherwise. How much of the gradient reaches $t=1$ at the start?",
        choices=("About 60 to 75 %", "About 1 %", "Less than a billionth, as with tanh"),
        right=0,
        answer="About 60 to 75 %, where the tanh network gets $10^{-10}$.",
        sentences=(
            "A unit that is active passes its gradient on with the factor 1, through all 50 steps.",
            "After 600 steps the identity network stands at 0.02 to 0.045, below the line “one number known” (0.083). "
            "The tanh network stays at 0.15, the loss of always saying 1.",
            "The price: nothing damps it either, and a small growth per step explodes. Nearly every step is clipped.",
        ),
        look=(
            "“Gradient through time”, held at step 1 (“Latest” lets it follow training): level against a straight "
            "fall.",
            "The gradient norm: far higher for the identity, clipped at nearly every step.",
            "The loss against “one number known”.",
            "“Instruments”, “Parameter sensitivity” at step 1: with the identity the last state depends on the "
            "parameters (squared) a thousand times as strongly as the first states, though the gradient is level.",
        ),
        change=(
            "Learning rate 0.005 and threshold 3, compared with and without clipping: only the clipped one learns.",
            "tanh with the identity: 4 to 30 % arrives, because the slopes of tanh shrink the gradient.",
        ),
        source="Le, Jaitly & Hinton (2015), A simple way to initialize recurrent networks of rectified linear units",
        seeds=5,
        runs=(
            run("tanh, default", ADDING, optimizer={"learning_rate": 0.001}, clip={"method": "norm"}),
            run(
                "ReLU, identity",
                ADDING,
                model={"nonlinearity": "relu"},
                init={"scheme": "identity"},
                optimizer={"learning_rate": 0.001},
                clip={"method": "norm"},
            ),
        ),
        terms=("Identity initialisation", "Clipping"),
        show=AT_THE_START,
    ),
    Lesson(
        key="spectral-radius",
        section=SECTION,
        title="Spectral radius below and above 1",
        teaser="Do large weights always make gradients explode?",
        question="Theory: if $W_{hh}$ shrinks every vector, the gradient must vanish; for it to explode, $W_{hh}$ must "
        "stretch some. We set the spectral radius to 0.5 and to 1.5, with tanh units. What do the two profiles do?",
        choices=(
            "0.5 vanishes, 1.5 explodes",
            "0.5 vanishes, 1.5 may do either",
            "Both vanish, whatever the seed",
        ),
        right=1,
        answer="0.5 always vanishes. 1.5 may vanish or grow, depending on where the states settle.",
        sentences=(
            "Radius 0.5 halves the gradient every step: $10^{-16}$ is left at $t=1$, with every seed.",
            "Radius 1.5 with seed 0 leaves $10^{-12}$; with seeds 1 to 4 the gradient at $t=1$ is 3 to 30 times that "
            "at $t=50$.",
            "The slope of tanh makes the difference. The Jacobian is $\\mathrm{diag}(1-h_t^2)\\,W_{hh}$, and units "
            "near $\\pm 1$ have a slope near 0. A large radius is necessary for exploding, not sufficient.",
        ),
        look=(
            "“Gradient through time”, held at step 1.",
            "The same after training (“Latest”): the weights have changed, and with them the radius.",
        ),
        change=(
            "Seed 1: now the profile of radius 1.5 rises.",
            "ReLU instead of tanh: no saturation, and yet with some seeds 1.5 falls, because only active units pass a "
            "gradient on.",
        ),
        source="Pascanu, Mikolov & Bengio (2013), section 2.1",
        seeds=5,
        runs=(
            run("radius 0.5", ADDING, init={"scheme": "spectral", "spectral_radius": 0.5}),
            run("radius 1.5", ADDING, init={"scheme": "spectral", "spectral_radius": 1.5}),
        ),
        terms=("Spectral radius", "Jacobian", "Saturation"),
        show=AT_THE_START,
    ),
)
