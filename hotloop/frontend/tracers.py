"""What user code sees while it is traced: `Scalar` and `Array`, and how they become atoms.

* A Python number, bool, None or string whose value is known stays itself. A `Scalar` is a number
  known at run time: an atom and a kind, PYTHON (a Python number: weak in promotion) or NUMPY.
* A `Widened` scalar has one of two kinds, told by a flag: `acc = 0` before a loop that may have no
  trips and adds floats.
* An `Array` is a mutable reference: a base (whose current value the open block knows) and the steps
  of a view. Storing through it gives the base a new value.

    y = x[1:]          Array(base of x, (Index("s"),))
    y[0] = 2.0         the base of x has a new value; x and y both see it

Functions for writers of NumPy functions: `lift`, `value`, `convert`, `fit`, `broadcast`, `wrap`,
`fresh`, `dims_of`, `dtype_of`, `is_weak`, `dim_of`, `as_int`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hotloop import lazy
from hotloop.errors import TypeInstabilityError
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import (
    CONTEXT,
    Builder,
    Redirect,
    cause,
    check,
    current,
    emit,
    fail,
    lit,
    staging,
    unsupported,
)
from hotloop.frontend.registry import METHODS, NUMPY, PROPERTIES, guarded
from hotloop.frontend.traced import NUMPY as NUMPY_KIND
from hotloop.frontend.traced import PYTHON
from hotloop.frontend.views import (
    Broadcast,
    Cast,
    Diagonal,
    Step,
    Transpose,
    Windows,
    cast,
    read,
    reshaped,
    same_steps,
    same_vars,
    written,
)
from hotloop.ir.core import PYTHON_DTYPES, Atom, Dim, Lit, Var
from hotloop.ir.types import BOOL, CODE_OF, F64, I64, U64
from hotloop.ops.table import MAX_OPERANDS

PYTHON_TYPES = {"b": bool, "i": int, "u": int, "f": float, "c": complex}
"""The Python type of a number by dtype kind."""

NUMBERS = (bool, int, float, complex, np.generic)


class Tracer:
    """Base of the values known at run time; `operators` adds the operators."""

    __slots__ = ()
    __array_priority__ = 1e6

    def __bool__(self) -> bool:
        raise staging("the truth value of a run-time value is needed while compiling",
                      "use it in an if, while, assert or conditional expression of plain code",
                      known_by(self))

    def __index__(self) -> int:
        raise staging("a run-time integer is needed as a Python int while compiling",
                      "index arrays with it, or pass it as a static argument", known_by(self))

    def __int__(self) -> int:
        raise staging("a run-time value is needed as a Python int while compiling",
                      "pass it as a static argument", known_by(self))

    def __float__(self) -> float:
        raise staging("a run-time value is needed as a Python float while compiling",
                      "use NumPy or math functions on it", known_by(self))

    def __complex__(self) -> complex:
        raise staging("a run-time value is needed as a Python complex while compiling",
                      "use NumPy functions on it", known_by(self))

    def __len__(self) -> int:
        raise staging("the length of a run-time array is needed while compiling",
                      "call len() in plain code, or pass it as a static argument", length_of(self))

    def __iter__(self) -> Any:
        raise staging("a run-time value is iterated over outside of a for statement",
                      "loop over it with a for statement", length_of(self))

    def __contains__(self, item: Any) -> bool:
        raise staging("membership in a run-time array is tested outside of plain code")

    def __format__(self, spec: str) -> str:
        raise staging("a run-time value is formatted as text",
                      "format it in a print, raise or assert statement")

    def __str__(self) -> str:
        return self.__format__("")

    def __reduce__(self) -> Any:
        raise staging("a run-time value is copied or pickled while compiling")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise staging("a run-time value is made into an array by code that is not compiled")

    def __hash__(self) -> int:
        raise staging("a run-time value is an element of a set or a key of a dict",
                      "use a list or an array")

    if TYPE_CHECKING:                       # `operators` adds these
        def __getitem__(self, index: Any) -> Any: ...
        def __setitem__(self, index: Any, new: Any) -> None: ...
        __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __getitem__
        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __getitem__
        __lt__ = __le__ = __gt__ = __ge__ = __getitem__

        def __neg__(self) -> Any: ...


def plain_repr(x: Tracer) -> str:
    """A tracer as a debugger shows it; user code never sees this."""
    if isinstance(x, Scalar):
        return f"<{x.kind} {x.atom.dtype} {x.atom!r}>"
    return f"<array {x.dtype} {list(x.dims)}>" if isinstance(x, Array) else object.__repr__(x)


def known_by(x: Tracer) -> Any:
    """The atom of a number; None for what has no value of its own."""
    return x.atom if isinstance(x, Scalar) else None


def length_of(x: Tracer) -> Any:
    """The first dimension of an array."""
    return x.dims[0] if isinstance(x, Array) and x.dims else None


class Scalar(Tracer):
    """A number known at run time: its atom and its kind (PYTHON or NUMPY)."""

    __slots__ = ("atom", "kind")

    def __init__(self, atom: Atom, kind: str = NUMPY_KIND):
        self.atom, self.kind = atom, kind

    @property
    def dtype(self) -> np.dtype:
        if self.kind == PYTHON:
            raise AttributeError(
                f"'{PYTHON_TYPES[self.atom.dtype.kind].__name__}' object has no attribute 'dtype'")
        return self.atom.dtype

    def __getattr__(self, name: str) -> Any:
        return attribute_of(self, name)



class Widened(Scalar):
    """A scalar of two possible kinds: if `flag` it is (kind, dtype of the atom), else
    (narrow_kind, narrow_dtype) of which the atom is the conversion; narrow_kind None is None."""

    __slots__ = ("flag", "narrow_dtype", "narrow_kind")

    def __init__(self, atom: Atom, kind: str, flag: Atom, narrow_kind: str | None,
                 narrow_dtype: np.dtype | None):
        super().__init__(atom, kind)
        self.flag, self.narrow_kind, self.narrow_dtype = flag, narrow_kind, narrow_dtype


class Base:
    """The identity of an array: something that can be stored to. `home` is the block it began in.

    `path`: it is an argument or captured. `contiguous`: in C order, `fortran`: in the opposite one;
    `laid_out`: it is in C order, but its arrays are views in an order of their own.
    `group`: bases of which it is unknown whether they share memory with it. `token`: alive while an
    Array refers to the base. `origin`: a choice of the arrays that it may be, of which it holds the
    content (a loop exchanges them), `partners`: the bases that hold the contents of all of them.
    `pinned`: its content at the end matters though no name may hold it.
    """

    __slots__ = ("contiguous", "dtype", "fortran", "group", "home", "laid_out", "origin",
                 "partners", "path", "pinned", "readonly", "shape", "stored", "token")

    def __init__(self, dtype: np.dtype, shape: tuple[Dim, ...], value: Atom | None):
        home = current()
        self.home, self.dtype, self.shape = home, dtype, shape
        self.path: Any = None
        self.contiguous, self.stored, self.pinned = True, False, False
        self.fortran, self.laid_out = False, False
        self.origin: Array | None = None
        self.partners: frozenset[Base] = frozenset()
        self.readonly = ""
        self.group: set[Base] = set()
        self.token: weakref.ref[Token] | None = None
        if value is not None:
            home.values[self] = value

    def read(self) -> Atom:
        found = current().current(self)
        return found.read() if isinstance(found, Redirect) else found

    def load(self, steps: tuple[Step, ...], view: Array) -> Atom:
        """What `steps` select, which is `view`."""
        return read(self.read(), steps)

    def store(self, steps: tuple[Step, ...], new: Atom) -> None:
        """Change what `steps` select."""
        builder = current()
        elsewhere = builder.redirect(self)
        if elsewhere is not None:
            elsewhere.store(steps, new)
        else:
            builder.values[self] = written(self.read(), steps, new) if steps else cast(
                new, self.shape)

    @property
    def memory(self) -> list[Base]:
        """The bases whose memory this is, one of them."""
        return [self]

    @property
    def live(self) -> bool:
        """Can anybody still see the content?"""
        return self.path is not None or (self.token is not None and self.token() is not None)


class Token:
    """Held by every Array of a base."""

    __slots__ = ("__weakref__",)


def may_share(a: Base, b: Base) -> None:
    """From here on it is unknown whether `a` and `b` share memory."""
    for p in a.memory:
        for q in b.memory:
            joined = p.group | q.group | {p, q}
            for base in joined:
                base.group = joined


class Array(Tracer):
    """A reference to an array or a view of one; `dims` are ints or Vars."""

    __slots__ = ("base", "dims", "steps", "token")

    base: Base
    steps: tuple[Step, ...]
    dims: tuple[Dim, ...]

    def __init__(self, base: Base, steps: Sequence[Step], dims: Sequence[Dim]):
        put = object.__setattr__
        put(self, "base", base)
        put(self, "steps", tuple(steps))
        put(self, "dims", tuple(dims))
        token = base.token and base.token()
        if token is None:
            token = Token()
            base.token = weakref.ref(token)
        put(self, "token", token)

    @property
    def dtype(self) -> np.dtype:
        return dtype_of(self)

    @property
    def ndim(self) -> int:
        return len(self.dims)

    @property
    def shape(self) -> tuple[Any, ...]:
        return tuple(map(as_int, self.dims))

    @property
    def size(self) -> Any:
        return as_int(dm.product(self.dims))

    def __getattr__(self, name: str) -> Any:
        return attribute_of(self, name)

    def __setattr__(self, name: str, new: Any) -> None:
        setter = PROPERTIES.get("set " + name)
        if setter is None:
            raise unsupported(f"assignment to the attribute {name!r} of an array")
        setter(self, new)

    def value(self) -> Atom:
        """The current content, as an atom of exactly `dims`."""
        return cast(self.base.load(self.steps, self), self.dims)

    def assign(self, new: Atom) -> None:
        """Store a value that broadcasts to the whole view; converts to the array's dtype."""
        self.write(broadcast_into(convert(new, self.dtype), self.dims))

    def write(self, new: Atom) -> None:
        """Store a value of exactly this dtype and these dimensions."""
        base = self.base
        if base.readonly:
            raise unsupported(base.readonly)
        if self.readonly:
            fail(ValueError, "assignment destination is read-only")
        if any(other is not base and other.live for other in base.group):
            raise unsupported("a store to an array that another name may or may not share "
                              "after a branch or loop", "use .copy() before it")
        base.stored = True
        base.store(self.steps, new)

    @property
    def readonly(self) -> bool:
        """Is it a view that NumPy gives read-only?"""
        return any(step.readonly for step in self.steps)

    def seen_by(self, builder: Builder) -> bool:
        """Does the view exist in a block: its base, indices and dimensions?"""
        return (self.base.home.encloses(builder) and all(map(builder.sees, self.dims))
                and all(builder.sees(a) for step in self.steps
                        for a in (*getattr(step, "operands", ()), *step.shape)))

    def same_view(self, other: object) -> bool:
        """Do both provably denote the same elements of the same array?"""
        return (isinstance(other, Array) and self.base is other.base
                and same_steps(self.steps, other.steps))

    def cast(self, dims: tuple[Dim, ...]) -> Array:
        """The same under dimensions that are known to be equal."""
        return self if same_vars(self.dims, dims) else self.view(Cast(dims))

    def along(self, steps: tuple[Step, ...]) -> Array:
        """The view by further steps."""
        return Array(self.base, (*self.steps, *steps), steps[-1].shape) if steps else self

    def view(self, step: Step) -> Array:
        """A further view."""
        return Array(self.base, (*self.steps, step), step.shape)

    @property
    def contiguous(self) -> bool:
        """Is it certainly in C order (so that a reshape is a view)?"""
        return self.base.contiguous and all(step.contiguous for step in self.steps)


