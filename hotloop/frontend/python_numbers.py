"""Python's own numbers at run time: bool, int (64 bits, overflow is an error), float, complex.

    binary("add", a, b)     # both Python numbers, at least one a Scalar

Ints that are affine in dimensions and loop indices keep their form, so most overflow checks are
proved away. Errors are Python's: ZeroDivisionError with its message, OverflowError where hotloop's
ints end, ValueError for negative shifts. Where the *type* of Python's result depends on a value (an
int to a negative power, a negative float to a fraction) a check refuses the other type.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from hotloop.errors import TOO_LARGE, UnsupportedError
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, check, current, emit, fail, lit, opened, quiet
from hotloop.frontend.tracers import (
    EXACT,
    PYTHON,
    Scalar,
    Widened,
    as_int,
    convert,
    dtype_of,
    narrowed,
    value,
)
from hotloop.ir.core import Atom, Block, Lit, Var, rename
from hotloop.ir.types import BOOL, C128, F64, I64

ORDER = [BOOL, I64, F64, C128]
OVERFLOW = TOO_LARGE
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


def _message(operation: Callable[..., Any], *args: Any) -> str:
    """What this version of Python says."""
    try:
        operation(*args)
    except ArithmeticError as error:
        return str(error)
    raise AssertionError("no error")


ZERO_DIVISION = {
    (op, dtype): _message(function, sample, sample * 0)
    for op, function in (("truediv", operator.truediv), ("floordiv", operator.floordiv),
                         ("mod", operator.mod))
    for dtype, sample in ((I64, 1), (F64, 1.0))}
ZERO_DIVISION["truediv", C128] = _message(operator.truediv, 1j, 0j)
ZERO_POWER = _message(operator.pow, 0.0, -1.0)


def scalar(atom: Atom) -> Scalar:
    return Scalar(atom, PYTHON)


def binary(name: str, a: Any, b: Any) -> Any:
    """`a name b` for Python numbers; name as in the module operator (`add`, `floordiv`, `and`)."""
    with quiet():
        return _binary(name, a, b)


def _binary(name: str, a: Any, b: Any) -> Any:
    a, b = _settled(name, a, b)
    x, y = value(a), value(b)
    top = max(x.dtype, y.dtype, key=ORDER.index)
    if name in COMPARISONS:
        return _compare(name, x, y, top)
    if name in ("and", "or", "xor"):
        if top == BOOL:
            return scalar(emit(name, [x, y], [(BOOL, ())])[0])
        if top != I64:
            _no_operator(name, a, b)
        return int_bits(name, convert(x, I64), convert(y, I64))
    if top == BOOL:
        top = I64
    if top == I64:
        x, y = _as_i64(x), _as_i64(y)
        return INT_OPERATIONS[name](x, y) if name in INT_OPERATIONS else _no_operator(name, a, b)
    operations = FLOAT_OPERATIONS if top == F64 else COMPLEX_OPERATIONS
    if name not in operations:
        _no_operator(name, a, b)
    return operations[name](convert(x, top), convert(y, top))


SYMBOLS = {"and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>", "floordiv": "//",
           "mod": "%", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def python_name(x: Any) -> str:
    return {"b": "bool", "i": "int", "f": "float", "c": "complex"}[dtype_of(x).kind]


def _no_operator(name: str, a: Any, b: Any) -> Any:
    if name in COMPARISONS:
        fail(TypeError, f"'{SYMBOLS[name]}' not supported between instances of "
             f"'{python_name(a)}' and '{python_name(b)}'")
    fail(TypeError, f"unsupported operand type(s) for {SYMBOLS[name]}: "
         f"'{python_name(a)}' and '{python_name(b)}'")


def _as_i64(x: Atom) -> Atom:
    if x.dtype == BOOL and type(x) is Var:
        converted = convert(x, I64)
        assert type(converted) is Var
        dm.bound(converted, 0, 1)
        return converted
    return convert(x, I64)


def _settled(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Operands of two kinds: passed on where the result does not depend on which it is."""
    if isinstance(a, Widened) and _kind_matters(name, a, b):
        a = narrowed(a)
    if isinstance(b, Widened) and _kind_matters(name, b, a):
        b = narrowed(b)
    return a, b


