"""Commands and exit codes, from the click objects that run them."""

from __future__ import annotations

import click

from bench.cli.exit_codes import MEANING
from bench.cli.main import COMMAND, LazyGroup

from .text import code, fenced, flat, heading, table

__all__ = ["cli", "exit_codes"]


def _command(name: str, command: click.Command, context: click.Context, level: int) -> str:
    words = context.command_path
    page = heading(level, code(words), f"cli-{words.removeprefix('hallbench ').replace(' ', '-')}")
    page += fenced(f"{words} {' '.join(command.collect_usage_pieces(context))}", "text")
    for paragraph in (command.help or "").split("\n\n"):
        paragraph = paragraph.strip()
        if not paragraph:
            continue
        if paragraph.startswith("\b"):
            page += fenced(paragraph.removeprefix("\b").strip("\n"))
        else:
            page += f"\n{flat(paragraph)}\n"
    options = [record for param in command.get_params(context) if (record := param.get_help_record(context))]
    options = [(names, told) for names, told in options if "--help" not in names]
    if options:
        page += table(("option", "what it does"), [(code(names), flat(told)) for names, told in options])
    if command.epilog:
        page += fenced(command.epilog.replace("\b", "").strip())
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            below = command.get_command(context, part)
            if below is not None and not below.hidden:
                page += _command(part, below, click.Context(below, parent=context, info_name=part), level + 1)
    return page


def cli() -> str:
    """Every command with its arguments and options."""
    group = LazyGroup("hallbench")
    top = click.Context(group, info_name="hallbench")
    page = "# Commands\n\nResults go to stdout, progress and remarks to stderr. `--json` prints one object with"
    page += " `schema_version`. SCENARIO is a shipped name or a path."
    page += " [Exit codes](exit_codes.md) are the same everywhere.\n"
    page += table(
        ("command", "does"), [(f"[{code(name)}](#cli-{name})", flat(entry.summary)) for name, entry in COMMAND.items()]
    )
    for name in COMMAND:
        command = group.get_command(top, name)
        assert command is not None
        page += _command(name, command, click.Context(command, parent=top, info_name=name), 2)
    return page


def exit_codes() -> str:
    """The list that every command keeps to."""
    page = '# Exit codes\n\nOne list for every command. A crash never looks like a verdict: 1 is only ever "it ran, and'
    page += ' the verdict is bad".\n'
    page += table(("code", "name", "means"), [(code(int(c)), code(c.name), flat(told)) for c, told in MEANING.items()])
    return page
