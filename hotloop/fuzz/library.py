"""Single calls of NumPy's public functions, their arguments made up from the parameters' names.

    program(random.Random(7))       # "def f(a, b, m, k, x):\\n    return np.cumsum(m, axis=1)..."

The functions are those of `hotloop coverage`; wrong arguments are wanted too: errors must agree.
"""

from __future__ import annotations

import functools
import inspect
import random
import re
from typing import Any

import numpy as np

from hotloop.frontend import names
from hotloop.fuzz import inputs

OMITTED = re.compile(
    r"random\..*|.*(file|save|load|print|repr|str|dump|buffer|setfield|info|set.*|get_.*|show_.*|"
    r"mem.*|byte.*|test|resize|geterr.*|nditer|nested_iters|vectorize|frompyfunc|fromiter|from_dlpack"
    r"|genfromtxt|savetxt|asmatrix|bmat|require|errstate|tobytes|tolist|__.*|ctypes|data|base|flags|"
    r"busday.*|datetime.*|is_busday|isnat|may_share.*|shares_memory|apply_.*|flat|piecewise|select|block"
    r"|fromfunction|fromregex|fromstring|array2string|format_.*|empty.*|_.*|typename|einsum_path"
    r"|device|to_device|view|tofile|newbyteorder|astype|put|itemset|item|strides|mafromtxt)")
"""Not functions of numbers and arrays, or not determined by them."""

ARRAY = ("a", "a", "b", "m", "m", "m.T", "a[:, None]", "m[0]", "a[::-1]", "a[:0]", "x", "k",
         "m[None]", "np.stack((m, m))", "2", "1.5", "a > 0", "[1.0, 2.0]", "m[:, ::2]")
PARAMETERS: dict[str, tuple[str, ...]] = {
    "axis": ("0", "1", "-1", "None", "(0, 1)", "2"), "axes": ("None", "(1, 0)", "0", "1"),
    "axis1": ("0", "1"), "axis2": ("1", "0", "-1"), "keepdims": ("True", "False"),
    "dtype": ("float", "np.float32", "int", "complex", "np.int16", "bool"), "out": ("None",),
    "n": ("2", "k", "len(a)", "1"), "k": ("0", "1", "-1", "k"), "N": ("2", "k", "len(a)"),
    "M": ("2", "3"), "shape": ("len(a)", "(len(a), 2)", "-1", "(2, -1)"), "order": ("'C'",),
    "newshape": ("-1", "(1, -1)"), "shift": ("1", "k", "-2"), "repeats": ("2", "k", "0"),
    "reps": ("2", "(2, 1)", "k"), "indices": ("[0, -1]", "0", "k", "np.arange(2)"),
    "indices_or_sections": ("2", "[1]", "1"), "condition": ("a > 0", "m > 0", "a == b"),
    "mode": ("'clip'", "'wrap'", "'same'", "'full'", "'valid'", "'constant'"),
    "ddof": ("0", "1"), "decimals": ("0", "1", "2"), "bins": ("3", "[-1.0, 0.0, 1.5]"),
    "q": ("0.5", "[0.25, 0.5]", "50"), "side": ("'left'", "'right'"), "kind": ("'stable'",),
    "kth": ("0", "1", "k"), "initial": ("0", "1", "1.5"), "where": ("True", "a > 0", "m > 0"),
    "ord": ("None", "1", "2", "inf", "'fro'"), "offset": ("0", "1"), "deg": ("1", "2"),
    "minlength": ("0", "5"), "weights": ("None", "b"), "prepend": ("0", "k"), "append": ("1",),
    "start": ("0", "x", "k"), "stop": ("1", "5.0", "k"), "num": ("5", "k", "len(a)"),
    "endpoint": ("True", "False"), "retstep": ("True",), "fill_value": ("k", "x", "0.5", "a"),
    "source": ("0", "1"), "destination": ("1", "0"), "copy": ("True", "False"),
    "return_index": ("True",), "return_inverse": ("True",), "return_counts": ("True",),
    "arrays": ("(a, b)", "(m, m)", "[a, a, b]"), "tup": ("(a, b)", "(m, m)", "(a, m)"),
    "a_min": ("0", "None", "-0.5"), "a_max": ("2", "k", "x"), "min": ("0",), "max": ("2",),
    "pad_width": ("1", "(1, 2)", "k"), "increasing": ("True",), "full_matrices": ("False",),
    "choices": ("(a, b)", "[a, b, a]"), "left": ("0.0",), "right": ("1.0",), "rcond": ("None",),
    "subscripts": ("'ij,j->i'", "'ii'", "'ij->ji'", "'i,i->'"), "norm": ("None", "'ortho'"),
    "compute_uv": ("True", "False"), "hermitian": ("False",), "sep": ("''",), "UPLO": ("'L'",),
    "period": ("None", "4"), "xp": ("np.arange(len(a))",), "fp": ("b",), "dx": ("1.0", "0.5"),
    "v": ("b", "a", "0.5"), "x": ARRAY, "val": ("x", "0"), "values": ("b", "x", "k"),
    "obj": ("0", "k", "-1"), "like": ("None",), "subok": ("False",), "method": ("'linear'",),
    "dims": ("(3, 4)",), "dimensions": ("(2, 3)",), "edge_order": ("1",), "s": ("None",),
    "rowvar": ("True", "False"), "bias": ("True", "False"), "assume_unique": ("False",),
    "size": ("2",), "args": ("a, b", "m, m", "a"), "xi": ("a, b",), "varargs": ("a",),
    "ary": ARRAY, "sorter": ("None",), "return_inverse_": ("True",), "tol": ("None",),
    "nan": ("0.0", "1.5"), "posinf": ("None", "9.0"), "neginf": ("None",), "p": ("[1.0, 2.0]",),
    "density": ("False", "True"), "range": ("None", "(-1.0, 2.0)"), "base": ("2.0", "10.0"),
    "rtol": ("1e-5",), "atol": ("1e-8",), "equal_nan": ("True",), "correction": ("0", "1"),
}
BUILTIN = {      # of those that have no signature
    "arange": ("stop",), "dot": ("a", "b"), "vdot": ("a", "b"), "inner": ("a", "b"),
    "concatenate": ("arrays",), "where": ("condition", "a", "b"), "array": ("a",),
    "zeros": ("shape",), "ones": ("shape",), "asarray": ("a",), "bincount": ("a",),
    "lexsort": ("arrays",), "ascontiguousarray": ("a",), "asanyarray": ("a",),
    "copyto": ("a", "b"), "putmask": ("a", "condition", "b"), "can_cast": ("dtype", "dtype"),
    "promote_types": ("dtype", "dtype"), "result_type": ("a", "b"), "min_scalar_type": ("a",),
    "ravel_multi_index": ("arrays", "dims"), "unravel_index": ("indices", "dims"),
    "packbits": ("condition",), "unpackbits": ("a",), "c_einsum": ("subscripts", "a", "b"),
    "einsum": ("subscripts", "a", "b"), "correlate": ("a", "v"), "interp": ("x", "xp", "fp"),
    "fill": ("val",), "sort": (), "transpose": (), "reshape": ("shape",), "flatten": (),
    "swapaxes": ("axis1", "axis2"), "copy": (), "conj": (), "conjugate": ()}
