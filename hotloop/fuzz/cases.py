"""A case: the text of a module with a function `f` and a generator `calls` of its arguments.

    case = generate("views", 7, ("plain", "good"))
    module = load(case)             # executed: `module["f"]`, `module["calls"]`

Text is all that travels: to the workers, through the reducer, into the file of a finding. A case
for a function of the user's has `f = function(file, name)` in place of a definition.
"""

from __future__ import annotations

import linecache
import random
import warnings
from collections.abc import Sequence
from typing import Any

from hotloop.fuzz import kinds, modes
from hotloop.record import record


@record
class Case:
    text: str
    kind: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.seed}"


def generate(kind: str, seed: int, choice: Sequence[str] = tuple(modes.MODES)) -> Case:
    """The program number `seed` of a kind, compiled in one of these modes."""
    text = kinds.program(random.Random(f"{kind}:{seed}"), kind)
    mode = modes.draw(random.Random(f"mode:{kind}:{seed}"), choice)
    return Case(f"{text}\n\n{modes.line(mode)}", kind, seed)


def numpy_call(name: str, seed: int) -> Case:
    """Call number `seed` of a function of NumPy."""
    rnd = random.Random(f"{name}:{seed}")
    return Case(f"{kinds.numpy_call(rnd, name)}\n\n{modes.line('plain')}", name, seed)


def load(case: Case) -> dict[str, Any]:
    """Execute the text; tracebacks and hotloop find its lines."""
    name = f"<{case.name}>"
    linecache.cache[name] = (len(case.text), None, case.text.splitlines(keepends=True), name)
    module: dict[str, Any] = {"__name__": "case"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        code = compile(case.text, name, "exec", dont_inherit=True)
    exec(code, module)
    return module


def forget(case: Case) -> None:
    linecache.cache.pop(f"<{case.name}>", None)
