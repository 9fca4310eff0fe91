"""The modules math and cmath on tracers: NumPy's function, Python's errors.

    math.sqrt(x)      check[ValueError, "math domain error"] not x < 0;  sqrt x

Results are Python numbers. A call without tracers is the real function.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.frontend.builder import check, emit, fail, unsupported
from hotloop.frontend.numpy_arrays import scalar_of
from hotloop.frontend.numpy_atoms import both, either, negate, op, select
from hotloop.frontend.numpy_elementwise import RULES
from hotloop.frontend.operators import binary
from hotloop.frontend.python_names import has_tracer, listed, python, python_type, whole
from hotloop.frontend.registry import call
from hotloop.frontend.tracers import (
    Array,
    as_int,
    convert,
    dim_of,
    is_python_number,
    value,
)
from hotloop.ir.core import Atom, Lit
from hotloop.ir.types import C128, F64, I64


def message_of(function: Callable[..., Any], *sample: Any) -> str:
    """What this Python says when `function` fails on the sample, {} for the operand it shows."""
    try:
        function(*sample)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        text = str(error).replace("{", "{{").replace("}", "}}")
        return text.replace(repr(sample[0]), "{}")
    raise AssertionError(f"{function} of {sample} is no error")


def real(x: Any) -> Atom:
    """A float argument, with Python's errors for what is none."""
    x = scalar_of(x)
    if isinstance(x, Array):
        fail(TypeError, "only 0-dimensional arrays can be converted to Python scalars"
             if np.lib.NumpyVersion(np.__version__) >= "2.4.0" else
             "only length-1 arrays can be converted to Python scalars")
    atom = value(x)
    if atom.dtype.kind == "c" and is_python_number(x):
        fail(TypeError, "must be real number, not complex")
    return convert(atom, F64)           # NumPy's complex numbers give their real part


def raises(ok: Atom, exception: type[BaseException], message: str, x: Atom) -> None:
    check(ok, exception, message, *([x] if "{}" in message else []))


Domain = Callable[[Atom], Atom]
"""Whether an operand is outside of the domain; NaN never is."""


def below(limit: float, strict: bool = True) -> Domain:
    return lambda x: op("lt" if strict else "le", x, Lit(limit))


def beyond(limit: float, strict: bool = True) -> Domain:
    return lambda x: op("gt" if strict else "ge", op("abs", x), Lit(limit))


def infinite(x: Atom) -> Atom:
    return op("isinf", x)


FUNCTIONS: tuple[tuple[str, str, Domain | None, Any, Any], ...] = (
    # name, ufunc rule or op, outside of the domain, a sample there, a sample that overflows
    ("sqrt", "sqrt", below(0.0), -1.5, None),
    ("cbrt", "cbrt", None, None, None),
    ("exp", "exp", None, None, 1e4),
    ("exp2", "exp2", None, None, 1e4),
    ("expm1", "expm1", None, None, 1e4),
    ("log2", "log2", below(0.0, strict=False), -1.5, None),
    ("log10", "log10", below(0.0, strict=False), -1.5, None),
    ("log1p", "log1p", below(-1.0, strict=False), -1.5, None),
    ("sin", "sin", infinite, math.inf, None),
    ("cos", "cos", infinite, math.inf, None),
    ("tan", "tan", infinite, math.inf, None),
    ("asin", "arcsin", beyond(1.0), 1.5, None),
    ("acos", "arccos", beyond(1.0), 1.5, None),
    ("atan", "arctan", None, None, None),
    ("sinh", "sinh", None, None, 1e4),
    ("cosh", "cosh", None, None, 1e4),
    ("tanh", "tanh", None, None, None),
    ("asinh", "arcsinh", None, None, None),
    ("acosh", "arccosh", below(1.0), 0.5, None),
    ("atanh", "arctanh", beyond(1.0, strict=False), 1.5, None),
    ("erf", "erf", None, None, None),
    ("erfc", "erfc", None, None, None),
    ("fabs", "fabs", None, None, None),
    ("degrees", "degrees", None, None, None),
    ("radians", "radians", None, None, None),
)