class Flat(Array):
    """`x.flat`, an iterator of NumPy's: items of it are copies."""

    __slots__ = ()


def attribute_of(x: Scalar | Array, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    python = PYTHON_TYPES[x.atom.dtype.kind] if isinstance(x, Scalar) and x.kind == PYTHON else None
    real: type = python or (np.ndarray if isinstance(x, Array) else dtype_of(x).type)
    if not hasattr(real, name):
        shown = real.__name__ if python else "numpy.ndarray" if isinstance(x, Array) else str(
            x.dtype)
        raise AttributeError(f"'{shown}' object has no attribute '{name}'")
    if name in PROPERTIES:
        return PROPERTIES[name](x)
    if name in METHODS:
        method = METHODS[name]
        return BoundMethod(method if python else partial(guarded, getattr(real, name), method), x)
    if not python and callable(getattr(real, name)):
        return BoundMethod(partial(guarded, getattr(real, name), partial(_no_method, name)), x)
    raise unsupported(f"the attribute {name!r} of a{' number' if python else 'n array'}")


def _no_method(name: str, *args: Any, **keywords: Any) -> Any:
    raise unsupported(f"the method {name!r} of an array")


class BoundMethod:
    """A method of a tracer, looked up but not called yet."""

    __slots__ = ("function", "owner")

    def __init__(self, function: Any, owner: Tracer):
        self.function, self.owner = function, owner

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self.owner, *args, **kwargs)


