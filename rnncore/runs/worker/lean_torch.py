"""A process that needs torch starts in less than half the time: torch's compiler stays unloaded."""

import gc
import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

_NAME = "torch._dynamo"
_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Stand(ModuleType):
    """Stands in for torch._dynamo as long as only what torch.optim asks of it in eager mode is needed.

    Every torch.optim optimiser imports the whole compiler to mark its methods as not to be compiled: 1.1 s of CPU and
    100 MB per process (torch 2.13). Whoever asks for anything else gets the real module.
    """

    def disable(self, function: _Function, *_: Any, **__: Any) -> _Function:
        """Return the function: nothing is compiled."""
        return function

    def graph_break(self, *_: Any, **__: Any) -> None:
        """Do nothing: there is no graph."""

    @property
    def __path__(self) -> Any:  # type: ignore[override]
        return self._real().__path__  # somebody imports a submodule

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def _real(self) -> ModuleType:
        import torch

        if sys.modules.get(_NAME) is self:
            del sys.modules[_NAME]
            del torch._dynamo
        return importlib.import_module(_NAME)


def load_torch() -> None:
    """Import torch, for one thread, and look for no garbage meanwhile: that is a sixth of the time of the import."""
    gc.disable()
    import torch

    leave_compiler_out()
    gc.freeze()  # what is loaded stays, so no later search looks at it again
    gc.enable()
    torch.set_num_threads(1)


def leave_compiler_out() -> None:
    """Put the stand-in in place, unless torch._dynamo is loaded already."""
    import torch

    if _NAME not in sys.modules:
        stand: Any = _Stand(_NAME)
        sys.modules[_NAME] = stand
        torch._dynamo = stand
