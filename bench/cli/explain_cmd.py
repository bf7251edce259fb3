"""`hallbench explain N07`: what a fault does, its parameters, and what a real port shows of it."""

from __future__ import annotations

import click

from bench.cli.exit_codes import ExitCode


@click.command()
@click.argument("name", required=False)
@click.pass_context
def command(ctx: click.Context, name: str | None) -> None:
    """Explain a fault by NAME or id (bit_flip, N07); without one, list them all."""
    from bench.faults.catalogue import CATALOGUE, find, nearest
    from bench.faults.explain import explained

    if name is None:
        width = max(map(len, CATALOGUE))
        for row in CATALOGUE.values():
            click.echo(f"  {row.id}  {row.name:<{width}}  {row.does}")
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