# ---- questions

def is_tracer(x: Any) -> bool:
    return isinstance(x, Tracer)


def is_python_number(x: Any) -> bool:
    """A Python bool, int, float or complex (an IntEnum's member, too), known or traced."""
    return type(x) in PYTHON_DTYPES or isinstance(x, Scalar) and x.kind == PYTHON or (
        isinstance(x, int | float | complex) and not isinstance(x, np.generic))


is_weak = is_python_number


def is_number(x: Any) -> bool:
    return isinstance(x, (Scalar, *NUMBERS))


def dtype_of(x: Any) -> np.dtype:
    """The dtype of a tracer, array, NumPy scalar or Python number (int: int64)."""
    if type(x) in LIFTED:
        x = lift(x)
    if isinstance(x, Scalar):
        return x.atom.dtype
    if isinstance(x, Array):
        dtype = x.base.dtype
        for step in x.steps:
            if type(step).__name__ == "Part":
                dtype = dtype.type(0).real.dtype
        return dtype
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype
    if isinstance(x, bool):
        return BOOL
    for python, dtype in PYTHON_DTYPES.items():
        if isinstance(x, python):
            return dtype
    raise unsupported(f"a {type(x).__name__} where a number or array is needed")


def dims_of(x: Any) -> tuple[Dim, ...]:
    """The dimensions: ints and Vars; () for a scalar."""
    if isinstance(x, Array):
        return x.dims
    return lift(x).dims if isinstance(x, np.ndarray) or type(x) in LIFTED else ()


