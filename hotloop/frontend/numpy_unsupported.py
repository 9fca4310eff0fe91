"""Functions and methods of NumPy that make no sense in compiled code, each with the reason.

    reason(np.savetxt)      "it reads or writes files"

All others can at least be called back (`numpy_fallback`). A function's reason is part of its error
message, and of what `hotloop coverage` prints.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

FILES = "it reads or writes files"
TEXT = "its result or argument is text"
DATES = "it is about dates"
STATE = "it reads or changes NumPy's settings"
MATRICES = "it makes an np.matrix, a subclass of ndarray"
OBJECTS = "its results are arrays of Python objects"
SHOWS = "it shows or tests the installation"
MEMORY = "it is about the memory and layout of an array"
RANDOM = "it depends on the state of a random generator"

REASONS = {
    FILES: ("load save savetxt savez savez_compressed loadtxt genfromtxt fromfile fromregex",
            "tofile dump dumps"),
    TEXT: ("array2string array_repr array_str format_float_positional format_float_scientific "
           "fromstring info", "tobytes"),
    DATES: ("busday_count busday_offset datetime_as_string datetime_data is_busday", ""),
    STATE: ("geterr seterr seterrcall geterrcall setbufsize getbufsize set_printoptions "
            "get_printoptions printoptions", "setflags"),
    MATRICES: ("asmatrix bmat", ""),
    OBJECTS: ("frompyfunc nested_iters", ""),
    SHOWS: ("show_config show_runtime test", ""),
    MEMORY: ("from_dlpack frombuffer shares_memory may_share_memory",
             "ctypes data base resize __dlpack__"),
}
"""Reason -> names of functions, and of methods and attributes of arrays."""


def _functions() -> Iterator[tuple[Any, str]]:
    for why, (functions, methods) in REASONS.items():
        for space, names in ((np, functions), (np.ndarray, methods)):
            for name in names.split():
                if hasattr(space, name):
                    yield getattr(space, name), why


_BY_ID = {id(f): (f, why) for f, why in _functions()}


def reason(f: Any) -> str:
    """Why NumPy's function or method `f` is not called from compiled code; "" if it is."""
    home = getattr(f, "__module__", None) or type(getattr(f, "__self__", None)).__module__
    if str(home).startswith("numpy.random") and home != "numpy":
        return RANDOM
    known = _BY_ID.get(id(f))
    return known[1] if known is not None and known[0] is f else ""
