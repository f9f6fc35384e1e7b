"""What Sphinx does not know by itself about these pages."""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#]*)\)")


def keep_folders_as_words(app: Sphinx, name: str, content: list[str]) -> None:
    """Show the words of a link to a folder of the repository: a reader of the site has no such folder to open."""
    here = Path(app.env.doc2path(name)).parent
    content[0] = _LINK.sub(lambda link: link[1] if (here / link[2]).is_dir() else link[0], content[0])


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("source-read", keep_folders_as_words)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
