"""`hallbench explain N07` (or J8): what a fault does, its parameters; what an invariant holds a program to."""

from __future__ import annotations

import click

from bench.cli.exit_codes import ExitCode


@click.command()
@click.argument("name", required=False)
@click.pass_context
def command(ctx: click.Context, name: str | None) -> None:
    """Explain a fault or an invariant of the judge by NAME or id (bit_flip, N07; ghosts, J8); without one, list all."""
    from bench.faults.catalogue import CATALOGUE, find, nearest
    from bench.faults.explain import explained
    from bench.judge import explain as judged
    from bench.judge.invariants import INVARIANTS

    if name is None:
        width = max(map(len, CATALOGUE))
        for row in CATALOGUE.values():
            click.echo(f"  {row.id}  {row.name:<{width}}  {row.does}")
        click.echo("")
        for invariant in INVARIANTS:
            click.echo(f"  {invariant.letter:<3}  {invariant.name:<{width}}  {invariant.claim}")
        return
    held_to = judged.find(name)
    if held_to is not None:
        click.echo(judged.explained(held_to))
        return
    found = find(name)
    if found is None:
        meant = nearest(name)
        click.echo(
            f"hallbench: there is no fault {name!r}"
            + (f". Did you mean {meant}?" if meant else "; `hallbench explain` lists them."),
            err=True,
        )
        ctx.exit(ExitCode.USAGE)
    click.echo(explained(found))
