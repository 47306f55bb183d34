"""`watch`: gradients through time of a model that is not ours, beside its own training loop."""

import warnings

from torch import nn

from rnncore.watching.backward import WatchWarning
from rnncore.watching.lab import Lab
from rnncore.watching.pace import Pace


def watch(
    model: nn.Module,
    *,
    budget: float = 0.05,
    every: int | None = None,
    sample: int | None = None,
    batch_mean: bool = False,
    gates: bool = False,
    name: str | None = None,
    server: str | None = None,
    workspace: str | None = None,
) -> Lab:
    """Return a context in which the recurrent modules of `model` are watched while your own loop trains it.

        with watch(model, every=5) as lab:
            for x, y in loader:
                loss = criterion(model(x), y)
                loss.backward()
                lab.step(loss=loss, optimizer=optimizer)
                optimizer.step()

    Nothing changes for the training: outputs, gradients of parameters and random numbers are the same to the last bit.
    There is one exception, which is said: where a device does not tell the masks of dropout between a module's layers,
    recorded steps have other ones of the same chance.

    budget: recording may take at most this share of the time, from 0 to 1. every: record each n-th step instead, the
    first one included. sample: look at the first so many sequences of a batch alone. batch_mean: multiply gradients by
    the number of sequences, which takes the 1/B out of a loss that is a mean over the batch. gates: record the mean of
    each gate per timestep, and the share of saturated states, too.

    name: under which the app shows the runs, live and in its History; the program prints where. server: address of an
    app elsewhere that is to show them. workspace: whose runs they are to be, as the app's History tells it. While the
    app is away the training goes on as ever.

    Raises ValueError where one of these is out of range.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: {type(model).__name__} is no torch.nn.Module")
    if not 0 < budget <= 1:
        raise ValueError(f"budget: {budget!r} is not a share of the time above 0 and up to 1")
    for field, value in (("every", every), ("sample", sample)):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(f"{field}: {value!r} is not a whole number from 1")
    if name is None and (server is not None or workspace is not None):
        raise ValueError("name: a name is needed under which the app shows the runs")
    lab = Lab(model, Pace(budget, every), sample, batch_mean, gates)
    if name is not None and lab.modules:
        from rnncore.watching.publishing import Publisher  # only who shows runs pays for importing the store

        lab.publisher = Publisher(lab, name, server, workspace)
        lab.pace.beside = lab.publisher.seconds
        lab.listen(lab.publisher)
    for note in lab.notes:
        warnings.warn(note, WatchWarning, stacklevel=2)
    return lab
