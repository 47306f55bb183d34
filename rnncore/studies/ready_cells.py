"""Ready-made studies of the further cells, from 1997 to 2024."""

from typing import Any

from rnncore.studies.ready_study import ReadyStudy, task
from rnncore.studies.results import TOLD

_CHRONO: dict[str, Any] = {"init": {"chrono": True}}
_IDENTITY: dict[str, Any] = {"model": {"nonlinearity": "relu"}, "init": {"scheme": "identity"}}
_DIGITS: dict[str, Any] = {
    "IRNN": _IDENTITY,
    "Orthogonal RNN": {"model": {"cell": "orthogonal"}},
    "LSTM, forget bias 1": {"model": {"cell": "lstm"}, "init": {"forget_bias": 1.0}},
    "LRU": {"model": {"cell": "lru"}},
}
_ADDING: dict[str, Any] = {
    "LSTM of 1997, chrono biases": {"model": {"cell": "lstm1997"}, **_CHRONO},
    "LSTM, forget bias 1": {"model": {"cell": "lstm"}, "init": {"forget_bias": 1.0}},
    "LSTM, chrono biases": {"model": {"cell": "lstm"}, **_CHRONO},
    "GRU, chrono biases": {"model": {"cell": "gru"}, **_CHRONO},
    "minGRU, chrono biases": {"model": {"cell": "mingru"}, **_CHRONO},
    "IRNN": _IDENTITY,
}
_MEMORIES: dict[str, Any] = {
    **{f"RNN, spectral radius {radius:g}": {"init": {"scheme": "spectral", "spectral_radius": radius}}
       for radius in (0.5, 0.9, 1.2)},
    "RNN, orthogonal": {"init": {"scheme": "orthogonal"}},
    "IRNN": _IDENTITY,
    **{f"LSTM, forget bias {bias:g}": {"model": {"cell": "lstm"}, "init": {"forget_bias": bias}} for bias in (0, 2, 4)},
    "LSTM, chrono biases": {"model": {"cell": "lstm"}, **_CHRONO},
    "LRU": {"model": {"cell": "lru"}},
}  # fmt: skip

OF_CELLS = (
    ReadyStudy(
        key="selective-copying",
        title="How many layers does a minGRU need?",
        source="Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs all we needed?, table 1",
        expects="One layer cannot do it, two nearly can, three can: about 37, 97 and 99.5 % of the symbols, as the"
        " paper is quoted. The gate of a single layer sees the present symbol alone, not how many came before it.",
        found="The order is the paper's, and a second layer is what matters: one layer recalled 72 % of the"
        " symbols, two 94 %, three 97 % (medians), and more than 95 % was reached in 0, 1 and 3 of 5 runs. On"
        " this short task one layer does better than the paper's 37 %, and two and three had not yet come to"
        " rest after 3,600 steps.",
        body={
            "base": {
                "data": task("selective_copying", seq_len=16, symbols=4),
                "model": {"cell": "mingru", "hidden_size": 64, "readout": "every_step"}, "steps": 3600,
                "optimizer": {"name": "adam", "learning_rate": 0.01}, "clip": {"method": "norm", "threshold": 1.0},
                "eval_every": 200, "profile_every": 200,
            },
            "axes": [{"field": "model.num_layers", "name": "layers", "values": [1, 2, 3]}],
            "seeds": 5,
            "success": {"metric": "val_metric", "above": 0.95},
        },
        told={"share of symbols recalled": "final_val_metric", **TOLD},
    ),
    ReadyStudy(
        key="permuted-digits",
        title="Digits whose pixels come in a random order",
        source="Le, Jaitly & Hinton (2015), section 4.2; Arjovsky, Shah & Bengio (2016), section 5.2; Cooijmans et"
        " al. (2017), table 1; Orvieto et al. (2023), Resurrecting recurrent neural networks for long sequences",
        expects="With MNIST's 784 pixels permuted the IRNN gets 18 % wrong, the LSTM 10 %, a network with a unitary"
        " matrix 9 %, as the table of Cooijmans et al. has them: what keeps gradients alive by its form does best.",
        found="The LRU was best by far, 4.9 % wrong at the better of two learning rates (the better one was picked on"
        " the same validation pictures); one layer of it is a linear classifier of the pixels, and for pictures as"
        " small as these that is enough. The orthogonal RNN and the LSTM came to 13 %, without the order that the"
        " papers have them in, and the IRNN learned little: 61 %.",
        body={
            "base": {
                "data": task("permuted_digits"), "model": {"hidden_size": 64}, "steps": 1600,
                "clip": {"method": "norm", "threshold": 1.0}, "eval_every": 100, "profile_every": 100,
            },
            "axes": [
                {"field": "", "name": "network", "labels": list(_DIGITS), "values": list(_DIGITS.values())},
                {"field": "optimizer.learning_rate", "name": "learning rate", "values": [0.002, 0.005]},
            ],
            "seeds": 4,
        },
        told={"error rate": "final_val_metric", "validation loss": "final_val_loss", "half-life": "half_life"},
    ),
    ReadyStudy(
        key="adding-1997",
        title="The adding problem of 1997, by number of sequences",
        source="Hochreiter & Schmidhuber (1997), Long short-term memory, experiment 4, table 7",
        expects="The LSTM of 1997 needs 74,000 sequences at T = 100 (209,000 at 500, 853,000 at 1,000; means of ten"
        " trials) until its error stays below .01 and 2,000 sequences in a row are right.",
        found="All runs of the four networks with chrono biases learned, in the median after 8,800 sequences (GRU),"
        " 12,000 (LSTM), 13,600 (minGRU) and 14,400 (LSTM of 1997): a fifth or less of what 1997 needed. The"
        " LSTM with the usual forget bias of 1 learned in none of 5 runs within 25,600 sequences, the IRNN in"
        " 2.",
        body={
            "base": {
                "data": task("adding", seq_len=100), "model": {"hidden_size": 32}, "steps": 1600, "batch_size": 16,
                "optimizer": {"name": "adam", "learning_rate": 0.005}, "clip": {"method": "norm", "threshold": 1.0},
                "eval_every": 50, "profile_every": 100,
            },
            "axes": [{"field": "", "name": "network", "labels": list(_ADDING), "values": list(_ADDING.values())}],
            "seeds": 5,
            "success": {"metric": "val_loss", "below": 0.01, "when": "any"},
        },
    ),
    ReadyStudy(
        key="curse-of-memory",
        title="The curse of memory",
        source="Zucchet & Orvieto (2024), Recurrent neural networks: vanishing and exploding gradients are not the"
        " end of the story",
        expects="The longer a network remembers, the more its states change with its parameters, although no"
        " gradient explodes; in the gated and in the normalised diagonal cells less so than in a plain RNN.",
        found="In each kind of cell the sensitivity grew with the half-life: 143, 941 and 2,520 in the tanh RNN at"
        " half-lives of 1, 8 and 31 steps, 21, 610 and 19,800 in the LSTM at 1.5, 15 and 52. The IRNN, which"
        " hardly forgets, came to 9 million. The LRU was about as sensitive as an LSTM that remembers as long."
        " Only the LSTM with chrono biases escaped: 15 at 27 steps, because its input gates begin nearly"
        " closed.",
        body={
            "base": {"data": task("adding", seq_len=100), "steps": 1},
            "axes": [
                    {"field": "", "name": "network", "labels": list(_MEMORIES), "values": list(_MEMORIES.values())},
                ],
            "seeds": 5,
        },
        told={"half-life": "half_life"},
        at_start={"sensitivity": ("sensitivity", "sensitivity")},
    ),
)  # fmt: skip
