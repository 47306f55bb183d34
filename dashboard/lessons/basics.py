"""The glossary's basic words: what texts on training take for granted, and what findings measure with."""

from dashboard.lessons.term import Term

BASICS: dict[str, Term] = {
    "Accuracy": Term("The share of answers that name the right class."),
    "Adaptive optimiser": Term(
        "An optimiser that divides the gradient by its usual size, as Adam does. The length of its updates hardly "
        "depends on the length of the gradient.",
    ),
    "Autocorrelation": Term(
        "How alike a series is to itself some steps earlier: 1 for the same, about 0 for unrelated values. A series "
        "whose autocorrelation is about 0 has no order in time from which it could be forecast.",
        r"\rho_k = \frac{\sum_t (x_t - \bar x)(x_{t-k} - \bar x)}{\sum_t (x_t - \bar x)^2}",
    ),
    "Batch": Term("The sequences of one training step; their gradients are averaged."),
    "Cell": Term(
        "The part of a recurrent network that makes a new state of the last state and the input.", "", ("cells",)
    ),
    "Class": Term("One of the answers among which a network chooses.", "", ("classes",)),
    "Cosine of two vectors": Term(
        "Whether they point the same way: 1 for the same direction, 0 at right angles, -1 for opposite ones.",
        r"\frac{a \cdot b}{\lVert a \rVert \, \lVert b \rVert}",
    ),
    "Eigenvalue": Term(
        "A factor by which a matrix stretches a vector without turning it. Complex eigenvalues come in pairs; their "
        "absolute value is the stretch, their angle the turn.",
        r"W v = \lambda v",
        ("eigenvalues",),
    ),
    "Forecast": Term("An answer that is a later value of the same series."),
    "Gate": Term(
        "A number between 0 and 1 for each unit, worked out anew at every timestep, that says how much passes.",
        r"\sigma(W x_t + U h_{t-1} + b)",
        ("gates",),
    ),
    "Gradient": Term(
        "The derivative of the loss: in which direction, and how strongly, the loss changes with the weights or with a "
        "state.",
        "",
        ("gradients",),
    ),
    "Layer": Term(
        "One recurrent cell over the whole sequence; in a network of several, each reads the states of the one below.",
        "",
        ("layers",),
    ),
    "Linear": Term(
        "What only adds up its inputs, each times a number of its own; it cannot multiply one input by another.",
        r"y = W x + b",
    ),
    "Loss": Term("A number that says how wrong the answers are; training makes it smaller.", "", ("losses",)),
    "Mean": Term("The sum of values over their number."),
    "Median": Term("The value in the middle: half of the values are smaller, half are larger."),
    "Non-linearity": Term("The function through which a unit's input goes, such as tanh or ReLU."),
    "Norm": Term(
        "The length of a vector: the root of the sum of its squares.",
        r"\lVert x \rVert = \sqrt{\textstyle\sum_i x_i^2}",
        ("norms",),
    ),
    "Optimiser": Term("The rule that turns a gradient into a change of the weights.", "", ("optimisers",)),
    "Noise": Term("Values that follow no rule, so that nothing can be forecast of them."),
    "Padding": Term("Values without a meaning that make sequences equally long, mostly zeros at their end."),
    "Precision": Term("How many digits a number is computed with: about 7 in float32, about 16 in float64."),
    "R²": Term(
        "The share of the targets' variance that the answers explain: 1 for perfect answers, 0 for always saying the "
        "mean.",
        r"R^2 = 1 - \frac{\sum_i (y_i - \hat y_i)^2}{\sum_i (y_i - \bar y)^2}",
        ("R^2",),
    ),
    "Random walk": Term(
        "A series whose every value is the one before plus an unforeseeable change. No forecast is better than the "
        "last value."
    ),
    "Read-out": Term("The last part of a network, which makes an answer of hidden states.", "", ("read-outs",)),
    "ReLU": Term(
        "A non-linearity that leaves positive numbers as they are and makes 0 of negative ones.", r"\max(0, a)"
    ),
    "SGD": Term(
        "Stochastic gradient descent: each update is the gradient of one batch times the learning rate.",
        r"\theta \leftarrow \theta - \eta\, g",
    ),
    "Skill": Term(
        "How much smaller the loss is than that of a simple answer: 1 for no loss at all, 0 for no gain over it.",
        r"1 - \frac{L}{L_\text{simple}}",
    ),
    "Slope": Term("How much a unit's value changes with its input.", "", ("slopes",)),
    "Spike": Term("A single step whose gradient is far longer than those before it.", "", ("spikes",)),
    "Standard deviation": Term(
        "The usual distance of values from their mean: the root of the mean of the squared distances.",
        r"s = \sqrt{\tfrac1n \textstyle\sum_i (x_i - \bar x)^2}",
        ("standard deviations",),
    ),
    "Standard error": Term(
        "How far a mean over a sample is off by chance, as a rule: the standard deviation over the root of the number "
        "of values. A difference of two standard errors or more is hardly chance.",
        r"\frac{s}{\sqrt n}",
        ("standard errors",),
    ),
    "Target": Term("The right answer to a sequence, which is known in training.", "", ("targets",)),
    "Timestep": Term("One place $t$ in a sequence, from 1 to $T$.", "", ("timesteps",)),
    "Training loss": Term("The loss on the sequences of the batch that is being trained on."),
    "Unit": Term("One number of a hidden state, with the weights that make it.", "", ("units",)),
    "Update": Term("The change that one step makes to the weights.", "", ("updates",)),
    "Variance": Term("The square of the standard deviation."),
    "Weights": Term("The numbers of a network that training changes.", "", ("weight",)),
    "tanh": Term("A non-linearity that squeezes every number into the range from -1 to 1."),
}