def _function(name: str, rule: str, outside: Domain | None, bad: Any, large: Any) -> None:
    native = getattr(math, name)
    domain_message = message_of(native, bad) if bad is not None else ""
    range_message = message_of(native, large) if large is not None else ""

    def stand_in(x: Any, /) -> Any:
        if not has_tracer(x):
            return native(x)
        atom = real(x)
        if outside is not None:
            raises(negate(outside(atom)), ValueError, domain_message, atom)
        result = RULES[rule](atom) if rule in RULES else op(rule, atom)
        if large is not None:
            overflow = both(op("isinf", result), op("isfinite", atom))
            raises(negate(overflow), OverflowError, range_message, atom)
        return python(result)
    call(native)(stand_in)


for _row in FUNCTIONS:
    if hasattr(math, _row[0]):
        _function(*_row)

LOG_MESSAGE = message_of(math.log, -1.5)


@call(math.log)
def log(x: Any, base: Any = None, /) -> Any:
    if not has_tracer([x, base]):
        return math.log(x) if base is None else math.log(x, base)
    result = natural_log(x)
    return result if base is None else binary("truediv", result, natural_log(base))


def natural_log(x: Any) -> Any:
    if not has_tracer(x):
        return math.log(x)
    atom = real(x)
    raises(op("not", op("le", atom, Lit(0.0))), ValueError, LOG_MESSAGE, atom)
    return python(op("log", atom))


POW_DOMAIN, POW_RANGE = message_of(math.pow, 0.0, -1.0), message_of(math.pow, 1e300, 2.0)
FMOD_MESSAGE = message_of(math.fmod, 1.0, 0.0)


@call(math.pow)
def pow_(x: Any, y: Any, /) -> Any:
    if not has_tracer([x, y]):
        return math.pow(x, y)
    a, b = real(x), real(y)
    zero = Lit(0.0)
    finite = both(op("isfinite", a), op("isfinite", b))
    fraction = op("ne", b, op("trunc", b))
    bad = either(both(op("lt", a, zero), fraction), both(op("eq", a, zero), op("lt", b, zero)))
    raises(negate(both(finite, bad)), ValueError, POW_DOMAIN, a)
    result = op("pow", a, b)
    raises(negate(both(finite, op("isinf", result))), OverflowError, POW_RANGE, a)
    return python(result)


@call(math.fmod)
def fmod(x: Any, y: Any, /) -> Any:
    if not has_tracer([x, y]):
        return math.fmod(x, y)
    a, b = real(x), real(y)
    bad = both(either(op("isinf", a), op("eq", b, Lit(0.0))),
               negate(either(op("isnan", a), op("isnan", b))))
    raises(negate(bad), ValueError, FMOD_MESSAGE, a)
    return python(op("fmod", a, b))


@call(math.remainder)
def remainder(x: Any, y: Any, /) -> Any:
    """IEEE 754 remainder: the quotient rounded to even."""
    if not has_tracer([x, y]):
        return math.remainder(x, y)
    a, b = real(x), op("abs", real(y))
    bad = both(either(op("isinf", a), op("eq", b, Lit(0.0))),
               negate(either(op("isnan", a), op("isnan", b))))
    raises(negate(bad), ValueError, FMOD_MESSAGE, a)
    size = op("abs", a)
    rest = op("fmod", size, b)
    other = op("sub", b, rest)
    even = op("eq", op("fmod", op("sub", size, rest), op("mul", Lit(2.0), b)), Lit(0.0))
    down = either(op("lt", rest, other), both(op("eq", rest, other), even))
    result = select(op("isinf", b), size, select(down, rest, op("neg", other)))
    return python(op("mul", result, op("copysign", Lit(1.0), a)))


def _binary(native: Callable[..., Any], name: str) -> None:
    def stand_in(x: Any, y: Any, /) -> Any:
        if not has_tracer([x, y]):
            return native(x, y)
        return python(op(name, real(x), real(y)))
    call(native)(stand_in)


_binary(math.atan2, "arctan2")
_binary(math.copysign, "copysign")


