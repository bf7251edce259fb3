"""What all pages have in common: one base template, one way of escaping, one way of carrying data.

Whatever a template prints is text: markup is escaped by Jinja2, and control characters, bidirectional marks and lone
surrogates are spelled out (`printable`). Only drawings and the data block are let through, and both are made here or by
`bench.reports.plots`. A page refers to no address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from bench import __version__
from bench.reports.wording import printable

TONE: Final[Mapping[str, str]] = {"HOLDS": "good", "VIOLATED": "bad"}
"""CSS class of a verdict; all others are "open"."""

TEMPLATES: Final = Path(__file__).parent / "templates"


@cache
def environment() -> jinja2.Environment:
    """The templates, with everything escaped and missing names an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _visible(value: object) -> object:
    """Every value that a template prints passes here, before it is escaped."""
    return printable(value, keep="\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value


def render(template: str, context: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """A page as text.

    Args:
        template: its file; it extends base.html.
        context: what it shows; `title`, `word`, `tone`, `sentence`, `meta` and `remarks` are the base's.
        data: what stands as JSON at its end; `schema_version` is put first.
    """
    block = script_json({"schema_version": 1, **data})
    return environment().get_template(template).render(**context, version=__version__, data=block)


def contents(context: Mapping[str, Any], sections: Sequence[tuple[str, str, str | None]]) -> list[tuple[str, str]]:
    """The bar of contents below the verdict: id and name of each section that the page has.

    Args:
        context: what the template shows.
        sections: id, name, and what has to be there for the section: a name of the context, a part of one
            ("charts.waits"), or None for one that every page has.

    Returns:
        What the base template takes as `contents`.
    """
    return [(ident, name) for ident, name, key in sections if key is None or _there(context, key)]


def _there(context: Mapping[str, Any], key: str) -> bool:
    name, _, part = key.partition(".")
    value = context[name]
    return bool(value.get(part) if part else value)


def script_json(value: Mapping[str, Any]) -> Markup:
    """JSON that cannot end the script block it stands in, and that has no letter a reader could not see."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


def store(path: Path, page: str) -> Path:
    """Write a page, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    partial = path.with_suffix(".partial")
    partial.write_text(page, encoding="utf-8", newline="\n")
    partial.replace(path)
    return path
