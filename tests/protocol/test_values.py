"""Values cannot be changed: what a protocol gives out is as it was read."""

from __future__ import annotations

import dataclasses
import inspect
import pkgutil
from importlib import import_module

import pytest

import protocol

STATEFUL = {"protocol.escpos.settings.Settings"}
"""What a printer is set to changes with each command: it is state, not a value."""


def value_types() -> list[type]:
    modules = [import_module(info.name) for info in pkgutil.walk_packages(protocol.__path__, "protocol.")]
    classes = [(module, made) for module in modules for made in vars(module).values() if inspect.isclass(made)]
    return [
        made
        for module, made in classes
        if made.__module__ == module.__name__ and f"{made.__module__}.{made.__name__}" not in STATEFUL
        if dataclasses.is_dataclass(made)
    ]


@pytest.mark.parametrize("made", value_types(), ids=lambda made: f"{made.__module__}.{made.__name__}")
def test_a_value_cannot_be_changed(made: type) -> None:
    """Each dataclass of `protocol` is frozen and has slots: neither another value nor another name can be put in."""
    instance = object.__new__(made)
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        setattr(instance, dataclasses.fields(made)[0].name, 1)
    assert not hasattr(instance, "__dict__")
