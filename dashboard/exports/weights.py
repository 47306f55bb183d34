"""The weights of a run as a safetensors file."""

from safetensors.numpy import save

from dashboard.experiment.configs import config_of
from rnncore.runs.store.store import Store, StoredRun
from rnncore.weights import checkpoint_weights


def weights_file(store: Store, run: StoredRun) -> bytes | None:
    """Return the weights of the run's newest checkpoint as safetensors, None while there is none.

    That of a run which has ended holds its last weights; of one that diverged, the last finite ones. The names are
    those of `SequenceModel.state_dict()`; those that begin with `recurrent.` fit torch.nn where it has the same cell.
    The file's metadata says after which step.
    """
    checkpoint = store.load_checkpoint(run.id)
    if checkpoint is None or run.info is None:
        return None
    step, content = checkpoint
    model = config_of(run).model
    weights = checkpoint_weights(content, model, run.info["input_size"], run.info["output_size"])
    return save(weights, {"step": str(step), "cell": model.cell})
