"""Lessons on the problem itself: gradients that vanish or explode on their way back through time."""

from dashboard.lessons.lesson import AT_THE_START, Lesson, run, twins
from rnncore.config import TrainConfig

SECTION = "The problem"

# Adding problem, T = 50: the first number lies 25 to 50 steps before the answer.
ADDING = TrainConfig.model_validate(
    {"data": {"kind": "task", "task": "adding", "seq_len": 50}, "steps": 600, "eval_every": 25, "profile_every": 5}
)
# One step back multiplies the gradient by about 1.5: ReLU units, recurrent weights of spectral radius 2.
GROWING = {
    "model": {"nonlinearity": "relu"},
    "init": {"scheme": "spectral", "spectral_radius": 2.0},
    "optimizer": {"learning_rate": 0.001},
    "profile_every": 1,
    "steps": 300,
}
# Sines, and an identity matrix: unless it is clipped, the very first update throws this network out for good.
RESCUE = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "sines"},
        "model": {"cell": "rnn", "nonlinearity": "relu", "hidden_size": 32},
        "init": {"scheme": "identity"},
        "optimizer": {"name": "sgd", "learning_rate": 0.1},
        "clip": {"method": "norm", "threshold": 1.0},
        "steps": 800,
        "eval_every": 10,
        "profile_every": 1,
    }
)

