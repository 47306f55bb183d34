"""The experiments that the page opens with."""

from rnncore.config import TrainConfig

# What the page opens with, and a lesson explains: unless it is clipped, the very first update throws this network out
# for good.
DEFAULT = TrainConfig.model_validate(
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
# What stands there instead once real data are chosen, where that network would mostly diverge at once without clipping.
REAL_DATA = TrainConfig.model_validate({"clip": {"method": "norm", "threshold": 1.0}})
