"""Whoever acts is known without a request; outside of one it is the system itself."""

from contextvars import copy_context

from flask_gatehouse.kernel.context import SYSTEM, Actor, acting, current_actor
from flask_gatehouse.kernel.errors import DependencyUnavailable, GatehouseError


def test_outside_of_a_request_the_system_acts() -> None:
    assert acting() is SYSTEM


def test_a_request_names_its_actor_and_only_when_somebody_asks() -> None:
    asked: list[bool] = []
    ada = Actor(user_id=7, kind="user")

    def find() -> Actor:
        asked.append(True)
        return ada

    def request() -> Actor:
        current_actor.set(find)
        assert not asked
        return acting()

    assert copy_context().run(request) is ada
    assert acting() is SYSTEM


def test_a_missing_dependency_says_which_and_when_to_ask_again() -> None:
    error = DependencyUnavailable("database", retry_after=7)
    assert isinstance(error, GatehouseError)
    assert (error.dependency, error.retry_after) == ("database", 7)
