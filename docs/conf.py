"""How the documentation is built: `make docs`. Nothing is fetched; the reference is made from the code first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from bench import __version__  # noqa: E402

project = "hallbench"
author = "the hallbench authors"
copyright = "the hallbench authors, Apache-2.0"  # noqa: A001
version = release = __version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build", "generator", "README.md", "**/__pycache__"]
language = "en"

myst_enable_extensions = ["colon_fence", "attrs_block", "attrs_inline"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
highlight_language = "text"
pygments_style = "friendly"
pygments_dark_style = "native"
suppress_warnings = ["misc.highlighting_failure"]  # blocks show excerpts ("..."), which no lexer likes

html_theme = "furo"
html_title = f"hallbench {release}"
html_static_path = ["_static"]
html_css_files = ["house.css"]
html_favicon = "_static/board.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "light_logo": "board.svg",
    "dark_logo": "board.svg",
    "sidebar_hide_name": False,
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#9a3412",
        "color-brand-content": "#9a3412",
        "color-brand-visited": "#7c2d12",
        "font-stack": "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif",
        "font-stack--monospace": "'IBM Plex Mono', ui-monospace, 'SFMono-Regular', Menlo, Consolas, monospace",
    },
    "dark_css_variables": {
        "color-brand-primary": "#fdba74",
        "color-brand-content": "#fdba74",
        "color-brand-visited": "#fed7aa",
    },
}


def setup(app: Any) -> None:
    """Makes the reference before Sphinx looks for pages."""
    from generator.pages import write

    app.connect("config-inited", lambda _app, _config: write(HERE / "reference" / "made"))
