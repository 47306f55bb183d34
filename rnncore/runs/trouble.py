"""Trouble with the store that may pass: since when, what it is, and when to try again."""

import logging

from rnncore.runs.clock import Clock

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
MENTIONED_S = 2.0  # trouble that is over sooner is not worth a word


class StoreTrouble(Exception):  # noqa: N818 - it says what is wrong
    """A command that could not be written down, and was not carried out; the message is one plain sentence."""


class Trouble:
    """What the scheduler knows of the store's trouble; `since` is None while there is none.

    run: whose trouble it is where the store works for all others, '' where it is everybody's.
    """

    def __init__(self, clock: Clock, run: str = "") -> None:
        self._clock, self._run = clock, run
        self.since: float | None = None
        self.reason = ""
        self._tries = 0

    def note(self, error: BaseException) -> None:
        """Take down that the store could not be used."""
        self.reason = str(error)
        self._tries += 1
        if self.since is None:
            self.since = self._clock.monotonic()
            what = f"the run store cannot take in run {self._run}" if self._run else "the run store cannot be used"
            logger.warning("%s: %s", what, error, extra={"event": "store_trouble", "run": self._run})

    def over(self) -> None:
        """Take down that something has been written."""
        if self.since is not None:
            facts = {"event": "store_works"}
            logger.warning("the run store can be used again after %.1f seconds", self.seconds, extra=facts)
            self.since, self._tries = None, 0

    @property
    def seconds(self) -> float:
        """How long it has lasted by now."""
        return 0.0 if self.since is None else self._clock.monotonic() - self.since

    @property
    def pause(self) -> float:
        """Seconds until it makes sense to try again; 0 while there is no trouble."""
        return min(FIRST_PAUSE_S * 2 ** min(self._tries, 10), LONGEST_PAUSE_S) if self.since is not None else 0.0

    @property
    def sentence(self) -> str | None:
        """What is to be told of it, None where there is nothing."""
        if self.seconds < MENTIONED_S:
            return None
        if self._run:
            return (
                f"The run store cannot keep this run at this moment ({self.reason}); its training waits until it can."
            )
        return f"The run store cannot be written at this moment ({self.reason}); training waits until it can."