def _kind_matters(name: str, x: Widened, other: Any) -> bool:
    """Is the result of another type in the narrow kind of `x`, whichever kind the other is of?"""
    if x.narrow_dtype is None or getattr(other, "narrow_dtype", F64) is None:
        return True
    if name in (*COMPARISONS, "truediv"):
        return False
    for beside in {dtype_of(other), getattr(other, "narrow_dtype", dtype_of(other))}:
        tops = {max(d, beside, key=ORDER.index) for d in (x.narrow_dtype, dtype_of(x))}
        if name not in ("and", "or", "xor") and BOOL in tops:
            tops = tops - {BOOL} | {I64}       # arithmetic of bools gives ints
        if len(tops) > 1:
            return True
    return False


# ---- comparison

def _compare(name: str, x: Atom, y: Atom, top: Any) -> Any:
    if top in (I64, BOOL):
        if x.dtype == y.dtype == BOOL:
            return scalar(emit(name, [x, y], [(BOOL, ())])[0])
        answer = dm.compare(name, _as_i64(x), _as_i64(y))
        return answer if isinstance(answer, bool) else scalar(answer)
    if top == C128:
        if name not in ("eq", "ne"):
            _no_operator(name, scalar(x), scalar(y))
    elif I64 in (x.dtype, y.dtype):
        return _compare_mixed(name, x, y)
    return scalar(emit(name, [convert(x, top), convert(y, top)], [(BOOL, ())])[0])


def _compare_mixed(name: str, x: Atom, y: Atom) -> Scalar:
    """int with float: exact, as in Python, also beyond 2**53."""
    a, b = convert(x, F64), convert(y, F64)
    rounded, = emit(name, [a, b], [(BOOL, ())])
    low, high = dm.bounds(dm.form(x if x.dtype == I64 else y))
    if -EXACT <= low and high <= EXACT:
        return scalar(rounded)
    tie, = emit("eq", [a, b], [(BOOL, ())])
    inside, = emit("lt", [b if x.dtype == I64 else a, Lit(2.0**63)], [(BOOL, ())])
    close, = emit("and", [tie, inside], [(BOOL, ())])
    exact, = emit(name, [convert(x, I64), convert(y, I64)], [(BOOL, ())])
    outside, = emit("and", [tie, emit("not", [inside], [(BOOL, ())])[0]], [(BOOL, ())])
    # the int rounds up to 2**63, the float is 2**63: the int is less
    less = name in ("lt", "le", "ne") if x.dtype == I64 else name in ("gt", "ge", "ne")
    result, = emit("select", [outside, lit(less), rounded], [(BOOL, ())])
    return scalar(emit("select", [close, exact, result], [(BOOL, ())])[0])


# ---- ints

def checked(name: str, x: Atom, y: Atom, form: Any = None) -> Any:
    """`add sub mul` of i64 with an overflow check where it is not proved away."""
    if form is not None:
        known = dm.known(form)
        if known is not None:
            if isinstance(known, int) and not dm.MIN <= known <= dm.MAX:
                fail(OverflowError, OVERFLOW)
            return as_int(known)
        proved = dm.fits(form)
        interval = dm.bounds(form)
    else:
        corners = [p * q for p in dm.bounds(dm.form(x)) for q in dm.bounds(dm.form(y))]
        interval = min(corners), max(corners)
        proved = dm.MIN <= interval[0] and interval[1] <= dm.MAX
    result, = emit(name, [x, y], [(I64, ())])
    if not proved:
        overflow, = emit(name + "_overflows", [x, y], [(BOOL, ())])
        ok, = emit("not", [overflow], [(BOOL, ())])
        check(ok, OverflowError, OVERFLOW)
    if form is not None:
        dm.name_form(result, form)
    else:
        dm.bound(result, max(interval[0], dm.MIN), min(interval[1], dm.MAX))
    return scalar(result)


def int_add(x: Atom, y: Atom) -> Any:
    return checked("add", x, y, dm.plus(dm.form(x), dm.form(y)))


def int_sub(x: Atom, y: Atom) -> Any:
    return checked("sub", x, y, dm.minus(dm.form(x), dm.form(y)))


def int_mul(x: Atom, y: Atom) -> Any:
    for p, q in ((x, y), (y, x)):
        f = dm.form(p)
        if set(f) <= {None}:
            return checked("mul", x, y, dm.scale(dm.form(q), f.get(None, 0)))
    return checked("mul", x, y)


def int_neg(x: Atom) -> Any:
    return checked("sub", lit(0), x, dm.negate(dm.form(x)))


