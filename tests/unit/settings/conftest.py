"""Loading settings as a process would, in a folder of its own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from flask_gatehouse.settings import ConfigurationError, Settings

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(environ: Mapping[str, str], config: Mapping[str, Any] | None = None, **options: Any) -> Settings:
        return Settings.load(config, environ, directory=tmp_path, **options)

    return load


@pytest.fixture
def problems(load: Load) -> Callable[..., list[str]]:
    def problems(environ: Mapping[str, str], config: Mapping[str, Any] | None = None) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load(environ, config)
        return caught.value.problems

    return problems