USUAL = ("f8", "f8", "f8", "i8", "f4", "c16", "?", "i4", "u1")


@functools.cache
def functions() -> tuple[tuple[str, str], ...]:
    """(name, "method" or "function") of what `hotloop coverage` knows; the unsupported ones are a
    check that they are refused."""
    found = []
    for name in names.coverage():
        last = name.rsplit(".", 1)[-1]
        if not OMITTED.fullmatch(last) and not OMITTED.fullmatch(name):
            found.append((name, "method" if name.startswith("ndarray.") else "function"))
    return tuple(found)


@functools.cache
def parameters(name: str, method: bool) -> tuple[tuple[str, bool], ...] | None:
    """((parameter, is it required?), ...); None: an attribute."""
    last = name.rsplit(".", 1)[-1]
    if method and not callable(getattr(np.ndarray, last)):
        return None
    function: Any = np
    for part in (last if method and hasattr(np, last) else name).split("."):
        function = getattr(function, part)
    if isinstance(function, np.ufunc):
        found = [(letter, True) for letter in "ab"[:function.nin]] + [
            ("dtype", False), ("out", False), ("where_", False)]
    else:
        try:
            signature = inspect.signature(function)
        except ValueError:
            required = BUILTIN.get(last, ("a", "axis"))
            return tuple((p, True) for p in required)
        found = [("*" + p.name if p.kind == p.VAR_POSITIONAL else p.name,
                  p.default is p.empty and p.kind != p.KEYWORD_ONLY)
                 for p in signature.parameters.values() if p.kind != p.VAR_KEYWORD]
        found = [(name, needed) for name, needed in found
                 if name.lstrip("*") in PARAMETERS or needed or name.startswith("*")]
    return tuple(found[1:] if method and found and found[0][1] else found)


def call(rnd: random.Random) -> str:
    """One call, as text."""
    return call_of(rnd, *rnd.choice(functions()))


def call_of(rnd: random.Random, name: str, how: str) -> str:
    """A call of this function or method."""
    method = how == "method"
    wanted = parameters(name, method)
    last = name.rsplit(".", 1)[-1]
    subject = rnd.choice(("a", "m", "b", "m.T", "a[::-1]", "(a + b)", "m[0]"))
    if wanted is None:
        return f"{subject}.{last}"
    given = []
    for parameter, needed in wanted:
        parameter = parameter.lstrip("*")
        value = rnd.choice(PARAMETERS.get(parameter, ARRAY))
        if needed:
            given.append(value)
        elif rnd.random() < 0.25 and not parameter.endswith("_"):
            given.append(f"{parameter}={value}")
    if last == "searchsorted":                     # which is for sorted arrays
        subject = f"np.sort({subject})"
        given[:1] = given[:1] if method else [f"np.sort({given[0]})"]
    return f"{subject if method else 'np'}.{last if method else name}({', '.join(given)})"


def program(rnd: random.Random) -> str:
    """`f` and `calls` of a module."""
    dtypes = tuple(rnd.choice(USUAL) for _ in range(3))
    lines = [f"r = {call(rnd)}"]
    if rnd.random() < 0.2:
        lines = ["for i in range(3):", f"    r = {call(rnd)}", "    a += 1"]
    elif rnd.random() < 0.2:
        lines += [f"q = {call(rnd)}", "return r, q"]
    return _module(rnd, dtypes, [*lines, "return r"])


def program_of(rnd: random.Random, name: str) -> str:
    """The same for one call of the function `name`, on arrays of any dtypes."""
    dtypes = tuple(rnd.choice(inputs.DTYPES) for _ in range(3))
    return _module(rnd, dtypes, [f"return {call_of(rnd, name, dict(functions())[name])}"])


def _module(rnd: random.Random, dtypes: tuple[str, ...], lines: list[str]) -> str:
    body = "\n    ".join(inputs.calls(rnd, dtypes))
    function = "\n    ".join(["def f(a, b, m, k, x):", *lines])
    return f"\n{function}\n\n\ndef calls():\n    {body}\n"
