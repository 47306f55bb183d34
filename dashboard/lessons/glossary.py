"""The glossary: `TERMS` maps each term to one paragraph, a formula where one helps, and the lessons that show it."""

import re
from typing import Any

from dashboard.lessons.basics import BASICS
from dashboard.lessons.term import Term
from rnncore.cells import CELLS
from rnncore.diagnosis.kinds import FINDINGS

TERMS: dict[str, Term] = {
    "Adam": Term(
        "An optimiser that keeps running averages of each parameter's gradient ($m$) and squared gradient ($v$), and "
        "divides one by the root of the other. The length of its updates therefore hardly depends on the length of the "
        "gradient: a tiny gradient still moves the weights.",
        r"\theta \leftarrow \theta - \eta\,\frac{\hat m}{\sqrt{\hat v} + \varepsilon}",
    ),
    "Attention": Term(
        "A read-out that looks at all hidden states. It gives each timestep a score, turns the scores into weights "
        "that add up to 1, and averages the states with them. Every timestep thus has a direct path to the loss.",
        r"a_t = \frac{e^{s_t}}{\sum_k e^{s_k}}, \qquad s_t = v^\top \tanh(W h_t + b), \qquad c = \sum_t a_t h_t",
    ),
    "Backpropagation through time": Term(
        "The chain rule applied to a recurrent network. The sequence is unrolled, then the gradient of the loss is "
        "carried from the last timestep to the first, multiplied by a Jacobian at each step.",
        r"\delta_t = \text{direct}_t + J_{t+1}^\top\,\delta_{t+1}, \qquad J_{t+1} = \frac{\partial h_{t+1}}"
        r"{\partial h_t}",
    ),
    "Baseline": Term(
        "The loss of a predictor that has learned nothing, for instance one that always says the mean. It is drawn as "
        "a line in the loss chart: a network above it has learned nothing either.",
        forms=("baselines", "simple answer"),
    ),
    "Broken on purpose": Term(
        "A run with one of the mistakes that are easy to make with data: inputs or targets that are not scaled, "
        "timesteps in a random order, a long padding that is read too, or batch and time swapped. Such a run is chosen "
        "under “Break it”, and is always told as broken."
    ),
    "Cell state": Term(
        "The LSTM's second state $c_t$. It is changed by gates and additions alone, without a matrix in between, so "
        "its direct gradient path is just the product of the forget gates.",
        r"c_t = f_t \odot c_{t-1} + i_t \odot \tilde c_t",
    ),
    "Chrono initialisation": Term(
        "Gate biases drawn so that the network's memories last up to $T$ steps: the forget gate is opened, the input "
        "gate closed in return.",
        r"b_f \sim \ln \mathcal U(1,\, T-1), \qquad b_i = -b_f",
    ),
    "Clip coefficient": Term(
        "The factor by which clipping shortened the gradient of this step: 1 when nothing was clipped.",
        r"\min\left(1,\ \frac{c}{\lVert g\rVert + 10^{-6}}\right)",
    ),
    "Clipping": Term(
        "Shortening the gradient of the parameters before the optimiser uses it. By norm, it is scaled to the length "
        "$c$ when it is longer, and keeps its direction. By value, each component is cut to $\\pm c$, which turns it. "
        "Clipping prevents steps that are too long; it cannot make a vanished gradient larger.",
        r"g \leftarrow g \cdot \min\left(1,\ \frac{c}{\lVert g\rVert}\right)",
        forms=("clipped", "clip"),
    ),
    "Contribution of a timestep": Term(
        "The part of the gradient of the recurrent weights that is due to their use at one timestep. The weights are "
        "used at every timestep, and the gradient is the sum of these parts; a part whose cosine with the sum is "
        "negative pulls against it.",
        r"\frac{\partial L}{\partial W_{hh}} = \sum_t C_t, \qquad C_t = \sum_b a_{t,b}\, h_{t-1,b}^\top",
    ),
    "Dead unit": Term(
        "A ReLU unit whose input is negative for every sequence. Its output and its gradient are exactly 0, so "
        "training cannot bring it back. One update that is far too long can kill all units at once.",
        forms=("dead units", "dead"),
    ),
    "Direct gradient": Term(
        "The part of the gradient at $h_t$ that does not come through later timesteps but straight from the read-out "
        "of step $t$. With a loss on the last step alone it is 0 everywhere else; with attention, or a loss at every "
        "step, each timestep has one.",
        forms=("direct",),
    ),
    "Diverged": Term(
        "The end of a run whose loss, gradient or parameters stopped being finite (infinite, or NaN, “not a "
        "number”). The last finite weights are kept.",
        forms=("finite", "NaN", "infinite"),
    ),
    "Effective learning rate": Term(
        "By what an optimiser multiplies the (averaged) gradient of one parameter. With SGD it is the learning rate, "
        "with Adam the learning rate over the usual size of that gradient.",
        r"\frac{\eta}{\sqrt{\hat v} + \varepsilon}",
    ),
    "Exploding gradient": Term(
        "A gradient that grows with each step back through time. After many steps it is so long that one update throws "
        "the weights far away. Clipping is the usual remedy.",
        r"\left\lVert \frac{\partial h_T}{\partial h_t} \right\rVert \sim \lambda^{T-t}, \quad \lambda > 1",
        forms=("exploding",),
    ),
    "Forget gate": Term(
        "The LSTM's gate $f_t$ between 0 and 1 that says how much of the cell state is kept. Its bias decides how open "
        "it is at the start: a bias of 0 means 0.5, a bias of 2 means 0.88.",
        r"f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)",
    ),
    "GRU": Term(
        "A cell with two gates and no second state. The update gate $z_t$ mixes the old state with a new candidate "
        "$n_t$; where it is near 1, the old state and its gradient pass unchanged.",
        r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}",
    ),
    "Gradient-flow matrix": Term(
        "A map of how strongly the loss at each timestep teaches the state at each earlier one. Its rows are losses, "
        "its columns states; their vectors, added up over the rows, are the gradient through time.",
        r"G_{\tau t} = \left\lVert \frac{\partial l_\tau}{\partial h_t} \right\rVert",
    ),
    "Gradient flossing": Term(
        "Updates between training steps that push the first Lyapunov exponents to 0, so that along these directions "
        "gradients neither vanish nor explode. They look at no target: what they give the network is memory, not an "
        "answer (Engelken 2023). In the sidebar it is under “More about training”, except with ReLU units: their "
        "slopes are 0 or 1, and it needs slopes that change smoothly.",
        r"\mathcal L_{\text{flossing}} = \frac1k \sum_{i=1}^{k} \lambda_i^2",
        forms=("flossing", "flossed"),
    ),
    "Gradient norm": Term(
        "The length of the gradient over all parameters together, measured before clipping. A spike in it is an "
        "exploding gradient. That it is not small does not mean that early timesteps get any gradient: look at the "
        "profile for that.",
        r"\lVert g \rVert = \sqrt{\textstyle\sum_i g_i^2}",
        forms=("gradient norms",),
    ),
    "Half-life": Term(
        "The number of steps back through time in which the gradient halves (or doubles, where it grows), from a "
        "straight line fitted to the logarithm of the profile. Of a unit: the number of timesteps after which half of "
        "what it holds is left.",
        r"t_{1/2} = \frac{\ln 2}{\lvert \text{slope} \rvert}",
        forms=("halves", "doubles"),
    ),
    "Hidden state": Term(
        "The vector $h_t$ that a recurrent network hands from one timestep to the next: all that it remembers.",
        r"h_t = \tanh(W_{ih}\,x_t + W_{hh}\,h_{t-1} + b)",
        forms=("state", "states", "hidden states"),
    ),
    "Identity initialisation": Term(
        "Recurrent weights that begin as the identity matrix, with ReLU units (IRNN). The network copies its state "
        "until it learns otherwise, and the gradient passes active units unchanged.",
        r"W_{hh} = I",
    ),
    "Jacobian": Term(
        "The matrix of derivatives of one hidden state by the one before. The gradient is multiplied by it at every "
        "step back, so its size decides between vanishing and exploding.",
        r"J_t = \frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}(1 - h_t^2)\, W_{hh} \quad (\tanh)",
    ),
    "LSTM": Term(
        "A cell with three gates (input, forget, output) and a second state $c_t$ next to $h_t$. While the forget gate "
        "is open, $c_t$ and its gradient pass through time almost unchanged. With default weights it is only half "
        "open.",
        r"c_t = f_t \odot c_{t-1} + i_t \odot \tilde c_t, \qquad h_t = o_t \odot \tanh(c_t)",
    ),
    "Lag": Term(
        "How many steps a timestep lies before the end of its sequence. Gradients of sequences of unequal length are "
        "averaged at the same lag, over those that are long enough: at the same $t$ the loss would be near for some of "
        "them and far away for others.",
        r"k = T_b - t",
    ),
    "Learning rate": Term(
        "The factor $\\eta$ between gradient and update. A learning rate that is too large overshoots; clipping makes "
        "larger ones usable, because it removes the few gradients that are far too long.",
        r"\theta \leftarrow \theta - \eta\, g",
        forms=("learning rates",),
    ),
    "Learning-rate schedule": Term(
        "A rule by which the learning rate changes over training, usually downwards. Towards the end small steps let "
        "the weights settle instead of following every batch.",
        r"\eta_k = \eta_0\,\frac{1 + \cos(\pi k / K)}{2} \quad \text{(cosine)}",
        forms=("schedule",),
    ),
    "Loss landscape": Term(
        "The loss as a function of the weights, seen along a line or on a plane through them. Where it has a wall, a "
        "step along the gradient can throw the network far away. A line or a plane is a thin cut: it shows neither all "
        "walls nor all ways around them.",
    ),
    "Lyapunov exponent": Term(
        "The logarithm of the factor by which a small disturbance of the state grows or shrinks per timestep, on "
        "average. There are as many as the state has numbers. The largest tells what becomes of one loss's "
        "gradient over many timesteps: below 0 it vanishes, above 0 it explodes.",
        r"\lambda = \lim_{T\to\infty} \frac1T \ln \left\lVert \prod_t J_t\, q \right\rVert",
        forms=("Lyapunov exponents",),
    ),
    "Memorisation": Term(
        "Learning the training sequences by heart instead of a rule. The training loss falls while the loss on new "
        "sequences does not, or rises.",
        forms=("memorising",),
    ),
    "Omega regulariser": Term(
        "A term added to the loss of a plain RNN that asks the gradient to keep its length from step to step. It works "
        "against vanishing, which clipping cannot.",
        r"\Omega = \sum_t \left( \frac{\lVert J_{t+1}^\top \delta_{t+1} \rVert}{\lVert \delta_{t+1} \rVert} - 1 "
        r"\right)^2",
    ),
    "Orthogonal initialisation": Term(
        "Recurrent weights that begin as a random rotation. Multiplying by it changes no vector's length, so only the "
        "slopes of the non-linearity shrink the gradient.",
        r"W_{hh}^\top W_{hh} = I",
    ),
    "Parameter count": Term(
        "How many numbers training can change. Per hidden unit a GRU has three times, an LSTM four times as many "
        "recurrent weights as a plain RNN; a fair comparison of cells gives each the same count, not the same size."
    ),
    "Parameter sensitivity": Term(
        "How strongly the state at a timestep depends on the parameters. In a plain RNN and in an LSTM it grows "
        "with the length of the memory, even where no gradient explodes: the same small step moves the states further. "
        "A GRU takes in less the more it keeps, which holds it down.",
        r"\mathbb E \left\lVert \frac{\partial h_t}{\partial \theta} \right\rVert^2",
    ),
    "Profile": Term(
        "The length of the state gradient at every timestep, drawn over $t$ on a logarithmic axis. A straight line "
        "that falls towards $t=1$ is a vanishing gradient, one that rises an exploding gradient."
    ),
    "Reach": Term(
        "How much of the gradient arrives: the profile divided by its value at the last step.",
        r"r_t = \frac{g_t}{g_T}",
    ),
    "Saturation": Term(
        "A tanh or sigmoid unit far from 0 hardly reacts to its input any more: its slope is near 0, and so is the "
        "gradient that it passes on.",
        r"\tanh'(a) = 1 - \tanh^2(a)",
        forms=("saturated",),
    ),
    "Scaling": Term(
        "Bringing numbers to one size before a network sees them: the mean of the training part is taken off, and what "
        "remains is divided by its standard deviation. Large inputs saturate the units; large targets make the loss "
        "and its gradient huge, and a read-out cannot reach them in few steps.",
        r"x \leftarrow \frac{x - \mu}{\sigma}",
        forms=("scaled", "scale"),
    ),
    "Seed": Term(
        "The number from which all random choices of a run follow: initial weights, batches, dropout. The same "
        "configuration with the same seed gives the same run. A claim that holds for one seed alone is luck."
    ),
    "Spectral radius": Term(
        "The largest absolute eigenvalue of a matrix. In the long run, multiplying by the matrix again and again grows "
        "or shrinks a vector by this factor per step.",
        r"\rho(W) = \max_i \lvert \lambda_i(W) \rvert",
    ),
    "State gradient": Term(
        "The total derivative of a sequence's own loss with respect to its hidden state $h_t$, through every path: "
        "later timesteps and the layers above. The profiles show its length, averaged over the batch.",
        r"\frac{d\,\ell_b}{d\,h_{l,t,b}}",
    ),
    "Threshold": Term(
        "The length $c$ above which a gradient is clipped. Half to ten times the usual gradient norm works. Far below "
        "it, every step is clipped and the threshold takes the place of the learning rate; far above, it never acts."
    ),
    "Truncated backpropagation": Term(
        "Letting gradients flow at most $k$ steps back. It saves time and memory. Dependencies longer than $k$ get no "
        "gradient and cannot be learned from it.",
        forms=("truncated", "truncation"),
    ),
    "Twins": Term(
        "Runs with the same seed, hence the same initial weights and the same batches in the same order, that differ "
        "by one setting alone, such as clipping. Where their curves part, that setting is the cause."
    ),
    "Units and weights": Term(
        "Two reasons why a gradient changes its length on a step back in time. The units multiply it by their slopes, "
        "which are near 0 where they are saturated or where gates are closed; the weights turn it and make it longer "
        "or shorter. Which of them lets a gradient vanish says what to change: the scale of inputs and biases, or the "
        "initial weights.",
        r"\log\frac{\lVert\delta_{t-1}\rVert}{\lVert\delta_t\rVert} = \log\frac{\lVert D_t\delta_t\rVert}"
        r"{\lVert\delta_t\rVert} + \log\frac{\lVert W^\top D_t\delta_t\rVert}{\lVert D_t\delta_t\rVert}",
    ),
    "Update norm": Term(
        "The length of the change that one step makes to the parameters. Read it beside the gradient norm: with plain "
        "SGD, and nothing clipped, their ratio is the learning rate; with Adam it is not."
    ),
    "Validation loss": Term("The loss on sequences that are never trained on. It tells learning from memorisation."),
    "Vanishing gradient": Term(
        "A gradient that shrinks with each step back through time, so that early inputs have no say in training. The "
        "network cannot learn dependencies of that length. Clipping does not help; gates, initial weights or a shorter "
        "path (attention) can.",
        r"\left\lVert \frac{\partial h_T}{\partial h_t} \right\rVert \sim \lambda^{T-t}, \quad \lambda < 1",
        forms=("vanishing",),
    ),
    "Weight decay": Term(
        "A pull on every weight towards 0 at each step, the stronger the larger the weight. It keeps weights small; "
        "too much of it holds them where the network can learn nothing.",
        r"\theta \leftarrow \theta - \eta\,(g + \lambda\theta) \quad \text{(SGD)}",
    ),
}


def all_terms() -> dict[str, Term]:
    """Return `TERMS`, and a term for each registered cell and each kind of finding that they do not have."""
    found = {cell.title: Term(cell.help) for cell in CELLS.values()} | BASICS | TERMS
    called = {name.casefold() for term, each in found.items() for name in (term, *each.forms)}
    return found | {rule.title: Term(rule.help) for rule in FINDINGS.values() if rule.title.casefold() not in called}


def in_short() -> dict[str, dict[str, Any]]:
    """Return each term's first sentence, as plain text, and all words by which sentences call it."""
    return {
        name: {"text": _plain(re.split(r"(?<=[.]) (?=[A-Z])", term.text)[0]), "forms": [name, *term.forms]}
        for name, term in all_terms().items()
    }


_SIGNS = {r"\eta": "η", r"\pm": "±", r"\theta": "θ", r"\lambda": "λ"}


def _plain(text: str) -> str:
    for command, sign in _SIGNS.items():
        text = text.replace(command, sign)
    return re.sub(r"[$\\{}]", "", text)
