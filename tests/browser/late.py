"""Answers that are kept back, so that what a person does meanwhile comes in between for certain."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Request, Route, expect

Wanted = Callable[[Request], bool]
# An answer moves focus after what it says is on the screen.
COUNT_ANSWERS = """() => {
  const page = document.documentElement;
  page.dataset.answers = 0;
  document.addEventListener("htmx:finally:request", () => page.dataset.answers++);
}"""


@contextmanager
def meanwhile(
    page: Page, wanted: Wanted, press: Callable[[], object], *, done: bool = False
) -> Iterator[list[Request]]:
    """Press something, and do the body before its answer comes; yield what is kept back, as it grows.

    :param wanted: whose answers are kept back.
    :param done: let the server do it before the body, and keep back its answer alone.
    """
    asked: list[Request] = []
    waiting: list[Callable[[], None]] = []
    is_over = False

    def hold(route: Route) -> None:
        if is_over or not wanted(route.request):
            route.fallback()
            return
        answer = route.fetch() if done else None
        waiting.append(lambda: route.fulfill(response=answer) if answer else route.continue_())
        asked.append(route.request)

    page.route("**/*", hold)
    with page.expect_request(wanted):
        press()
    while not asked:
        page.wait_for_timeout(10)
    yield asked
    is_over = True
    for go_on in waiting:
        go_on()


def expect_answers(page: Page, count: int) -> None:
    """Wait until the page has done all that so many answers lead to, counted from the call of ``count_answers``."""
    expect(page.locator("html")).to_have_attribute("data-answers", str(count))


def count_answers(page: Page) -> None:
    page.evaluate(COUNT_ANSWERS)


def sends(method: str, end: str = "") -> Wanted:
    """Return what tells requests of this method whose address has this end."""
    return lambda request: request.method == method and request.url.endswith(end)
