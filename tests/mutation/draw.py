"""Draws mutants of a module: sites by a named seed, and one of the mutations cosmic-ray knows for each site.

A site is a place in the source; an operator such as `+` alone has a dozen mutations, so that drawing mutants instead
of sites would look at the same few places again and again. Annotations are passed over: nothing reads them as the
program runs, so each mutant of one would survive.
"""

from __future__ import annotations

import ast
import random
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

Place = tuple[tuple[int, int], tuple[int, int]]


class Mutant(NamedTuple):
    """One mutation of one module: the operator's name, its occurrence, the line, and the mutated source."""

    module: str
    operator: str
    occurrence: int
    line: int
    source: str


def _annotations(source: str) -> list[Place]:
    """Where annotations stand: from (line, column) to (line, column), lines from 1."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            part = getattr(node, name, None)
            if isinstance(part, ast.AST):
                found.append(((part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)))
    return found


def sites(source: str) -> dict[Place, list[tuple[str, int]]]:
    """The sites of a source, in its order: place -> (operator, occurrence) of each mutation there."""
    tree, passed_over = get_ast(source), _annotations(source)
    found: dict[Place, list[tuple[str, int]]] = {}
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments():  # needs names of variables to put in: not used here
            continue
        operator = kind()
        places = [place for node in ast_nodes(tree) for place in operator.mutation_positions(node)]
        for occurrence, (start, end) in enumerate(places):
            if not any(first <= start and end <= last for first, last in passed_over):
                found.setdefault((start, end), []).append((name, occurrence))
    return dict(sorted(found.items()))


def draw(module: str, source: str, number: int, seed: str) -> tuple[list[Mutant], int]:
    """Up to `number` mutants of `module`, one a site, by `seed`; and how many sites there are.

    A greater number adds to what a smaller one draws.
    """
    known = sites(source)
    chance = random.Random(f"{seed}:{module}")
    order = [(place, chance.choice(known[place])) for place in chance.sample(list(known), len(known))]
    mutants = []
    for (start, _), (operator, occurrence) in order[:number]:
        mutated = mutate_code(source, get_operator(operator)(), occurrence)
        if mutated is not None and mutated != source:
            mutants.append(Mutant(module, operator.removeprefix("core/"), occurrence, start[0], mutated))
    return mutants, len(known)