# ---- conversions

LIFTED: dict[type, Callable[..., Any]] = {}
"""Arrays for further kinds of values (lists of run-time length)."""


def lift(x: Any) -> Any:
    """A tracer or number for `x`: real arrays are captured, nested lists become arrays."""
    if type(x) in LIFTED:
        return LIFTED[type(x)](x)
    if isinstance(x, (Tracer, *NUMBERS)):
        return x
    if isinstance(x, np.ndarray):
        return current().state.session.captured(x)
    if isinstance(x, list | tuple | range):
        return NUMPY[np.array](x)
    raise unsupported(f"a {type(x).__name__} where a number or array is needed")


def value(x: Any) -> Atom:
    """The atom with the present value of anything `lift` accepts."""
    if isinstance(x, Scalar):
        return x.atom
    if isinstance(x, Array):
        return x.value()
    if isinstance(x, Var | Lit):
        return x
    if type(x) in PYTHON_DTYPES:
        return lit(x) if type(x) in (int, bool) else Lit(x)
    if isinstance(x, np.generic):
        if x.dtype not in CODE_OF:
            raise unsupported(f"a number of dtype {x.dtype}")
        return Lit(x)
    if isinstance(x, bool | int | float | complex):
        return Lit(x, dtype_of(x))
    lifted = lift(x)
    if lifted is x:                        # it stands for values that could not be joined
        raise getattr(x, "error", None) or unsupported(
            f"a {type(x).__name__} where a number or array is needed")
    return value(lifted)


def convert(atom: Atom, dtype: Any) -> Atom:
    """`atom` in another dtype, as astype does it."""
    dtype = np.dtype(dtype)
    if atom.dtype == dtype:
        return atom
    if dtype not in CODE_OF:
        raise unsupported(f"the dtype {dtype}", "use a native bool, int, float or complex dtype")
    if type(atom) is Lit:
        with np.errstate(all="ignore"):
            return Lit(np.asarray(atom.value).astype(dtype)[()])
    if atom.dtype.kind == "c" and dtype.kind not in "bc":
        cause("")                            # ComplexWarning: the imaginary part is discarded
    result, = emit("convert", [atom], [(dtype, atom.shape)], dtype=dtype)
    return result


