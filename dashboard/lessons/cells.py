"""Lessons on cells from 1997 to today: what carries the gradient, and what is still missing where it arrives."""

from dashboard.lessons.gates import LSTM, RECALL
from dashboard.lessons.lesson import AT_THE_START, Lesson, run
from dashboard.lessons.problem import ADDING

SECTION = "Cells from 1997 to today"

FASTER = {"optimizer": {"learning_rate": 0.01}, "clip": {"method": "norm", "threshold": 1.0}}
RECALL_FASTER = {**RECALL, "optimizer": {"learning_rate": 0.005}}

LESSONS = (
    Lesson(
        key="carousel",
        section=SECTION,
        title="The carousel of 1997",
        teaser="What did the LSTM do before it had a forget gate?",
        question="The first LSTM had no forget gate: $c_t = c_{t-1} + i_t g_t$, so what is in its second state stays "
        "there. Both networks add two of 50 numbers, with the usual initial weights. How much of the gradient reaches "
        "$t=1$ before any training, and does the older cell get further in 450 steps?",
        choices=(
            "Much more arrives, and it gets further",
            "Much more arrives, and it gets no further",
            "As little arrives as in today's LSTM",
        ),
        right=1,
        answer="2 to 40 % arrives, where today's LSTM gets a billionth or less; and yet it stays on the plateau.",
        sentences=(
            "The direct path is $\\partial c_T / \\partial c_t = 1$, exactly: the constant error carousel. In the cell "
            "state the gradient at $t=1$ is even 1.5 to 12 times that at $t=50$, because every step adds to it.",
            "Today's LSTM multiplies by its forget gate, about one half at the start: $0.5^{49} \\approx 10^{-15}$.",
            "A gradient that arrives is not yet a memory. Whatever half-open input gates let in stays too, so that the "
            "two numbers drown in the others: after 450 steps the loss is still that of always saying 1.",
        ),
        look=(
            "“Gradient through time”, held at step 1 (“Latest” lets it follow training): one profile level, one "
            "falling.",
            "The dotted curves there: the gradient with respect to the cell state.",
            "The loss against the line “predict 1”.",
        ),
        change=(
            "Sequence length 100: at the start less than $10^{-18}$ is left of the LSTM's gradient, and 1 to 60 % of "
            "the other's.",
            "Chrono biases for the LSTM of 1997: input gates that begin nearly closed, as its paper asks for. Only 1 "
            "to 3 % arrives then, and it learns: the loss ends at 0.005 or less.",
        ),
        source="Hochreiter & Schmidhuber (1997), Long short-term memory; Gers, Schmidhuber & Cummins (2000)",
        seeds=5,
        runs=(
            run("LSTM of 1997", ADDING, **{**LSTM, "model": {"cell": "lstm1997"}}, steps=450),
            run("LSTM", ADDING, **LSTM, steps=450),
        ),
        terms=("LSTM", "Cell state", "Forget gate", "Vanishing gradient"),
        show=AT_THE_START,
    ),
    Lesson(
        key="modern",
        section=SECTION,
        title="Thirty years later",
        teaser="Do modern cells still vanish?",
        question="The minGRU (2024) is a GRU whose gate looks at the input alone. The LRU (2023) is a linear "
        "recurrence, whose units multiply their state by a number just inside the unit circle. Both add two of 50 "
        "numbers. Whose gradient reaches $t=1$ before any training, and who learns?",
        choices=(
            "The LRU's, and the LRU learns",
            "The LRU's, and the minGRU learns",
            "Both reach it, and both learn",
        ),
        right=1,
        answer="17 to 36 % of the LRU's gradient arrives, and a ten-millionth or less of the minGRU's; but only the "
        "minGRU learns.",
        sentences=(
            "The minGRU multiplies by $1-z_t$, about one half, at each step: with the usual weights it vanishes like "
            "the RNN, the LSTM and the GRU. Training opens it: after 600 steps about a quarter arrives, and the loss "
            "is 0.015 or less.",
            "The LRU multiplies by eigenvalues of length 0.9 to 0.999, so much is left after 49 steps.",
            "But a linear network cannot multiply a number by its marker: it stays at about 0.15, the loss of always "
            "saying 1. Where LRUs succeed, non-linear layers stand between them.",
        ),
        look=(
            "“Gradient through time”, held at step 1 (“Latest” lets it follow training).",
            "The same after training: now both arrive.",
            "The loss: who leaves the plateau?",
        ),
        change=(
            "Chrono biases for the minGRU: from the first step on 16 to 23 % arrives, and it ends at 0.01 or less.",
            "Cell GRU: a billionth or less arrives at the start, and it ends below 0.001.",
        ),
        source="Feng et al. (2024), Were RNNs all we needed?; Orvieto et al. (2023), Resurrecting recurrent neural "
        "networks for long sequences",
        seeds=5,
        runs=(
            run("minGRU", ADDING, **FASTER, model={"cell": "mingru"}),
            run("LRU", ADDING, **FASTER, model={"cell": "lru"}),
        ),
        terms=("Vanishing gradient", "Half-life", "Chrono initialisation"),
        show=AT_THE_START,
    ),
    Lesson(
        key="diagonal",
        section=SECTION,
        title="Why a diagonal is enough",
        teaser="What do units remember that do not see one another?",
        question="At every step the network must say the bit of 20 steps ago. One is a plain RNN whose 32 units all "
        "see one another: 1,024 recurrent weights. In the other, an LRU, each of 32 units sees its own last state "
        "alone: one complex number per unit. Which of them recalls the bit after 500 steps?",
        choices=("The plain RNN", "The LRU", "Neither"),
        right=1,
        answer="The LRU: its loss is a seventh of the RNN's or less. The RNN guesses.",
        sentences=(
            "After 500 steps the LRU's loss is 0.07 or less; the RNN's is 0.46 or more, what is left once the silent "
            "start is known.",
            "Almost every matrix is diagonal in the right coordinates: $W = P \\Lambda P^{-1}$ with complex "
            "eigenvalues $\\Lambda$. A linear recurrence loses nothing by it, since $P$ can be made part of what reads "
            "the input and of what is read out.",
            "Then $\\partial h_T / \\partial h_t = \\Lambda^{T-t}$: what is kept is decided number by number, and the "
            "LRU begins with lengths of 0.9 to 0.999. Recalling a bit is linear; nothing has to be multiplied.",
        ),
        look=(
            "The loss against the line “only the silent start known”.",
            "“Predictions”: right where truth and answer agree.",
        ),
        change=("Learning rate 0.002 for both: the LRU ends at 0.05 to 0.12, the RNN at 0.46 to 0.47.",),
        source="Orvieto et al. (2023), section 3.1 and lemma 3.2; task as in Engelken (2023)",
        seeds=5,
        runs=(
            run("RNN", ADDING, **RECALL_FASTER),
            run("LRU", ADDING, **{**RECALL_FASTER, "model": {"readout": "every_step", "cell": "lru"}}),
        ),
        terms=("Jacobian", "State gradient"),
    ),
)
