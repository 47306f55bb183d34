"""The execution engines that RNNLAB_BACKEND may name; each is imported only when it is used."""

from dataclasses import dataclass

from rnncore.registry import Implemented, Registry
from rnncore.runs.backend.protocol import Backend
from rnncore.runs.settings import Settings, SettingsError, env_name


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendChoice(Implemented):
    """An execution engine; its implementation makes a `Backend` from Settings.

    install: how to get what it needs beside the product itself, as the end of a sentence.
    """

    install: str = ""


BACKENDS: Registry[BackendChoice] = Registry("execution engine")
BACKENDS.register(
    BackendChoice(
        key="local",
        title="Processes on this machine",
        help="Each run trains in a worker process of its own.",
        implementation="rnncore.runs.backend.local:LocalBackend",
    )
)
BACKENDS.register(
    BackendChoice(
        key="ray",
        title="A Ray cluster",
        help="Each run trains on one of the nodes of a cluster; one that dies costs no more than the last seconds.",
        implementation="rnncore.runs.backend.ray:RayBackend",
        install="install it with `pip install -r requirements-ray.txt`",
    )
)


def open_backend(settings: Settings) -> Backend:
    """Return the execution engine that the settings name. Raises SettingsError if there is none that works here."""
    choice = BACKENDS.get(settings.backend)
    if choice is None:
        allowed = ", ".join(repr(key) for key in BACKENDS)
        raise SettingsError(f"{env_name('backend')}: {settings.backend!r} is not allowed; allowed: {allowed}")
    try:
        create = choice.load()
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{env_name('backend')}: {settings.backend!r} needs the package '{error.name}', which is not installed here"
            + (f"; {choice.install}" if choice.install else "")
        ) from error
    backend: Backend = create(settings)
    return backend