def int_bits(name: str, x: Atom, y: Atom) -> Scalar:
    result, = emit(name, [x, y], [(I64, ())])
    (a, b), (c, d) = dm.bounds(dm.form(x)), dm.bounds(dm.form(y))
    if name == "and" and (a >= 0 or c >= 0):
        dm.bound(result, 0, min(q for p, q in ((a, b), (c, d)) if p >= 0))
    elif a >= 0 and c >= 0:
        dm.bound(result, 0, (1 << max(b, d).bit_length()) - 1)
    return scalar(result)


def _nonzero(name: str, y: Atom, dtype: Any) -> None:
    if dtype == I64:
        dm.require("ne", _dim(y), 0, ZeroDivisionError, ZERO_DIVISION[name, dtype])
        return
    zero = Lit(dtype.type(0))
    if type(y) is Lit:
        ok: Any = bool(y.value != 0)
    else:
        ok, = emit("ne", [y, zero], [(BOOL, ())])
    check(ok, ZeroDivisionError, ZERO_DIVISION[name, dtype])


def _dim(x: Atom) -> Any:
    return int(x.value) if type(x) is Lit else x


def int_floordiv(x: Atom, y: Atom) -> Any:
    _nonzero("floordiv", y, I64)
    (a, b), (c, d) = dm.bounds(dm.form(x)), dm.bounds(dm.form(y))
    if a == dm.MIN and c <= -1 <= d:
        is_min, = emit("eq", [x, lit(dm.MIN)], [(BOOL, ())])
        is_minus, = emit("eq", [y, lit(-1)], [(BOOL, ())])
        both, = emit("and", [is_min, is_minus], [(BOOL, ())])
        check(emit("not", [both], [(BOOL, ())])[0], OverflowError, OVERFLOW)
    if type(y) is Lit and int(y.value) == 1:
        return as_int(_dim(x))
    result, = emit("floor_divide", [x, y], [(I64, ())])
    if c >= 1:
        low, high = (a if a < 0 else 0), (b if b >= 0 else -1)
        if type(y) is Lit:
            k = int(y.value)
            low, high = a // k, b // k
            # k*r <= x and x <= k*r + k - 1
            dm.bound(result, low, high)
            dm.fact(dm.plus(dm.form(x), {result: 1}, -k))
            dm.fact(dm.plus(dm.plus({result: k, None: k - 1}, dm.form(x), -1), {}))
        else:
            dm.bound(result, low, high)
    return scalar(result)


def int_mod(x: Atom, y: Atom) -> Any:
    _nonzero("mod", y, I64)
    result, = emit("remainder", [x, y], [(I64, ())])
    c, d = dm.bounds(dm.form(y))
    if c >= 1:
        dm.bound(result, 0, d - 1)
        dm.fact(dm.minus(dm.minus(dm.form(y), {result: 1}), dm.ONE))
    elif d <= -1:
        dm.bound(result, c + 1, 0)
    return scalar(result)


def int_truediv(x: Atom, y: Atom) -> Any:
    _nonzero("truediv", y, I64)
    return scalar(emit("div", [convert(x, F64), convert(y, F64)], [(F64, ())])[0])


def int_lshift(x: Atom, y: Atom) -> Any:
    dm.require("ge", _dim(y), 0, ValueError, "negative shift count")
    count = dm.minimum(_dim(y), 63)
    result, = emit("shift_left", [x, count], [(I64, ())])
    back, = emit("shift_right", [result, count], [(I64, ())])
    same, = emit("eq", [back, x], [(BOOL, ())])
    if dm.bounds(dm.form(y))[1] > 63:
        narrow = dm.compare("le", _dim(y), 63)
        zero = dm.compare("eq", _dim(x), 0)
        fits, = emit("or", [_bool(narrow), _bool(zero)], [(BOOL, ())])
        same, = emit("and", [same, fits], [(BOOL, ())])
    low, high = dm.bounds(dm.form(x))
    shift = dm.bounds(dm.form(y))[1]
    if shift > 63 or not (dm.MIN <= low << shift and high << shift <= dm.MAX):
        check(same, OverflowError, OVERFLOW)
    if low >= 0:
        dm.bound(result, 0)
    return scalar(result)


def _bool(x: Any) -> Atom:
    return lit(x) if isinstance(x, bool) else x


def int_rshift(x: Atom, y: Atom) -> Any:
    dm.require("ge", _dim(y), 0, ValueError, "negative shift count")
    result, = emit("shift_right", [x, dm.minimum(_dim(y), 63)], [(I64, ())])
    low, high = dm.bounds(dm.form(x))
    dm.bound(result, min(low, 0), max(high, 0))
    return scalar(result)


