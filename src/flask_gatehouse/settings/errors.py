"""What can go wrong with a configuration: everything at once."""

from ..kernel.errors import GatehouseError


class ConfigurationError(GatehouseError):
    """The configuration cannot be used.

    :param problems: one sentence for each mistake, each naming its setting and none holding a value.
    :param production: whether the rules of production were applied, which nobody may have meant: it is the default.
    """

    def __init__(self, problems: list[str], *, production: bool = False) -> None:
        super().__init__("Gatehouse cannot start:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems
        self.production = production