@call(math.hypot)
def hypot(*coordinates: Any) -> Any:
    if not has_tracer(list(coordinates)):
        return math.hypot(*coordinates)
    atoms = [real(x) for x in coordinates]
    result = op("abs", atoms[0])
    for a in atoms[1:]:
        result = op("hypot", result, a)
    return python(result)


@call(math.dist)
def dist(p: Any, q: Any, /) -> Any:
    if not has_tracer([p, q]):
        return math.dist(p, q)
    a, b = listed(p), listed(q)
    if len(a) != len(b):
        fail(ValueError, "both points must have the same number of dimensions")
    return hypot(*[binary("sub", x, y) if has_tracer([x, y]) else x - y
                   for x, y in zip(a, b, strict=True)])


def _test(name: str, module: Any, argument: Callable[[Any], Atom]) -> None:
    native = getattr(module, name)

    def stand_in(x: Any, /) -> Any:
        return python(op(name, argument(x))) if has_tracer(x) else native(x)
    call(native)(stand_in)


def _rounded(name: str) -> None:
    native = getattr(math, name)

    def stand_in(x: Any, /) -> Any:
        if not has_tracer(x):
            return native(x)
        x = scalar_of(x)
        atom = value(x)
        if name == "trunc" and not hasattr(python_type(x), "__trunc__"):
            fail(TypeError, f"type numpy.{atom.dtype} doesn't define __trunc__ method")
        if atom.dtype.kind in "biu":
            return whole(atom, convert(atom, I64) if atom.dtype.kind == "b" else atom)
        atom = real(x)
        return whole(atom, op(name, atom))
    call(native)(stand_in)


for _name in ("isnan", "isinf", "isfinite"):
    _test(_name, math, real)
for _name in ("floor", "ceil", "trunc"):
    _rounded(_name)


@call(math.modf)
def modf(x: Any, /) -> Any:
    if not has_tracer(x):
        return math.modf(x)
    return tuple(python(part) for part in RULES["modf"](real(x)))


@call(math.ldexp)
def ldexp(x: Any, i: Any, /) -> Any:
    """In two halves: 2**i alone may overflow where the result does not."""
    if not has_tracer([x, i]):
        return math.ldexp(x, i)
    a, n = real(x), convert(value(scalar_of(i)), I64)
    n = op("minimum", op("maximum", n, Lit(-2200)), Lit(2200))
    third = op("floor_divide", n, Lit(3))
    rest = op("sub", op("sub", n, third), third)

    def scale(k: Atom) -> Atom:
        return op("exp2", convert(k, F64))
    result = op("mul", op("mul", op("mul", a, scale(third)), scale(third)), scale(rest))
    raises(negate(both(op("isinf", result), op("isfinite", a))), OverflowError,
           message_of(math.ldexp, 1.0, 5000), a)
    return python(result)


@call(math.isclose)
def isclose(a: Any, b: Any, *, rel_tol: Any = 1e-09, abs_tol: Any = 0.0) -> Any:
    if not has_tracer([a, b, rel_tol, abs_tol]):
        return math.isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol)
    x, y, rel, tol = (real(v) for v in (a, b, rel_tol, abs_tol))
    for t in (rel, tol):
        check(op("not", op("lt", t, Lit(0.0))) if not isinstance(t, Lit) else Lit(
            bool(t.value >= 0)), ValueError, "tolerances must be non-negative")
    distance = op("abs", op("sub", y, x))
    near = either(either(op("le", distance, op("abs", op("mul", rel, y))),
                         op("le", distance, op("abs", op("mul", rel, x)))),
                  op("le", distance, tol))
    bounded = negate(either(op("isinf", x), op("isinf", y)))
    return python(either(op("eq", x, y), both(bounded, near)))


# ---- whole numbers

def whole_argument(x: Any) -> Atom:
    return value(as_int(dim_of(x)))


