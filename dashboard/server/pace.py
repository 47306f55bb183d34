"""At what pace the messages of pages' sockets are taken: each can make Streamlit run a page's script."""

import asyncio
import math
from dataclasses import dataclass, field

from cachetools import LRUCache
from starlette.types import Message, Receive

Rate = tuple[float, float]  # messages a second, once so many have come in a row
OF_SOCKET: Rate = 15.0, 30.0
OF_ADDRESS: Rate = 30.0, 60.0  # of one network address or one member of a class (`client_of`), whose sockets take turns
OF_ALL: Rate = 40.0, 40.0  # of all addresses, which take turns
ADDRESSES = 10_000  # that are remembered


class Allowance:
    """So many messages a second, once a burst of them has come."""

    def __init__(self, rate: Rate) -> None:
        self._rate, self._burst = rate
        self._left, self._at = self._burst, -math.inf

    async def take(self) -> None:
        """Take one message when it is its turn."""
        now = asyncio.get_running_loop().time()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - 1
        self._at = now
        if self._left < 0:
            await asyncio.sleep(-self._left / self._rate)


@dataclass(slots=True)
class _Address:
    allowance: Allowance = field(default_factory=lambda: Allowance(OF_ADDRESS))
    next: asyncio.Lock = field(default_factory=asyncio.Lock)  # held by the one message that is next


class Paces:
    """The paces of all sockets of one server: who opens many of them, or leaves and comes again, gets no more."""

    def __init__(self) -> None:
        self._all = Allowance(OF_ALL)
        self._addresses: LRUCache[str, _Address] = LRUCache(ADDRESSES)

    def of_socket(self, receive: Receive, address: str) -> Receive:
        """Return what receives the messages of a socket, later than they come if they come too fast."""
        own = Allowance(OF_SOCKET)
        shared = self._addresses.setdefault(address, _Address())

        async def paced() -> Message:
            message = await receive()
            if message["type"] != "websocket.disconnect":
                await own.take()
                async with shared.next:
                    await shared.allowance.take()
                    await self._all.take()
            return message

        return paced
