"""What a run has recorded and the store has not taken yet: kept for this run alone, and tried again."""

from dataclasses import dataclass, field

from rnncore.runs.messages import Heard
from rnncore.runs.trouble import Trouble


@dataclass(slots=True)
class Held:
    """Messages of one run that go before all others of it. Times are monotonic.

    trouble: what is wrong with this run alone, where the store works for others. due: when to try again.
    """

    trouble: Trouble
    since: float
    messages: list[Heard] = field(default_factory=list)
    due: float = 0.0

    def note(self, error: BaseException, now: float) -> None:
        """Take down that the store does not take the messages of this run."""
        self.trouble.note(error)
        self.due = now + self.trouble.pause
