"""What tracing a function gives: the Program and how to call it like the function.

A `Traced` says where the Program's parameters come from (`Input.path`), under which conditions it
may be used (`guards`, the inputs' own types), and how the function's result and side effects on
Python objects are put together from the Program's results (`result`, `writes`).

A *path* is a tuple of steps from a root to a value::

    (("arg", "x"),)                            the argument x (bound by parameter name)
    (("arg", "self"), ("attr", "weights"))     an attribute
    (("arg", "pair"), ("item", 0))             an item of a tuple, list or dict
    (("global", "SCALE"),)                     a global of the function `owner`
    (("cell", "k"),)                           a closed-over variable
    (("random_key",),)                         a fresh u64 for each call: the key of random draws
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.errors import Location
from hotloop.ir.core import Program
from hotloop.record import field, record

Path = tuple[tuple[Any, ...], ...]
Place = tuple[Path, Callable[..., Any] | None]

ARRAY, PYTHON, NUMPY = "array", "python", "numpy"
OBJECT, CAPSULE = "object", "capsule"
TEXT, BYTES = "str", "bytes"


@record
class Input:
    """Parameter k of the Program. `kind`: the address of an object, or that in a capsule (int64);
    an ndarray; the codes of a str or bytes (int32[n], of any n); a Python bool/int/float/complex
    (its dtype is bool/int64/float64/complex128); a NumPy scalar. Rank, static dimensions (ints,
    only size 1) and dimensions that must be equal (the same Var) are in the parameter's type.
    `contiguous`: C order, `fortran`: the opposite one, and not C's. `owner` is the function whose
    globals or cells a global or cell path starts from."""
    path: Path
    kind: str
    dtype: np.dtype
    rank: int
    contiguous: bool
    written: bool
    owner: Callable[..., Any] | None = None
    fortran: bool = False


@record
class Guard:
    """The Traced may be used only if the object at `path` is still `value` (identity, or equality
    of type and value for numbers, strings and tuples of such)."""
    path: Path
    value: Any
    owner: Callable[..., Any] | None = None


@record
class ScalarOut:
    """Result `k` of the Program as a Python (`PYTHON`) or NumPy (`NUMPY`) scalar."""
    k: int
    kind: str


@record
class WidenedOut:
    """A scalar of two possible kinds: result `flag` true: (`kind`) result `k`; false: result `k`
    converted back to `narrow_dtype` as `narrow_kind`, or None if `narrow_kind` is None."""
    flag: int
    k: int
    kind: str
    narrow_kind: str | None
    narrow_dtype: np.dtype | None


@record
class ArrayOut:
    """Result `k` of the Program, a fresh array (the same k twice: the same array object)."""
    k: int


@record
class InputOut:
    """The very object that came in at `path`."""
    path: Path
    owner: Callable[..., Any] | None = None


@record
class ViewOut:
    """A view of `base` (an ArrayOut or InputOut): `steps` applied in order, each one of
    ("index", codes): ints, slices, None, where a {"result": k} is result k;
    ("transpose", perm); ("reshape", dims); ("part", "real" or "imag");
    ("diagonal", offset); ("einsum", subscripts); ("broadcast", dims); ("windows", (size, axis))."""
    base: Any
    steps: tuple[Any, ...]


@record
class ChosenOut:
    """The tree `yes` if result `flag` is true, else `no`."""
    flag: int
    yes: Any
    no: Any


@record
class Container:
    """`make(items)` with items trees: tuple, list, dict (keys), NamedTuple, dataclass, ..."""
    make: Callable[[list[Any]], Any]
    items: tuple[Any, ...]


@record
class Constant:
    value: Any


@record
class Site:
    """A place that may cause NumPy's floating-point warnings of `kinds` (`ops.table.ZERO_DIVIDE`,
    ...), by the function `name`; `modes`: (kind as in np.errstate, mode) that the program itself
    sets there."""
    kinds: str
    name: str
    location: Location | None
    modes: tuple[tuple[str, str], ...]


@record
class Warned:
    """The warnings that calls may cause. `always`: each call does, whatever the processor's flags
    say; `repeatable`: Python may run the function again to give them (it draws and prints
    nothing); `loops`: it has loops or branches of its own."""
    sites: tuple[Site, ...]
    always: bool
    repeatable: bool
    loops: bool


@record(frozen=False)
class Traced:
    """`statics`: (path, value) of arguments frozen into the Program, compared by type and value.
    `functions`: every Python function whose source went into the Program (for the disk cache).
    `writes`: (path of a container, ("item", key), ("attr", name) or, for all of a dict, ("whole",
    None), tree) done after the call, in order: mutation of Python objects. `aliases`: pairs of
    (path, owner) that led to one mutable object, which tracing therefore made one tracer: they must
    do so again. `examples`: shapes of the inputs that were traced, from which the loop passes guess
    how often loops run. `frozen`: paths of numbers among the statics whose values tracing found to
    shape the Program. `warned`: None if there is nothing that NumPy would warn of. `transforms`:
    `transforms.expand` has to run."""
    program: Program
    inputs: list[Input]
    result: Any
    guards: list[Guard] = field(default_factory=list)
    statics: list[tuple[Path, Any]] = field(default_factory=list)
    functions: list[Callable[..., Any]] = field(default_factory=list)
    writes: list[tuple[Path, tuple[str, Any], Any]] = field(default_factory=list)
    aliases: list[tuple[Place, Place]] = field(default_factory=list)
    examples: list[tuple[int, ...]] = field(default_factory=list)
    frozen: tuple[Path, ...] = ()
    warned: Warned | None = None
    transforms: bool = False
