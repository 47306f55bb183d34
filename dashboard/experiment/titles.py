"""Choices in words, as the sidebar lists them."""

SOURCES = {"task": "Synthetic", "bundled": "Real", "upload": "My files"}
CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
READOUTS = {"last": "Last step", "mean": "Mean over time", "attention": "Attention over time"}
EVERY_STEP = {"every_step": "Every step"}
INITS = {
    "default": "torch's default",
    "orthogonal": "Orthogonal",
    "identity": "Identity",
    "spectral": "Scaled to a spectral radius",
    "normal": "Normal",
    "sparse": "Sparse (Pascanu et al.)",
}
LOSSES = {
    "auto": "As the data calls for",
    "mse": "Mean squared error",
    "mae": "Mean absolute error",
    "huber": "Huber",
    "bce": "Binary cross-entropy",
    "cross_entropy": "Cross-entropy",
}
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
SCHEDULES = {
    "constant": "Constant",
    "exponential": "Exponential decay",
    "linear": "Linear decay",
    "cosine": "Cosine decay",
    "step": "Decay in steps",
}
CLIPS = {
    "off": "Off",
    "norm": "Global norm",
    "value": "Each value",
    "parameter_norm": "Norm of each parameter",
    "recursion": "Inside the recursion (Graves)",
    "autoclip": "AutoClip",
    "agc": "Adaptive (AGC)",
}
