"""Where people look at a lab: in a notebook, in the app, in what logs their other numbers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from rnncore.watching.record import WatchRecord

if TYPE_CHECKING:
    from torch import Tensor

    from rnncore.reading import Reading
    from rnncore.watching.notebook import Live
    from rnncore.watching.publishing import Publisher


class Shown:
    """The part of a lab that shows it elsewhere: each way is a listener of its records."""

    publisher: "Publisher | None" = None  # what sends the records to the app
    _live: "Live | None" = None

    def listen(self, listener: Callable[[WatchRecord], None]) -> None:
        """Call `listener` with every record that is complete."""
        raise NotImplementedError

    @property
    def address(self) -> str | None:
        """Where the app shows the runs, in words; None where they are not sent there or have not begun."""
        return self.publisher.address if self.publisher else None

    def _repr_html_(self) -> str:
        from rnncore.watching.notebook import html

        return html(self)  # type: ignore[arg-type]

    def live(self) -> Self:
        """Draw the lab in this cell of a notebook, again and again while it records. Raises RuntimeError elsewhere."""
        from rnncore.watching.notebook import Live

        self._live = Live(self)  # type: ignore[arg-type]
        self.listen(self._live)
        return self

    def inspect(
        self,
        instrument: str,
        *inputs: Any,
        module: str | None = None,
        reverse: bool = False,
        loss: "Callable[[Any], Tensor] | None" = None,
        layer: int | None = None,
        unit: int | None = None,
    ) -> "Reading":
        """Read an instrument of a module, with the weights of this moment, on what it reads of `model(*inputs)`.

        instrument: a key of `rnncore.on_demand.ON_DEMAND`. module: its name; by default the first one. reverse: its
        reverse direction. loss: makes a number of what the model answers, for instruments that take a gradient. layer,
        unit: of the instrument "unit". What was found stands in the reading's `said` and `arrays`, or in `undefined`
        why there is nothing; where the lab sends its records to the app, it is sent there too. Raises ValueError for
        what cannot be asked.
        """
        from rnncore.watching.inspecting import asked, inspect

        lab: Any = self
        ask = asked(lab, instrument, module, reverse, {"layer": layer, "unit": unit})
        found = inspect(lab, ask, inputs, loss)
        if self.publisher is not None:
            self.publisher.show(ask, found)
        return found

    def log_to(self, writer: Any, prefix: str = "rnn/") -> Self:
        """Log the numbers of every record: to a TensorBoard writer (`add_scalar`), or to what has `log(dict)`.

        Names begin with `prefix`: loss and norms, and of each layer the gradient at the first and at the last
        timestep, and the first over the last. Raises TypeError for anything else.
        """
        from rnncore.watching.logs import Log

        self.listen(Log(writer, prefix))
        return self

    def say_it_is_over(self, error: BaseException | None) -> None:
        """Draw the last state, and tell the app how the training ended. error: that which ended it, if one did."""
        if self._live is not None:
            self._live.draw()
        if self.publisher is not None:
            self.publisher.finish(error)