def int_pow(x: Atom, y: Atom) -> Any:
    if type(y) is Lit:
        n = int(y.value)
        if n < 0:
            return float_pow(convert(x, F64), convert(y, F64))
        return _known_power(x, n)
    if dm.sign(y) < 0:
        return float_pow(convert(x, F64), convert(y, F64))
    ok = dm.compare("ge", y, 0)
    check(ok, UnsupportedError,
          "an int to a negative power is a float in Python: make the base or exponent a float")
    dm.assume(ok, True)
    return scalar(_power_loop(x, y))


def _known_power(x: Atom, n: int) -> Any:
    result: Any = None
    square: Any = as_int(_dim(x))
    while n:
        if n & 1:
            result = square if result is None else _product(result, square)
        n >>= 1
        if n:
            square = _product(square, square)
    return 1 if result is None else result


def _product(a: Any, b: Any) -> Any:
    return a * b if type(a) is type(b) is int else int_mul(value(a), value(b))


def _power_loop(x: Atom, y: Atom) -> Var:
    """Square and multiply at run time; the last, unused square may overflow freely. Whether another
    did is carried along: a try statement around it handles one check, not those of a loop."""
    parent = current()
    body = Builder(parent, loop=True)
    test = Builder(body)
    result, base, rest, wrong = (body.bind(d) for d in (I64, I64, I64, BOOL))
    with opened(test):
        more, = emit("ne", [rest, lit(0)], [(BOOL, ())])
    with opened(body):
        odd, = emit("ne", [emit("and", [rest, lit(1)], [(I64, ())])[0], lit(0)], [(BOOL, ())])
        raised, = emit("mul", [result, base], [(I64, ())])
        overflow, = emit("mul_overflows", [result, base], [(BOOL, ())])
        bad, = emit("and", [odd, overflow], [(BOOL, ())])
        next_result, = emit("select", [odd, raised, result], [(I64, ())])
        half, = emit("shift_right", [rest, lit(1)], [(I64, ())])
        squared, = emit("mul", [base, base], [(I64, ())])
        again, = emit("ne", [half, lit(0)], [(BOOL, ())])
        lost, = emit("mul_overflows", [base, base], [(BOOL, ())])
        bad, = emit("or", [bad, emit("and", [again, lost], [(BOOL, ())])[0]], [(BOOL, ())])
        bad, = emit("or", [bad, wrong], [(BOOL, ())])
    params = [result, base, rest, wrong]
    types = [(I64, ())] * 3 + [(BOOL, ())]
    power, _, _, failed = emit("while", [lit(1), x, y, lit(False)], types, blocks=[
        rename(Block(params, test.eqns, [more]), {}),
        Block(params, body.eqns, [next_result, squared, half, bad])])
    check(emit("not", [failed], [(BOOL, ())])[0], OverflowError, OVERFLOW)
    return power


INT_OPERATIONS: dict[str, Callable[[Atom, Atom], Any]] = {
    "add": int_add, "sub": int_sub, "mul": int_mul, "truediv": int_truediv,
    "floordiv": int_floordiv, "mod": int_mod, "pow": int_pow,
    "lshift": int_lshift, "rshift": int_rshift}


# ---- floats and complex numbers

def _plain(op: str) -> Callable[[Atom, Atom], Scalar]:
    def operation(x: Atom, y: Atom) -> Scalar:
        return scalar(emit(op, [x, y], [(x.dtype, ())])[0])
    return operation


def _divided(name: str, op: str) -> Callable[[Atom, Atom], Scalar]:
    def operation(x: Atom, y: Atom) -> Scalar:
        _nonzero(name, y, x.dtype)
        return scalar(emit(op, [x, y], [(x.dtype, ())])[0])
    return operation


def _test(op: str, *atoms: Any) -> Var:
    return emit(op, atoms, [(BOOL, ())])[0]


