"""`hallbench explain N07` (J8, MBS-2.1-R2 ...): a fault, an invariant, a requirement or a case in full."""

from __future__ import annotations

import click

from bench.cli.console import Failure
from bench.cli.exit_codes import ExitCode


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """Explain a fault, an invariant, a requirement or a case by its NAME or id.

    Such as bit_flip or N07, ghosts or J8, MBS-2.1-R2, rtu.dev.crc-order. Without one, faults and invariants are listed
    (`hallbench check --list` has the cases).
    """
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
    if any(sign in name for sign in "-."):  # ids of compliance; faults and invariants have neither
        from bench.compliance import explain as tested

        cited = tested.find(name)
        if cited is not None:
            click.echo(tested.explained(cited))
            return
    found = find(name)
    if found is None:
        meant = nearest(name)
        if meant:
            raise Failure(f"there is no fault {name!r}", ExitCode.USAGE, f"did you mean {meant}?")
        told = f"there is no fault, invariant, requirement or case {name!r}"
        raise Failure(told, ExitCode.USAGE, "`hallbench explain` and `hallbench check --list` list them")
    click.echo(explained(found))
