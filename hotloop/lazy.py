"""Modules that are loaded when they are first used.

    text = lazy.module("hotloop.ir.text")       # at the top of a file, among its imports
    text.show(program)                          # loads it

For what most programs never need: texts to look at, verifiers, the stand-ins of rare functions. An
attribute costs 1 us more than a module's own. The test of the layers takes the calls for imports.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


class Module:
    """Stands for a module; its attributes are the module's."""

    __slots__ = ("_name",)

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)

    def __repr__(self) -> str:
        return f"<lazy {self._name}>"


def module(name: str) -> Any:
    """The module of that full name, loaded at the first use of an attribute."""
    return Module(name)


_loaded: set[str] = set()


def load(found: Any) -> bool:
    """Load what `module` gave, for what loading it does. False: it had been loaded."""
    if found._name in _loaded:
        return False
    import_module(found._name)           # waits for another thread that is about it
    _loaded.add(found._name)
    return True


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection meanwhile, and what was made is old at once. What imports make stays:
    to look through it time and again takes a sixth of the import, once at the end a tenth."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            if not gc.get_freeze_count():     # else what the program, or Python 3.12, froze thaws
                gc.freeze()
                gc.unfreeze()                 # the two put everything into the oldest generation
            gc.enable()