def fit(x: Any, dtype: np.dtype) -> Atom:
    """The value of `x` in `dtype`; a Python int out of the range of `dtype` is an OverflowError."""
    if dtype.kind in "iu" and dtype != I64 and is_python_number(x):
        info = np.iinfo(dtype)
        message = f"Python integer {{}} out of bounds for {dtype}"
        if isinstance(x, Scalar):
            if x.atom.dtype == I64:
                n = dim_of(x)
                for op, limit in (("ge", info.min), ("le", min(info.max, dm.MAX))):
                    dm.require(op, n, int(limit), OverflowError, message, x.atom)
        elif type(x) is int:
            if not info.min <= x <= info.max:
                fail(OverflowError, message.format(x))
            return Lit(x, dtype)
    return convert(value(x), dtype)


def stored(x: Any, dtype: np.dtype, gathers: bool = False) -> Atom:
    """The value of `x` in the `dtype` of the array it is stored to: integers take a number as `int`
    does, with its errors. Only unsigned ones, and stores by index arrays (`gathers`), take a NumPy
    number as astype does."""
    if isinstance(x, Widened) and _kind_matters(x, dtype):
        x = narrowed(x)
    strict = isinstance(x, Scalar | np.generic) and dtype.kind == "i" and not gathers
    kind = dtype_of(x).kind if is_python_number(x) or strict else ""
    if kind == "c" and dtype.kind in "iuf" and is_python_number(x):
        what = "float() argument must be a string or" if dtype.kind == "f" else (
            "int() argument must be a string, a bytes-like object or")
        fail(TypeError, f"{what} a real number, not 'complex'")
    if strict and kind in "iu" and not is_python_number(x):
        _check_range(value(x), dtype)
    if dtype.kind in "iu" and kind == "f":
        number = convert(value(x), F64)
        if type(number) is Lit:
            whole = int(number.value)
            if not np.iinfo(dtype).min <= whole <= np.iinfo(dtype).max:
                fail(OverflowError, f"Python integer {whole} out of bounds for {dtype}"
                     if -2**63 <= whole < 2**63 else "Python int too large to convert to C long")
            return convert(number, dtype)
        _check_whole(number, dtype)
    return fit(x, dtype)


def _kind_matters(x: Widened, dtype: np.dtype) -> bool:
    """Are x's two kinds stored differently? Python's must be in range, NumPy's are cast."""
    return dtype.kind in "iu" and dtype != I64 and x.narrow_kind not in (None, x.kind)


def _check_range(number: Atom, dtype: np.dtype) -> None:
    """The errors of storing a NumPy integer to a signed integer."""
    info, given = np.iinfo(dtype), np.iinfo(number.dtype)
    if number.dtype == np.uint64:
        check(emit("le", [number, Lit(np.uint64(2**63 - 1))], [(BOOL, ())])[0], OverflowError,
              "Python int too large to convert to C long")
    wide = convert(number, I64)
    for op, limit, needed in (("ge", info.min, given.min < info.min),
                              ("le", info.max, given.max > info.max and dtype != I64)):
        if needed:
            check(emit(op, [wide, Lit(int(limit))], [(BOOL, ())])[0], OverflowError,
                  f"Python integer {{}} out of bounds for {dtype}", wide)


def _check_whole(number: Atom, dtype: np.dtype) -> None:
    """The errors of `int(number)`, and of an int that `dtype` can't hold."""
    def emitted(op: str, *atoms: Atom) -> Atom:
        return emit(op, list(atoms), [(BOOL, ())])[0]

    info = np.iinfo(dtype)
    check(emitted("eq", number, number), ValueError, "cannot convert float NaN to integer")
    size = emit("abs", [number], [(F64, ())])[0]
    check(emitted("lt", size, Lit(np.inf)), OverflowError,
          "cannot convert float infinity to integer")
    top = 2.0**64 if dtype == np.uint64 else 2.0**63
    check(emitted("and", emitted("ge", number, Lit(-2.0**63)), emitted("lt", number, Lit(top))),
          OverflowError, "Python int too large to convert to C long")
    if dtype != I64:
        low, high = float(info.min) - 1.0, float(info.max) + 1.0
        check(emitted("and", emitted("gt", number, Lit(low)), emitted("lt", number, Lit(high))),
              OverflowError, f"Python integer {{}} out of bounds for {dtype}",
              convert(number, I64))