LESSONS = (
    Lesson(
        key="rescue",
        section=SECTION,
        title="With and without clipping",
        teaser="What does a network do whose steps are ten times too long?",
        question="Two networks with the same weights see the same batches. One clips its gradient to length 1, the "
        "other does not. The learning rate is 0.1, and the very first gradient has a length of about 12. What will "
        "the network without clipping do?",
        choices=(
            "It learns more slowly, and gets there in the end",
            "One step throws it out, and it never recovers",
            "It learns faster, because its steps are longer",
        ),
        right=1,
        answer="One or two steps throw the network out for good; its clipped twin learns.",
        sentences=(
            "Both start alike. Without clipping the first updates are ten times too long: within three steps the loss "
            "stands above 10,000, and may stop being finite altogether.",
            "After that its ReLU units are dead: before the last timestep the gradient is exactly 0. What is left can "
            "only predict the mean (loss 0.17).",
            "The clipped twin reaches 0.02 after 100 steps and 0.002 after 600, a hundred times better. It needed "
            "clipping in only about 6 of 100 steps.",
        ),
        look=(
            "The loss, on its log axis: both curves share their first point, then part.",
            "The gradient norm of the unclipped run at step 2 or 3: a spike of a million or far more.",
            "The heatmap of the unclipped run: empty after the spike, because the gradient is exactly 0.",
            "“Instruments”, “Clip cliff” at step 1: in four of five seeds the whole step would end at a loss above a "
            "million.",
            "“Instruments”, “The plane between twins” at step 3: a wall on which the loss is above 80,000; the twin "
            "that does not clip has been thrown out of the picture, the one that clips is still in it.",
        ),
        change=(
            "Seed 2: now the unclipped run ends as diverged within five steps.",
            "Learning rate 0.01: the unclipped network survives, and learns slowly (0.05 to 0.11 after 600 steps), "
            "with seed 3 not at all (0.17).",
        ),
        source="Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural networks, section 3.2",
        seeds=5,
        runs=twins(run("clipped at 1", RESCUE)),
        terms=("Clipping", "Exploding gradient", "Twins"),
    ),
    Lesson(
        key="vanishing",
        section=SECTION,
        title="Fifty steps back",
        teaser="How much of the gradient is left after 50 steps back?",
        question="The network reads 50 numbers and must add two of them. At $t=50$ the gradient of the loss with "
        "respect to the hidden state has some length. How long is it at $t=1$, before any training?",
        choices=("About half of that", "About a thousandth", "Less than a billionth"),
        right=2,
        answer="Less than a billionth: $10^{-10}$ to $10^{-13}$ of its length at $t=50$, depending on the seed.",
        sentences=(
            "Each step back multiplies the gradient by about 0.6, so it halves every 1.5 steps or faster; 49 factors "
            "of 0.6 leave next to nothing.",
            "The network therefore never hears about the first number. After 600 steps its loss is still that of "
            "always saying 1: $1/6$ in theory, 0.15 on this validation set.",
        ),
        look=(
            "“Gradient through time”, held at step 1 (“Latest” lets it follow training): on its log axis a straight "
            "line means a constant factor per step.",
            "The sentence under the run's name: it tells in how many steps the gradient halves.",
            "“Instruments”, “Jacobians and Lyapunov exponents” at step 1: the largest exponent, between −0.45 and "
            "−0.63, is nearly the slope of the profile.",
            "The loss against the line “predict 1”.",
        ),
        change=(
            "Sequence length 10: with 9 factors instead of 49 about half a percent arrives, and the loss begins to "
            "fall.",
            "Clipping: it can only shorten gradients, so expect no help. The lesson “Clipping is no cure for "
            "vanishing” shows it.",
        ),
        source="Bengio, Simard & Frasconi (1994); Hochreiter & Schmidhuber (1997), experiment 4",
        seeds=5,
        runs=(run("RNN", ADDING),),
        terms=("Vanishing gradient", "State gradient", "Half-life"),
        show=AT_THE_START,
        microscope="vanishing",
    ),
    Lesson(
        key="exploding",
        section=SECTION,
        title="Larger recurrent weights",
        teaser="Which way does the gradient lean with larger weights?",
        question="Now the recurrent weights are larger: spectral radius 2, with ReLU units, of which about half are "
        "active. Which way does the profile lean before any training?",
        choices=(
            "It falls towards $t=1$, more slowly than before",
            "It is about level",
            "It rises towards $t=1$",
        ),
        right=2,
        answer="It rises towards $t=1$: thousands to billions of times.",
        sentences=(
            "Each step back multiplies the gradient by about 1.2 to 1.6, so it doubles every 1.5 to 4 steps. Over 49 "
            "steps that is a factor of $10^3$ to $10^9$, depending on the seed.",
            "The forward pass grows in the same way: the first loss is above $10^4$.",
            "Only Adam keeps this run finite, because the length of its updates hardly depends on "
            "the length of the gradient.",
        ),
        look=(
            "“Gradient through time”, held at step 1 (“Latest” lets it follow training): a straight line that rises to "
            "the left.",
            "“Instruments”, “Jacobians and Lyapunov exponents” at step 1: the largest exponent is above 0.",
            "The gradient norm: it begins above a million.",
            "The loss: it comes down from there, but hardly anything is learned.",
        ),
        change=(
            "SGD with a learning rate of 0.0001: step 2 is the last one, with every seed tried; then the numbers are "
            "no longer finite.",
            "Spectral radius 0.9: the profile falls again.",
        ),
        source="Pascanu, Mikolov & Bengio (2013), section 2.1",
        seeds=5,
        runs=(run("RNN, spectral radius 2", ADDING, **GROWING),),
        terms=("Exploding gradient", "Spectral radius"),
        show=AT_THE_START,
        microscope="exploding",
    ),
    Lesson(
        key="no-cure",
        section=SECTION,
        title="A hard clip on a tiny gradient",
        teaser="Can clipping bring a vanished gradient back?",
        question="Back to the vanishing gradient. We clip hard, at 0.1, so that most steps are clipped. What happens "
        "to the profile, compared with the twin without clipping?",
        choices=(
            "The clipped profile is flatter: early timesteps get more",
            "Its shape is the same",
            "The clipped profile falls even faster",
        ),
        right=1,
        answer="At the first step the two profiles are the same, number by number; both vanish.",
        sentences=(
            "Clipping scales the finished gradient of the parameters. The gradients of the states have been multiplied "
            "together before that, so the clip cannot change them in the same step.",
            "A number below 1 times a gradient of $10^{-10}$ does not make it larger.",
            "Neither twin learns: both stay at about 0.15, the loss of always saying 1.",
        ),
        look=(
            "“Gradient through time”, held at step 1 (“Latest” lets it follow training): one curve hides the other.",
            "Later profiles: they differ, because the weights have taken different paths, but both vanish.",
            "The share of steps clipped lately, above the gradient norm: most of them.",
        ),
        change=(
            "Method “Inside the recursion”: this one does act on the profile, but it too can only shorten.",
            "Cell GRU: it learns, clipped as hard as this.",
        ),
        source="Pascanu, Mikolov & Bengio (2013), section 3",
        seeds=5,
        runs=twins(run("clipped at 0.1", ADDING, clip={"method": "norm", "threshold": 0.1})),
        terms=("Clipping", "Vanishing gradient", "State gradient"),
        show=AT_THE_START,
    ),
)
