"""Is a compiled function like Python's? Compares values, kinds, mutation, errors."""

import copy
import dataclasses

import numpy as np

import hotloop
from hotloop import errors

ULPS = 4


def same(a, b, exact=False):
    """Raise AssertionError naming the first difference of two results."""
    assert type(a) is type(b), f"{type(a)} instead of {type(b)}: {a!r} instead of {b!r}"
    if isinstance(a, np.ndarray | np.generic):
        assert a.dtype == b.dtype, f"dtype {a.dtype} instead of {b.dtype}"
        assert a.shape == b.shape, f"shape {a.shape} instead of {b.shape}"
        if a.dtype.kind in "fc" and not exact:
            eps = np.finfo(a.dtype).eps
            scale = np.max(np.abs(b[np.isfinite(b)]), initial=0.0) if np.ndim(b) else np.abs(b)
            with np.errstate(all="ignore"):
                close = np.isclose(a, b, rtol=ULPS * 16 * eps,
                                   atol=float(scale) * eps * 64 if np.isfinite(scale) else 0,
                                   equal_nan=True)
            assert np.all(close), f"{a!r} instead of {b!r}"
        else:
            assert np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"), f"{a!r} instead of {b!r}"
    elif isinstance(a, float | complex):
        assert a == b or a != a and b != b or abs(a - b) <= 1e-13 * max(abs(a), abs(b)), (
            f"{a!r} instead of {b!r}")
    elif isinstance(a, tuple | list):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y, exact)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for k in a:
            same(a[k], b[k], exact)
    elif dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            same(getattr(a, field.name), getattr(b, field.name), exact)
    elif hasattr(a, "__dict__") and not callable(a):
        same(vars(a), vars(b), exact)
    else:
        assert a == b, f"{a!r} instead of {b!r}"


def outcome(function, args, kwargs):
    try:
        with np.errstate(all="ignore"):
            return "value", function(*args, **kwargs)
    except Exception as error:
        return "error", error


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
