"""Is a compiled function like Python's? Compares values, kinds, mutation, errors."""

import copy

import hotloop
from hotloop import errors
from hotloop.fuzz.cases import Case, load
from hotloop.fuzz.compare import outcome, same

__all__ = ["check", "define", "outcome", "same"]


def define(text, name):
    """The function `f` of a source text, which tracebacks and hotloop can read."""
    return load(Case("import math\nimport numpy as np\n" + text, name, 0))["f"]


def check(function, *args, jitted=None, exact=False, compiled=True, **kwargs):
    """Run plain and compiled on copies of the arguments and compare everything.

    With `compiled`, the call must really have run compiled code.
    """
    jitted = hotloop.jit(function, cache=False) if jitted is None else jitted
    mine, theirs = copy.deepcopy((args, kwargs)), copy.deepcopy((args, kwargs))
    kind, expected = outcome(function, *theirs)
    got_kind, got = outcome(jitted, *mine)
    if got_kind == "error" and (kind == "value" or isinstance(got, errors.HotloopError)):
        raise got
    assert got_kind == kind, f"{got!r} instead of {expected!r}"
    if kind == "error":
        assert type(got) is type(expected), f"{got!r} instead of {expected!r}"
        assert str(got) == str(expected), f"{got} instead of {expected}"
    else:
        same(got, expected, exact)
        same(mine[0], theirs[0], exact)
        same(mine[1], theirs[1], exact)
    if compiled:
        python = {k: n for k, n in jitted.cache_info().calls.items() if k.startswith("python")}
        assert not python, f"ran as Python: {python}"
    return jitted
