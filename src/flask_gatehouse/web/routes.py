"""What one line of the URL table says."""

from collections.abc import Mapping
from dataclasses import dataclass

from .decorators import View
from .limits import Limit
from .permissions import Permission

# A view with this attribute is for machines that watch this one.
PROBE = "_gatehouse_probe"


@dataclass(frozen=True, slots=True)
class Route:
    """One address.

    :param may: who may enter, for each method; there is no default.
    :param confirmed: the methods that need a fresh confirmation besides.
    :param pages: the methods that answer with a page alone; a program that asks them for JSON is told so.
    :param download: the answer is a file, so that the page before it stays on the screen: the endpoint of that page.
    :param background: pages call it by themselves, so that it keeps nobody signed in.
    :param limit: how often each caller may use it.
    :param insists: methods that are refused while the nodes cannot count together how often.
    :param probe: machines ask for it again and again beside the proxy: without a limit, and also by http.
    :param development: only in development.
    """

    rule: str
    endpoint: str
    view: View
    may: Mapping[str, Permission]
    confirmed: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    download: str | None = None
    background: bool = False
    limit: Limit = Limit.GENERAL
    insists: tuple[str, ...] = ()
    probe: bool = False
    development: bool = False

    def __post_init__(self) -> None:
        if not self.may:
            raise ValueError(f"{self.rule} does not say who may enter")
        if not {*self.confirmed, *self.pages} <= set(self.may):
            raise ValueError(f"{self.rule} says something of methods that it does not take")
