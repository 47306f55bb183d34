"""A configuration as a program of its own: a plain torch script that does the same run without this package.

`script_of` writes it from `templates/script.py.jinja`; `script_files` returns what must lie beside it. Initial weights,
batches and their order are the same as in `rnncore.train`; the sums are done in another order, so that losses agree to
about 1e-6, not to the last bit.
"""

from rnncore.checks import check_run
from rnncore.config import TrainConfig
from rnncore.data import ReadFile, load_dataset, read_path
from rnncore.script.facts import Events, facts
from rnncore.script.files import files
from rnncore.script.rendering import render

__all__ = ["script_files", "script_of"]


def script_of(config: TrainConfig, read_file: ReadFile | None = None, events: Events = ()) -> str:
    """Return a Python script that does the run of `config` with torch, numpy and the standard library alone.

    It prints the losses as it trains, leaves the records of all steps in `history`, and shows how the gradient norms
    of the timesteps are measured. It computes on the CPU. The files that it reads are those of `script_files`.
    read_file: as for `rnncore.data.load_dataset`. events: settings that were changed while the run trained.

    Raises:
        DataError, ConfigError: the configuration cannot run, its data cannot be taken out of the lab, or it chooses
            something that there is no code for (the cell of a plugin).
    """
    dataset = load_dataset(config.data, read_file, config.mistake)
    check_run(config, dataset)
    return render("script.py.jinja", facts(config, dataset, events))


def script_files(config: TrainConfig, read_file: ReadFile | None = None) -> dict[str, bytes]:
    """Return name -> content of the files that must lie beside the script; none for most synthetic tasks.

    Raises DataError like `script_of`.
    """
    return files(config, load_dataset(config.data, read_file, config.mistake), read_file or read_path)
