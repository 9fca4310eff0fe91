"""How a case is compiled: a line of its text, so that it travels and is reduced as all of it is.

    line("parallel")        # "switches = {'tiers': False, 'parallel': 0, 'num_threads': 2}"

Code without vectors takes half as long to make, so there is more of it: what the frontend and the
passes do wrong is found as well with it.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

from hotloop import config

MODES: dict[str, tuple[float, dict[str, Any]]] = {
    "plain": (5.0, {"opt": 0, "tiers": False}),
    "good": (3.0, {"tiers": False}),
    "tiers": (1.0, {"tiers": True}),        # the calls are made again when the good code is there
    "parallel": (1.0, {"tiers": False, "parallel": 0, "num_threads": 2}),
    "fast": (1.0, {"tiers": False, "fastmath": True}),      # floats are compared to rounding
}
"""Name -> (how often, switches of `hotloop.config`)."""


def draw(rnd: random.Random, modes: Sequence[str]) -> str:
    return rnd.choices(modes, [MODES[mode][0] for mode in modes])[0]


def line(mode: str) -> str:
    return f"switches = {MODES[mode][1]}\n"


@contextlib.contextmanager
def switched(switches: dict[str, Any]) -> Iterator[None]:
    """The switches have these values in the block."""
    kept = {name: getattr(config, name) for name in switches}
    try:
        for name, value in switches.items():
            setattr(config, name, value)
        yield
    finally:
        for name, value in kept.items():
            setattr(config, name, value)