def broadcast(atom: Atom, dims: tuple[Dim, ...]) -> Atom:
    """`atom` (whose dimensions equal those of `dims`, or are 1) with exactly `dims`."""
    shape = atom.shape
    if len(shape) == len(dims) and all(p is q or isinstance(p, int) and isinstance(q, int)
                                       and p == q for p, q in zip(shape, dims, strict=True)):
        return atom
    axes = tuple(range(len(dims) - len(shape), len(dims)))
    return emit("broadcast", [atom, *dims], [(atom.dtype, dims)], axes=axes)[0]


def broadcast_into(atom: Atom, dims: tuple[Dim, ...]) -> Atom:
    """As `broadcast`, after checking that NumPy lets `atom` be stored in an array of `dims`."""
    shape = atom.shape
    extra = len(shape) - len(dims)
    message, operands = _not_stored(shape, dims)
    if extra > 0:
        for d in shape[:extra]:
            dm.require_equal(d, 1, message, *operands)
        atom = reshaped(atom, shape[extra:])
        shape = atom.shape
    for a, b in zip(shape[::-1], dims[::-1], strict=False):
        if not (isinstance(a, int) and a == 1) and not dm.equal(a, b):
            same = dm.compare("eq", a, b)
            one = dm.compare("eq", a, 1)
            if one is False:
                check(same, ValueError, message, *operands)
                dm.assume(same, True)
            else:
                either, = emit("or", [lit(x) if isinstance(x, bool) else x for x in (same, one)],
                               [(BOOL, ())])
                check(either, ValueError, message, *operands)
    return broadcast(atom, dims)


def _not_stored(shape: tuple[Dim, ...], dims: tuple[Dim, ...]) -> tuple[str, list[Dim]]:
    """NumPy's message for a value that does not broadcast to where it is stored, its operands."""
    operands: list[Dim] = []

    def shown(part: tuple[Dim, ...]) -> str:
        operands.extend(d for d in part if isinstance(d, Var))
        texts = ["{}" if isinstance(d, Var) else str(d) for d in part]
        return f"({','.join(texts)}{',' * (len(part) == 1)})"
    message = f"could not broadcast input array from shape {shown(shape)} into shape {shown(dims)}"
    if len(operands) > MAX_OPERANDS:
        return "could not broadcast input array", []
    return message, operands


def fresh(atom: Atom) -> Array:
    """A new array with this content."""
    return Array(Base(atom.dtype, atom.shape, atom), (), atom.shape)


def wrap(atom: Atom) -> Scalar | Array:
    """What NumPy gives for a computed value: a NumPy scalar for rank 0, else a new array."""
    return fresh(atom) if atom.shape else Scalar(atom, NUMPY_KIND)


def keep_order(made: Any, operands: Sequence[Any]) -> Any:
    """`made`, a new array computed elementwise from `operands`: where the memory of one is not in
    the order of its axes, that of the new array may not be either. It is NumPy's if inputs in
    Fortran's order, or arrays made in one that was asked for, decide it. Of transposed arrays the
    new ones are in C order, for which most loops are written, but are not taken for it.
    """
    if isinstance(made, Array) and len(made.dims) > 1:
        turned = [x for x in operands if isinstance(x, Array) and len(x.dims) > 1 and not (
            x.base.contiguous and not any(isinstance(step, REORDERED) for step in x.steps))]
        if turned and all(x.base.fortran or x.base.laid_out for x in turned):
            return memory_order.like_operands(made, operands)
        if turned:
            made.base.contiguous = False
    return made


REORDERED = (Transpose, Broadcast, Diagonal, Windows)
memory_order = lazy.module("hotloop.frontend.memory_order")


def full(fill: Atom, dims: tuple[Dim, ...]) -> Atom:
    """An array filled with a scalar."""
    return emit("broadcast", [fill, *dims], [(fill.dtype, dims)], axes=())[0] if dims else fill