def _loop_function(native: Any, dtypes: tuple[str, ...]) -> Callable[..., Any]:
    """A function of numbers that Python itself computes at run time."""
    def stand_in(*args: Any) -> Any:
        if not has_tracer(list(args)):
            return native(*args)
        atoms = [real(x) if d == "f64" else whole_argument(x)
                 for x, d in zip(args, (dtypes[0],) * len(args), strict=True)]
        result, = emit("call_numpy", atoms, [(F64 if dtypes[1] == "f64" else I64, ())],
                       function=native, results=((dtypes[1], ()),))
        return python(result)
    return stand_in


for _name in ("gamma", "lgamma", "ulp", "nextafter"):
    call(getattr(math, _name))(_loop_function(getattr(math, _name), ("f64", "f64")))

for _name in ("factorial", "comb", "perm", "gcd", "lcm", "isqrt"):
    call(getattr(math, _name))(_loop_function(getattr(math, _name), ("i64", "i64")))


@call(math.prod)
def prod(iterable: Any, /, *, start: Any = 1) -> Any:
    if isinstance(iterable, Array):
        raise unsupported("math.prod of an array", "use np.prod")
    for x in listed(iterable):
        start = binary("mul", start, x) if has_tracer([start, x]) else start * x
    return start


# ---- cmath

def complex_argument(x: Any) -> Atom:
    return convert(value(scalar_of(x)), C128)


def _undefined(name: str, z: Atom) -> Atom | None:
    """Where cmath's function raises "math domain error"; None: nowhere."""
    re, im = op("real", z), op("imag", z)
    if name == "log":
        return op("eq", z, Lit(0j))
    if name in ("sin", "cos"):
        return both(op("isinf", re), negate(op("isnan", im)))
    if name == "sqrt":
        return None
    turned = both(op("isinf", im), negate(op("isnan", re)))
    return both(turned, op("ne", re, Lit(-math.inf))) if name == "exp" else turned


def _complex(name: str) -> None:
    native = getattr(cmath, name)

    def stand_in(z: Any, /, *base: Any) -> Any:
        if not has_tracer([z, *base]):
            return native(z, *base)
        if base:
            return binary("truediv", function_of(z), function_of(*base))
        return function_of(z)

    def function_of(z: Any) -> Any:
        atom = complex_argument(z)
        bad = _undefined(name, atom)
        if bad is not None:
            check(negate(bad), ValueError, message_of(cmath.log, 0))
        result = op(name, atom)
        check(either(negate(op("isinf", result)), negate(op("isfinite", atom))), OverflowError,
              "math range error")
        return python(result)
    call(native)(stand_in)


for _name in ("exp", "log", "sqrt", "sin", "cos", "sinh", "cosh"):
    _complex(_name)
for _name in ("isnan", "isinf", "isfinite"):
    _test(_name, cmath, complex_argument)


@call(cmath.phase)
def phase(z: Any, /) -> Any:
    if not has_tracer(z):
        return cmath.phase(z)
    atom = complex_argument(z)
    return python(op("arctan2", op("imag", atom), op("real", atom)))


@call(cmath.polar)
def polar(z: Any, /) -> Any:
    if not has_tracer(z):
        return cmath.polar(z)
    return python(op("abs", complex_argument(z))), phase(z)


@call(cmath.rect)
def rect(r: Any, phi: Any, /) -> Any:
    if not has_tracer([r, phi]):
        return cmath.rect(r, phi)
    size, angle = real(r), real(phi)
    zero = Lit(0.0)
    nothing, straight = op("eq", size, zero), op("eq", angle, zero)
    endless, unknown = op("isinf", size), op("isnan", angle)
    strayed = both(op("isinf", angle), negate(either(nothing, op("isnan", size))))
    raises(negate(strayed), ValueError, message_of(cmath.rect, 1.0, math.inf), size)
    # what the C standard says of what is not finite
    lost = both(nothing, negate(op("isfinite", angle)))
    re = select(both(endless, unknown), Lit(math.inf), op("mul", size, op("cos", angle)))
    flat = select(endless, op("mul", op("copysign", Lit(1.0), size), angle), select(
        op("isnan", size), zero, op("mul", size, angle)))
    im = select(straight, flat, op("mul", size, op("sin", angle)))
    return python(op("complex", select(lost, zero, re), select(lost, zero, im)))
