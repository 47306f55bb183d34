"""At what pace the messages of pages' sockets are taken: each can make Streamlit run a page's script."""

import asyncio
from weakref import WeakValueDictionary

from starlette.types import Message, Receive

OF_SOCKET = 20.0, 60.0  # messages a second, once so many have come in a row
OF_ADDRESS = 30.0, 90.0  # of all sockets of one network address together, which take turns


class Allowance:
    """So many messages a second, once a burst of them has come."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, asyncio.get_running_loop().time()

    def take(self) -> float:
        """Take one message; return after how many seconds it is its turn."""
        now = asyncio.get_running_loop().time()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - 1
        self._at = now
        return max(0.0, -self._left / self._rate)


_of_address: WeakValueDictionary[str, Allowance] = WeakValueDictionary()


class Pace:
    """Receives the messages of one socket, later than they come if they come too fast."""

    def __init__(self, receive: Receive, address: str) -> None:
        self._receive = receive
        shared = _of_address.get(address)
        if shared is None:
            shared = _of_address[address] = Allowance(*OF_ADDRESS)
        self._allowances = Allowance(*OF_SOCKET), shared

    async def __call__(self) -> Message:
        """Return the next message."""
        message = await self._receive()
        delay = max(allowance.take() for allowance in self._allowances)
        if delay > 0:
            await asyncio.sleep(delay)
        return message