def iota(n: Dim, dtype: Any = I64) -> Atom:
    """0, 1, ..., n-1"""
    return emit("iota", [n], [(np.dtype(dtype), (n,))], dtype=np.dtype(dtype))[0]


def zero(dtype: Any) -> Lit:
    return Lit(np.dtype(dtype).type(0))


# ---- dimensions

def as_int(d: Dim) -> Any:
    """A dimension as user code sees it: an int or a PYTHON scalar."""
    return d if isinstance(d, int) else Scalar(d, PYTHON)


def dim_of(x: Any) -> Dim:
    """The dimension or index that the user's integer `x` is: an int or an i64 Var."""
    if type(x) is int:
        return x
    if isinstance(x, Widened):
        both_ints = x.narrow_dtype is not None and x.narrow_dtype.kind in "iu"
        x = Scalar(x.atom, x.kind) if both_ints else narrowed(x)
    if isinstance(x, Array) and not x.dims:
        x = Scalar(x.value(), NUMPY_KIND)
    if isinstance(x, Scalar):
        atom = x.atom
        if atom.dtype.kind not in ("iu" if x.kind != PYTHON else "iub"):
            name = PYTHON_TYPES[atom.dtype.kind].__name__ if x.kind == PYTHON else str(atom.dtype)
            raise TypeError(f"'{name}' object cannot be interpreted as an integer")
        if type(atom) is Lit:
            return int(atom.value)
        if atom.dtype == U64:
            fits, = emit("le", [atom, Lit(dm.MAX, U64)], [(BOOL, ())])
            check(fits, IndexError, "cannot fit 'numpy.uint64' into an index-sized integer")
        converted = convert(atom, I64)
        assert type(converted) is Var
        if converted is not atom and converted not in current().bounds:
            low, high = (0, 1) if atom.dtype == BOOL else _limits(atom.dtype)
            dm.bound(converted, low, high)
        return converted
    if isinstance(x, Var):
        return x
    if isinstance(x, Array):
        raise TypeError("only integer scalar arrays can be converted to a scalar index")
    return int(x.__index__()) if hasattr(x, "__index__") else _not_an_int(x)


def _limits(dtype: np.dtype) -> tuple[int, int]:
    info = np.iinfo(dtype)
    return max(int(info.min), dm.MIN), min(int(info.max), dm.MAX)


def _not_an_int(x: Any) -> int:
    raise TypeError(f"'{type(x).__name__}' object cannot be interpreted as an integer")


def dims_from(shape: Any) -> tuple[Dim, ...]:
    """The dimensions of a shape argument: an integer or a sequence of them, checked >= 0."""
    sizes = shape if isinstance(shape, tuple | list) else (shape,)
    result = tuple(map(dim_of, sizes))
    for d in result:
        dm.require("ge", d, 0, ValueError, "negative dimensions are not allowed")
        if isinstance(d, Var):
            dm.bound(d, 0)
    return result


EXACT = 2**53
"""Every int of at most this magnitude is a float64."""


def exact_int(flag: Atom, wide: Atom) -> None:
    """Check that a float that stands for an int unless `flag` holds is exact."""
    size, = emit("abs", [convert(wide, np.float64)], [(np.dtype(float), ())])
    small, = emit("le", [size, Lit(float(EXACT))], [(BOOL, ())])
    ok, = emit("or", [flag, small], [(BOOL, ())])
    check(ok, TypeInstabilityError,
          "an int beyond 2**53 in a variable that is a float on another path")


class KindMatters(BaseException):
    """An operation depends on which kind a Widened number is; `truth.exactly` does both."""

    def __init__(self, number: Widened):
        super().__init__()
        self.number = number


def narrowed(x: Widened) -> Scalar:
    """`x` where its kind matters: inside of `truth.exactly` the operation is done for each kind,
    else it is the wide kind, checked."""
    if CONTEXT.splitting:
        raise KindMatters(x)
    from_kind = "None" if x.narrow_kind is None else f"{x.narrow_kind} {x.narrow_dtype}"
    check(x.flag, TypeInstabilityError, f"a variable that is {from_kind} on one path and "
          f"{x.kind} {x.atom.dtype} on another is used where its type matters")
    return Scalar(x.atom, x.kind)
