"""How the documentation is built: ``make docs``. Whatever Sphinx warns of is an error."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

# Pages of the reference are filled by tools/documentation.
sys.path.insert(0, str(Path(__file__).parent.parent))

project = "Flask-Gatehouse"
project_copyright = "Flask-Gatehouse contributors"
release = version_of("Flask-Gatehouse")

extensions = ["myst_parser", "sphinx.ext.autodoc", "tools.documentation"]
exclude_patterns = ["_build"]

# [words](page.md#a-heading) leads to that heading.
myst_heading_anchors = 3
# What stands in a block without the name of a language is mostly a command, and not Python.
highlight_language = "text"

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["gatehouse.css"]
# The sources are in the repository.
html_copy_source = False
# The page is ours alone: furo's fonts are those of the reader's machine, and nothing is asked of anybody else.
_accent = {"light": "#3040a8", "dark": "#aab6ff"}
_coloured = (
    "color-brand-primary",
    "color-brand-content",
    "color-brand-visited",
    "color-api-name",
    "color-api-pre-name",
)
html_theme_options = {
    "light_css_variables": dict.fromkeys(_coloured, _accent["light"]),
    "dark_css_variables": dict.fromkeys(_coloured, _accent["dark"]),
    "footer_icons": [],
}
