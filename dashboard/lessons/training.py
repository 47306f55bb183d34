"""Lessons on training: optimiser, learning rate, truncation, read-out, and two classical experiments."""

from dashboard.figures.show import Show
from dashboard.lessons.lesson import WITH_UPDATES, Lesson, run, twins
from dashboard.lessons.problem import ADDING, RESCUE
from rnncore.config import TrainConfig

SECTION = "Training"

# Weights so small that each step back through the network shrinks a gradient about twentyfold.
TINY = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "delayed_recall", "seq_len": 40, "delay": 5},
        "model": {"readout": "every_step"},
        "init": {"scheme": "normal", "std": 0.01},
        "batch_size": 64,
        "steps": 400,
    }
)
RECALL = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "delayed_recall", "seq_len": 40, "delay": 10},
        "model": {"readout": "every_step"},
        "optimizer": {"learning_rate": 0.01},
        "clip": {"method": "norm"},
        "steps": 400,
    }
)
# Fifteen bits are to be held at any moment; the losses of a default RNN reach ten steps back.
HOLD = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "delayed_recall", "seq_len": 40, "delay": 15},
        "model": {"readout": "every_step"},
        "clip": {"method": "norm"},
        "steps": 400,
    }
)
# The article's example: 100 epochs of 10 batches.
ARTICLE = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "noise"},
        "model": {"cell": "lstm", "hidden_size": 50, "num_layers": 2},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "loss": "mse",
        "batch_size": 10,
        "steps": 1000,
        "eval_every": 20,
        "profile_every": 10,
    }
)
# Pascanu et al.: "smart tanh", 50 units, batch 20, SGD; here 30 timesteps and a larger learning rate (paper: .01).
ORDER = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "temporal_order", "seq_len": 30},
        "model": {"hidden_size": 50},
        "init": {"scheme": "sparse", "spectral_radius": 0.95, "std": 0.01},
        "optimizer": {"name": "sgd", "learning_rate": 0.05},
        "clip": {"method": "norm", "threshold": 1.0},
        "batch_size": 20,
        "steps": 3000,
        "eval_every": 100,
        "profile_every": 20,
    }
)

