"""A blueprint whose addresses are met as they are written, or not at all."""

from typing import Any

from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from flask.sansio.app import App


class _ExactSetup(BlueprintSetupState):
    def add_url_rule(self, rule: str, *arguments: Any, **options: Any) -> None:
        # Flask would lead /users//3 to /users/3 for good, with a form's body, to whatever a caller says is the host.
        super().add_url_rule(rule, *arguments, merge_slashes=False, **options)


class ExactBlueprint(Blueprint):
    """A blueprint that leads no address with doubled slashes to the one without, its static files' neither."""

    def make_setup_state(
        self, app: App, options: dict[str, Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Return what adds the rules, in a host's map too."""
        return _ExactSetup(self, app, options, first_registration)