def float_pow(x: Atom, y: Atom) -> Scalar:
    known = float(y.value) if type(y) is Lit else None
    if known is not None and known == 2.0:
        # Python's pow(x, 2.0) is the rounded square, and raises when it overflows
        result, = emit("mul", [x, x], [(F64, ())])
    else:
        if known is None or known < 0:
            zero = _test("eq", x, Lit(0.0))
            negative = _test("lt", y, Lit(0.0))
            check(_test("not", _test("and", zero, negative)), ZeroDivisionError, ZERO_POWER)
        if known is None or known != int(known):
            below = _test("and", _test("lt", x, Lit(0.0)), _test("isfinite", x))
            fraction = _test("ne", y, emit("trunc", [y], [(F64, ())])[0])
            check(_test("not", _test("and", below, fraction)), UnsupportedError,
                  "a negative float to a fractional power is complex in Python: "
                  "make the base complex")
        result, = emit("pow", [x, y], [(F64, ())])
    finite_operands = _test("and", _test("isfinite", x), _test("isfinite", y))
    overflow = _test("and", _test("isinf", result), finite_operands)
    check(_test("not", overflow), OverflowError, "(34, 'Numerical result out of range')")
    return scalar(result)


def complex_pow(x: Atom, y: Atom) -> Scalar:
    from_zero = _test("and", _test("eq", x, Lit(0j)), _test("ne", y, Lit(0j)))
    check(_test("not", from_zero), UnsupportedError, "a power of the complex number zero")
    known = complex(y.value) if type(y) is Lit else None
    if known is not None and known.imag == 0 and known.real in range(-100, 101):
        result, n = Lit(1 + 0j), abs(int(known.real))
        square: Atom = x
        power: Atom = result
        while n:
            if n & 1:
                power, = emit("mul", [power, square], [(C128, ())])
            n >>= 1
            if n:
                square, = emit("mul", [square, square], [(C128, ())])
        if known.real < 0:
            power, = emit("div", [Lit(1 + 0j), power], [(C128, ())])
        return scalar(power)
    re, im = (emit(part, [x], [(F64, ())])[0] for part in ("real", "imag"))
    u, v = (emit(part, [y], [(F64, ())])[0] for part in ("real", "imag"))

    def f(op: str, *atoms: Any) -> Var:
        return emit(op, atoms, [(F64, ())])[0]
    modulus, angle = f("hypot", re, im), f("arctan2", im, re)
    length = f("mul", f("pow", modulus, u), f("exp", f("neg", f("mul", angle, v))))
    phase = f("add", f("mul", angle, u), f("mul", v, f("log", modulus)))
    return scalar(emit("complex", [f("mul", length, f("cos", phase)),
                                   f("mul", length, f("sin", phase))], [(C128, ())])[0])


FLOAT_OPERATIONS: dict[str, Callable[[Atom, Atom], Any]] = {
    "add": _plain("add"), "sub": _plain("sub"), "mul": _plain("mul"),
    "truediv": _divided("truediv", "div"), "floordiv": _divided("floordiv", "floor_divide"),
    "mod": _divided("mod", "remainder"), "pow": float_pow}

COMPLEX_OPERATIONS: dict[str, Callable[[Atom, Atom], Any]] = {
    "add": _plain("add"), "sub": _plain("sub"), "mul": _plain("mul"),
    "truediv": _divided("truediv", "div"), "pow": complex_pow}


# ---- unary

def unary(name: str, a: Any) -> Any:
    with quiet():
        return _unary(name, a)


def _unary(name: str, a: Any) -> Any:
    """`neg pos invert abs` of a Python number."""
    if isinstance(a, Widened):
        a = narrowed(a)
    x = value(a)
    if name == "pos":
        return scalar(_as_i64(x)) if x.dtype == BOOL else a
    if x.dtype in (I64, BOOL):
        x = _as_i64(x)
        if name == "neg":
            return int_neg(x)
        if name == "invert":
            return checked("sub", lit(-1), x, dm.minus({None: -1}, dm.form(x)))
        return int_abs(x)
    if name == "invert":
        fail(TypeError, f"bad operand type for unary ~: '{python_name(a)}'")
    if name == "neg":
        return scalar(emit("neg", [x], [(x.dtype, ())])[0])
    if x.dtype == C128:
        parts = [emit(part, [x], [(F64, ())])[0] for part in ("real", "imag")]
        return scalar(emit("hypot", parts, [(F64, ())])[0])
    return scalar(emit("abs", [x], [(F64, ())])[0])


def int_abs(x: Atom) -> Any:
    if dm.sign(x) > 0:
        return as_int(_dim(x))
    low, high = dm.bounds(dm.form(x))
    if low == dm.MIN:
        check(_bool(dm.compare("gt", _dim(x), dm.MIN)), OverflowError, OVERFLOW)
    result, = emit("abs", [x], [(I64, ())])
    return scalar(dm.bound(result, 0, max(-max(low, -dm.MAX), high, 0)))