LESSONS = (
    Lesson(
        key="adam",
        section=SECTION,
        title="Two optimisers and small gradients",
        teaser="Can a network learn although its gradients are tiny?",
        question="All weights begin near 0 (standard deviation 0.01), so what comes back from 5 steps later is tiny: "
        "it shrinks about twentyfold per step. Both runs start from these same weights. Which one learns to say the "
        "bit of 5 steps ago?",
        choices=("Neither: the gradient is too small", "Only Adam", "Both, SGD a little later"),
        right=1,
        answer="Only Adam. Both start with the same tiny gradients, but Adam's updates are not tiny.",
        sentences=(
            "SGD moves by learning rate times gradient: after some ten steps about 0.001 a step, and the loss stays at "
            "0.686.",
            "Adam divides each parameter's gradient by that gradient's own usual size. Its updates are about 0.1 long "
            "from the first step, and after 300 steps the loss is below 0.005.",
            "So a curve that falls does not tell you whether gradients vanish: look at them. And Adam enlarges only "
            "what is there. Where noise drowns the signal, as in the lesson “The vanishing gradient”, it does not "
            "help.",
        ),
        look=(
            "The length of the updates (“Gradient norm”, dashed): for SGD always a tenth of the gradient, "
            "for Adam not.",
            "“Instruments”, “Gradient and update of each parameter” at step 1: the gradients of the parameters differ "
            "by a factor of 500 to 3,000; so do the updates of SGD, those of Adam only by about 20.",
            "“Gradient through time” at step 1 (drag the slider to the left): the same in both runs.",
            "The loss.",
        ),
        change=(
            "SGD with learning rate 1: ten times longer steps, and still the same plateau.",
            "Standard deviation 0.1: now SGD learns it too.",
        ),
        source="Kingma & Ba (2015), Adam: a method for stochastic optimization, section 2.1",
        seeds=3,
        runs=(
            run("Adam 0.005", TINY),
            run("SGD 0.1", TINY, optimizer={"name": "sgd", "learning_rate": 0.1}),
        ),
        terms=("Adam", "Update norm", "Gradient norm"),
        show=WITH_UPDATES,
    ),
    Lesson(
        key="decay",
        section=SECTION,
        title="A constant and a falling learning rate",
        teaser="How does training end, with and without decay?",
        question="One run keeps its learning rate at 0.1, the other lets it fall to 0 along a cosine. Each step sees "
        "other random sequences. What do the last 100 steps of the two validation losses look like?",
        choices=(
            "Alike: both networks have learned all there is",
            "The constant rate jumps up and down, the falling one is calm",
            "The constant rate is lower, because it never slows down",
        ),
        right=1,
        answer="The constant rate ends restless, the falling one calm, and usually lower.",
        sentences=(
            "With a constant rate every batch still pushes the weights about. Over the last 100 steps the validation "
            "loss moves up and down by a factor of 2 to 6.",
            "With the cosine it moves by less than 5 %.",
            "What decay does not do: it need not beat the best moment of the constant run. But nobody knows beforehand "
            "when that moment comes.",
        ),
        look=(
            "The last 100 steps of the validation loss.",
            "The length of the updates (“Gradient norm”, dashed): it falls with the rate.",
        ),
        change=(
            "400 steps instead of 800: the cosine comes down in time for any length.",
            "Decay in steps, factor 0.1 every 200 steps: calm as well, but the rate falls too soon; it stops near "
            "0.004.",
        ),
        source="Robbins & Monro (1951); Loshchilov & Hutter (2017), SGDR, eq. 5",
        seeds=5,
        runs=(
            run("constant", RESCUE, profile_every=5),
            run("cosine", RESCUE, profile_every=5, schedule={"name": "cosine"}),
        ),
        terms=("Learning rate", "Learning-rate schedule"),
        show=WITH_UPDATES,
    ),
    Lesson(
        key="truncation",
        section=SECTION,
        title="Truncated backpropagation",
        teaser="Can a network remember what no gradient points to?",
        question="At every step the network must say the bit of 10 steps ago. In one run gradients flow at most 5 "
        "steps back. Its hidden state is not cut: the information is there. Does it learn the task?",
        choices=("Yes, only later", "Partly", "No"),
        right=2,
        answer="No. It guesses to the end, while the run without a cut has solved the task after 200 steps.",
        sentences=(
            "The weights change only where a gradient tells them to. No gradient goes from an answer to the bit of 10 "
            "steps before, so nothing ever tells the network to keep that bit.",
            "The cut run stays at a loss above 0.5: it knows the silent first 10 answers and guesses the rest. The "
            "other run falls below 0.01.",
        ),
        look=(
            "The loss against the line “only the silent start known” (0.52).",
            "“Predictions”, further down: without the cut hardly a wrong answer, with it thousands.",
            "“Gradient through time”, held at step 40: the cut run's profile is a saw, a tooth for each segment of 5.",
            "“Instruments”, “Gradient-flow matrix” at step 1: with the cut no loss teaches a state 5 or more steps "
            "before it.",
        ),
        change=(
            "Truncation 20: it works again, because half of the answers or more see their bit.",
            "Task “Adding problem”, read-out of the last step, truncation 10: the profile is exactly 0 beyond the cut.",
        ),
        source="Williams & Peng (1990); Williams & Zipser (1995), Gradient-based learning algorithms for recurrent "
        "networks",
        seeds=3,
        runs=(run("full gradient", RECALL), run("cut after 5 steps", RECALL, truncation=5)),
        terms=("Truncated backpropagation", "Backpropagation through time"),
        show=Show(first=("loss", "profile"), step=40),
    ),
    Lesson(
        key="flossing",
        section=SECTION,
        title="Gradient flossing",
        teaser="What if the network is made to remember before it learns anything?",
        question="The network must say the bit of 15 steps ago. One run trains as usual. The other is given 100 "
        "updates before its first step that look at no target at all: they only push its first 16 Lyapunov exponents "
        "to 0, so that in 16 directions gradients neither vanish nor explode. Does that help, 400 steps later?",
        choices=(
            "No: these updates know nothing of the task",
            "A little: the loss falls sooner, then both are alike",
            "The flossed run solves the task, the other does not",
        ),
        right=2,
        answer="The flossed run solves the task; the other hardly gets below guessing.",
        sentences=(
            "As torch draws its weights, a plain RNN of 32 units has a largest exponent of about −0.55: each step back "
            "leaves 58 % of a gradient, and a loss teaches the states 7 to 10 steps before it a hundred times less "
            "than its own. The bit that it asks for lies 15 steps back.",
            "Flossing brings the first 16 exponents near 0, and most losses now teach every earlier state. After 400 "
            "steps the loss is below 0.01, without flossing above 0.41, hardly below the 0.43 of "
            "guessing.",
            "How many exponents are flossed matters. At any moment 15 bits have to be held, and one direction that "
            "lasts is not room for all of them: with 1 exponent at 0 the loss stays above 0.41 too.",
        ),
        look=(
            "The loss against the line “only the silent start known” (0.43).",
            "“Instruments”, “Jacobians and Lyapunov exponents” at step 1: grey the exponents before flossing, in "
            "colour after it.",
            "“Instruments”, “Gradient-flow matrix” at step 1: a band along the diagonal without flossing, with it the "
            "whole triangle.",
        ),
        change=(
            "Exponents of gradient flossing: 1. The largest exponent is near 0, and hardly anything is learned.",
            "8 exponents: some seeds begin to learn, one of the five tried has solved it after 400 steps.",
        ),
        source="Engelken (2023), Gradient flossing: improving gradient descent through dynamic control of Jacobians",
        seeds=5,
        runs=(run("flossed", HOLD, flossing={"exponents": 16}), run("as usual", HOLD)),
        terms=("Gradient flossing", "Lyapunov exponent", "Vanishing gradient"),
    ),
    Lesson(
        key="attention",
        section=SECTION,
        title="Attention over all timesteps",
        teaser="What if the output could look at every timestep?",
        question="The plain RNN could not add two of 50 numbers: its gradient vanished. We leave the recurrent network "
        "as it is, but let the output look at all 50 states through attention. What happens?",
        choices=(
            "Nothing: the recurrent part still vanishes",
            "It learns the task",
            "The loss falls to “one number known”, not further",
        ),
        right=1,
        answer="It learns the task: loss about 0.01 after 600 steps, where reading the last state stays at 0.15.",
        sentences=(
            "Attention gives every timestep a path of length one to the loss. At $t=1$ the gradient is as large as at "
            "$t=50$, within a factor of 2.",
            "The network no longer has to carry the first number. It has to mark it where it stands, and attention "
            "picks it up.",
        ),
        look=(
            "“Gradient through time”, held at step 1 (“Latest” lets it follow training): level against a straight "
            "fall.",
            "The direct part (dashed): with attention it is most of the gradient, here so much that the lines are one.",
            "“Instruments”, “Which steps teach” at step 1: without attention the last two or three of 50 timesteps "
            "make up nine tenths of the gradient, with it more than 40 of them.",
            "The loss.",
        ),
        change=(
            "Read-out “Mean over time”: it too gives every step a direct gradient, but after 600 steps it has at most "
            "begun to learn (0.09 to 0.15).",
            "Sequence length 100: attention still comes to 0.01 or less in 600 steps.",
        ),
        source="Bahdanau, Cho & Bengio (2015), Neural machine translation by jointly learning to align and translate",
        seeds=3,
        runs=(
            run("attention", ADDING, model={"readout": "attention"}, clip={"method": "norm"}),
            run("last state", ADDING, clip={"method": "norm"}),
        ),
        terms=("Attention", "Direct gradient"),
        show=Show(first=("profile", "loss"), step=1, options=("profile.direct",)),
    ),
    Lesson(
        key="noise",
        section=SECTION,
        title="Trained on nothing but noise",
        teaser="What does a network learn where there is nothing to learn?",
        question="A much copied example of gradient clipping trains two stacked LSTMs for 100 epochs, on 100 sequences "
        "of random numbers with random targets. There is nothing to learn in them. What do the loss on these 100 and "
        "the loss on new sequences do?",
        choices=(
            "Neither ever falls: there is nothing to learn",
            "Both fall in the end",
            "In the end the first falls and the second rises",
        ),
        right=2,
        answer="Once the network learns anything, it learns by heart: the training loss falls, that on new sequences "
        "rises.",
        sentences=(
            "Always saying the mean of the 100 targets gives a training loss of 0.092, their variance. For more than "
            "half of the time the network does no better.",
            "At the end of the 100 epochs its training loss is about 0.06, and its loss on new sequences has risen "
            "from 0.08 to 0.1 or more. With the four other seeds tried it has hardly begun: 0.085 to 0.096.",
            "As an example of clipping it shows little: of the 1,000 gradients at most 5 are longer than 1.",
        ),
        look=(
            "Training loss (thin) and validation loss (thick): where do they part?",
            "The gradient norm: below 1 nearly all the time.",
            "The line “predict 1/2”, $1/12 \\approx 0.083$. On this validation set that comes to 0.077.",
        ),
        change=(
            "3,000 steps, that is 200 epochs more: with at least four of the five seeds tried the training loss falls "
            "below 0.02, and the validation loss then ends at 0.13 to 0.17, about twice that of always saying 1/2. "
            "Which seeds these are depends on how the processor rounds.",
            "Recurrent weights as in Keras, and so in the example (Orthogonal, forget-gate bias 1): after 100 epochs "
            "none of five seeds is below 0.085.",
        ),
        source="the example with which this project began: X = U[0,1] of shape 100 x 10 x 1, LSTM 50, LSTM 50, Dense "
        "1, Adam 0.01, batches of 10",
        seeds=5,
        runs=(run("two LSTMs of 50 units", ARTICLE),),
        terms=("Memorisation", "Validation loss", "LSTM"),
    ),
    Lesson(
        key="temporal-order",
        section=SECTION,
        title="The temporal order of two symbols",
        teaser="Which networks learn what came first?",
        question="Which of two symbols came first, hidden among distractors? Pascanu, Mikolov and Bengio trained a "
        "tanh network on this with SGD, with and without clipping, spectral radius 0.95 at the start. What do 3,000 "
        "steps give?",
        choices=(
            "Both learn, the clipped one sooner",
            "The clipped one makes progress, the other stays at guessing",
            "Neither leaves guessing in so short a time",
        ),
        right=1,
        answer="The clipped run makes progress, with some seeds it solves the task; the other ends where it began.",
        sentences=(
            "Guessing among 4 classes has a loss of $\\ln 4 \\approx 1.39$. Clipped, the five seeds tried ended at "
            "0.002, 0.002, 0.2, 0.7 and 1.06; without clipping at 1.3 to 1.45.",
            "Early on both gain. To learn, the network must hold the first symbol, which takes weights near the border "
            "of exploding; there a single long gradient throws the unclipped run back.",
            "We shortened the experiment: 30 timesteps instead of 50 to 200, and learning rate 0.05 instead of 0.01.",
        ),
        look=(
            "The validation loss of both against the line “guess”.",
            "The gradient norm: spikes of 100 and more. After one the unclipped loss jumps back.",
            "The profile: flatter while the clipped run learns to hold the first symbol.",
        ),
        change=(
            "Another seed: how far the clipped run gets depends on it.",
            "The paper's own setting, length 50 and learning rate 0.01, 25,000 steps, about a minute: clipped, two of "
            "the five seeds tried solve it (0 and 4); without clipping none does.",
        ),
        source="Pascanu, Mikolov & Bengio (2013), section 4.1",
        seeds=5,
        runs=twins(run("clipped at 1", ORDER)),
        terms=("Clipping", "Spectral radius", "Exploding gradient"),
    ),
)
