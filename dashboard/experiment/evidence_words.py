"""What findings measured, in words: the names of their figures as a reader would say them."""

from collections.abc import Mapping

from rnncore.words import figure

# By the names in `Finding.evidence`; one that is missing here is told by its name.
WORDS = {
    "accuracy": "accuracy",
    "answered": "share of answers that are one class",
    "autocorrelation": "autocorrelation",
    "baseline": "loss of the simple answer",
    "before": "before",
    "best": "smallest validation loss",
    "best_step": "at step",
    "bound": "largest stable learning rate",
    "common": "share of the commonest class",
    "dead": "share of units that are dead",
    "delay": "delay in timesteps",
    "feature": "squared norm of the states",
    "first": "gradient of layer 1",
    "gradient_fall": "the gradient fell by the factor",
    "half_life": "half-life in timesteps",
    "last": "gradient of the last layer",
    "last_value": "loss of the last value",
    "layer": "layer",
    "layers": "layers",
    "learning_rate": "learning rate",
    "loss_before": "training loss before",
    "max": "largest value",
    "mean": "mean",
    "median_coef": "median clip coefficient",
    "median_norm": "median gradient norm",
    "mixes": "change of an answer by its neighbours, in standard deviations",
    "norm": "gradient norm",
    "now": "now",
    "r2": "R²",
    "ratio": "ratio",
    "reach": "reach",
    "rms": "typical size",
    "saturated": "share of values beyond 0.95",
    "seq_len": "timesteps",
    "share": "share of steps clipped",
    "skill": "skill",
    "spread": "standard deviation of the answers over that of the targets",
    "standard_error": "standard error of the difference",
    "std": "standard deviation",
    "step": "step",
    "steps": "steps",
    "tail": "share of a sequence that is constant",
    "total_to_direct": "total over direct gradient",
    "train_loss": "training loss",
    "truncation": "truncation in timesteps",
    "units": "share of units that are saturated",
    "update_fall": "the updates fell by the factor",
    "update_ratio": "update norm over weight norm",
    "val_loss": "validation loss",
    "zeros": "timesteps without any gradient",
}
_GATE = "gate_"


def evidence_words(evidence: Mapping[str, float]) -> str:
    """Return the figures of a finding: "validation loss 0.151 · skill -0.02"."""
    return " · ".join(f"{_name(name)} {figure(value, 3)}" for name, value in evidence.items())


def _name(name: str) -> str:
    if name.startswith(_GATE):
        return f"share of the {name.removeprefix(_GATE).replace('_', ' ')} gate's values at their ends"
    return WORDS.get(name, name.replace("_", " "))
