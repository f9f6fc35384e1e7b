"""An end to every call, whatever the other side does."""

from collections.abc import Callable
from threading import Thread

from ..kernel.errors import DependencyUnavailable, GatehouseError

# Longer than the timeouts of a connection and of each pause in it, which end what is merely slow.
DEADLINE_S = 30.0


class _Errand(Thread):
    """A call on a thread of its own: no timeout of a socket ends a server that says one byte now and then."""

    def __init__(self, do: Callable[[], None], whom: str) -> None:
        super().__init__(name="gatehouse-errand", daemon=True)
        self.failure: GatehouseError | None = None
        self._do, self._whom = do, whom

    def run(self) -> None:
        try:
            self._do()
        except GatehouseError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 - the outermost line of a thread: what broke off was not told to anybody
            # Its name alone: the words of some hold an address that is a secret itself.
            self.failure = DependencyUnavailable(f"{self._whom} (the call broke off: {type(error).__name__})", 60)


def within_deadline(do: Callable[[], None], whom: str) -> None:
    """Do something that speaks to others; what takes too long is left alone, and may still arrive.

    :param whom: who is spoken to, in the operator's words.
    :raises DependencyUnavailable: if it takes longer than half a minute, if ``do`` raises it, or if it breaks off
        in a way that nobody has thought of.
    :raises GatehouseError: whatever else ``do`` raises.
    """
    errand = _Errand(do, whom)
    errand.start()
    errand.join(DEADLINE_S)
    if errand.is_alive():
        raise DependencyUnavailable(f"{whom} (it does not come to an end)", 60)
    if errand.failure is not None:
        raise errand.failure
