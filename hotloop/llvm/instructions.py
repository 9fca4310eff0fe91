"""Machine operations as LLVM text: one row for each row of `loops.scalar` that is not elementary.

A row is a function (builder, type of the operands, their texts, their nodes or None) -> name of the
result. The same row serves scalars and vectors. Nothing here is undefined for any input: where
LLVM's instruction is (shifts by the width, division by zero, conversions out of range), the
undefined result is in the arm of a `select` that is not taken, or its operand is replaced.

    "add": fadd, add or (bool) or         "idiv": sdiv, with 0 and -1 taken out
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hotloop.llvm.builder import UNLIKELY, Builder, Type
from hotloop.llvm.flags import NATIVE
from hotloop.loops.expr import Expr
from hotloop.loops.scalar import SCALAR_OPS

Row = Callable[[Builder, Type, Sequence[str], Sequence[Expr | None]], str]
ROWS: dict[str, Row] = {}
_SET_FLAGS = frozenset(name for name, row in SCALAR_OPS.items() if row.flags)


def row(name: str) -> Callable[[Row], Row]:
    def register(function: Row) -> Row:
        ROWS[name] = function
        return function
    return register


def _binary(name: str, floats: str, ints: str, bools: str) -> None:
    table = {"f": floats, "i": ints, "u": ints, "b": bools}

    def emit(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
        result = b.op(f"{table[t.kind]} {t} {a[0]}, {a[1]}")
        if t.kind == "f" and not t.lanes:
            b.of_floats.add(result)
        return result
    ROWS[name] = emit


_binary("add", "fadd", "add", "or")            # of bools as NumPy: logical
_binary("sub", "fsub", "sub", "xor")
_binary("mul", "fmul", "mul", "and")
_binary("div", "fdiv", "udiv", "and")
_binary("and", "", "and", "and")
_binary("or", "", "or", "or")
_binary("xor", "", "xor", "xor")


def _comparison(name: str, floats: str, signed: str, unsigned: str) -> None:
    table = {"f": "fcmp " + floats, "i": "icmp " + signed, "u": "icmp " + unsigned,
             "b": "icmp " + unsigned}

    def emit(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
        result = b.op(f"{table[t.kind]} {t} {a[0]}, {a[1]}")
        if t.kind == "f" and not t.lanes:
            b.of_floats.add(result)
        return result
    ROWS[name] = emit


_comparison("lt", "olt", "slt", "ult")
_comparison("le", "ole", "sle", "ule")
_comparison("gt", "ogt", "sgt", "ugt")
_comparison("ge", "oge", "sge", "uge")
_comparison("eq", "oeq", "eq", "eq")
_comparison("ne", "une", "ne", "ne")


@row("neg")
def _neg(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
    if t.kind == "f":
        return b.op(f"fneg {t} {a[0]}")
    return b.op(f"sub {t} {b.constant(0, t)}, {a[0]}")


@row("not")
def _not(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
    return b.op(f"xor {t} {a[0]}, {b.constant(True if t.kind == 'b' else -1, t)}")


@row("abs")
def _abs(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
    if t.kind == "f":
        return b.intrinsic("fabs", t, a[0])
    return b.intrinsic("abs", t, a[0], extra="i1 false") if t.kind == "i" else a[0]


def _extreme(name: str, ordered: str, bools: str) -> None:
    def emit(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
        truth = t.of("?")
        if t.kind == "b":
            return b.op(f"{bools} {t} {a[0]}, {a[1]}")
        if t.kind != "f":
            return b.intrinsic(("s" if t.kind == "i" else "u") + name[:3], t, *a)
        # One instruction of x86, a[1] on ties and NaNs; then a NaN in a[0] wins. A chain through
        # a[1] is one instruction and a move long: llvm.maximum is three times that.
        wins = b.op(f"fcmp {ordered} {t} {a[0]}, {a[1]}")
        best = b.op(f"select {truth} {wins}, {t} {a[0]}, {t} {a[1]}")
        nan = b.op(f"fcmp uno {t} {a[0]}, {a[0]}")
        return b.op(f"select {truth} {nan}, {t} {a[0]}, {t} {best}")
    ROWS[name] = emit


_extreme("minimum", "olt", "and")
_extreme("maximum", "ogt", "or")


def _rounding(name: str, intrinsic: str) -> None:
    def emit(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
        return b.intrinsic(intrinsic, t, *a) if t.kind == "f" else a[0]
    ROWS[name] = emit


for _name in ("floor", "ceil", "trunc", "rint", "sqrt", "copysign", "fma"):
    _rounding(_name, _name)


@row("isnan")
def _isnan(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
    if t.kind != "f":
        return b.constant(False, t.of("?"))
    return b.op(f"fcmp uno {t} {a[0]}, {a[0]}")


@row("signbit")
def _signbit(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
    if t.kind in "ub":
        return b.constant(False, t.of("?"))
    if t.kind == "f":
        ints = t.of(f"i{t.bits // 8}")
        bits = b.op(f"bitcast {t} {a[0]} to {ints}")
        return b.op(f"icmp slt {ints} {bits}, {b.constant(0, ints)}")
    return b.op(f"icmp slt {t} {a[0]}, {b.constant(0, t)}")


def _constant(node: Expr | None) -> int | None:
    return int(node.args[0]) if node is not None and node.op == "lit" else None


def _least(t: Type) -> int:
    return -(1 << (t.bits - 1))


def _divide(b: Builder, t: Type, a: Sequence[str], nodes: Sequence[Expr | None], what: str,
            of_minus_one: str) -> str:
    """`what` ("div" or "rem") with the divisors 0 (result 0) and -1 (the least integer by it traps)
    taken out; `of_minus_one` is the result for -1."""
    divisor = _constant(nodes[1])
    if divisor is not None:
        if divisor == 0:
            return b.constant(0, t)
        if t.kind == "i" and divisor == -1:
            return of_minus_one
        # LLVM multiplies, but has no vector product of 64 bits by 64 for that
        shifts = divisor > 0 and divisor & (divisor - 1) == 0
        return _plain_division(b, t, a[0], a[1], what, in_floats=t.bits == 64 and not shifts)
    truth, zero, one = t.of("?"), b.constant(0, t), b.constant(1, t)
    none = b.op(f"icmp eq {t} {a[1]}, {zero}")
    if t.kind == "u":
        safe = b.op(f"select {truth} {none}, {t} {one}, {t} {a[1]}")
        result = _plain_division(b, t, a[0], safe, what)
    else:
        minus = b.op(f"icmp eq {t} {a[1]}, {b.constant(-1, t)}")
        odd = b.op(f"or {truth} {none}, {minus}")
        safe = b.op(f"select {truth} {odd}, {t} {one}, {t} {a[1]}")
        result = _plain_division(b, t, a[0], safe, what)
        result = b.op(f"select {truth} {minus}, {t} {of_minus_one}, {t} {result}")
    return b.op(f"select {truth} {none}, {t} {zero}, {t} {result}")


def _plain_division(b: Builder, t: Type, x: str, y: str, what: str, in_floats: bool = True) -> str:
    """For divisors other than 0 and -1. CPUs have no integer division of vectors, and LLVM divides
    lane by lane (i64: 3.3 ns an element, here 0.8; i32: 2.1 and 0.8). The truncated quotient of
    floats is exact for integers below 2**53 (f32: 2**24): a quotient below the integer q is below
    it by 1/y at least, which is more than half a unit in the last place, since q * y < 2**53."""
    instruction = f"{'u' if t.kind == 'u' else 's'}{what}"
    if not t.lanes or not in_floats:
        return b.op(f"{instruction} {t} {x}, {y}")
    if t.bits < 64:
        return _float_division(b, t, x, y, what)
    offset = b.constant(0 if t.kind == "u" else 1 << 52, t)
    both = b.op(f"or {t} {b.op(f'add {t} {x}, {offset}')}, {b.op(f'add {t} {y}, {offset}')}")
    high = b.op(f"lshr {t} {both}, {b.constant(53, t)}")
    large = b.op(f"icmp ne {t} {high}, {b.constant(0, t)}")
    cold, fast, after = b.label(), b.label(), b.label()
    b.branch(b.any_lane(large, t.lanes), cold, fast, UNLIKELY)
    with b.out_of_line(cold):
        exact = b.op(f"{instruction} {t} {x}, {y}")
        b.jump(after)
    b.begin(fast)
    quick = _float_division(b, t, x, y, what)
    b.jump(after)
    b.begin(after)
    return b.phi(t, (quick, fast), (exact, cold))


def _float_division(b: Builder, t: Type, x: str, y: str, what: str) -> str:
    f = t.of("f4" if t.bits <= 16 else "f8")
    sign = "u" if t.kind == "u" else "s"
    p, q = (b.op(f"{sign}itofp {t} {v} to {f}") for v in (x, y))
    quotient = b.op(f"fpto{sign}i {f} {b.op(f'fdiv {f} {p}, {q}')} to {t}")
    if what == "div":
        return quotient
    return b.op(f"sub {t} {x}, {b.op(f'mul {t} {quotient}, {y}')}")


@row("idiv")
def _idiv(b: Builder, t: Type, a: Sequence[str], nodes: Sequence[Expr | None]) -> str:
    if t.kind == "b":
        return b.op(f"and {t} {a[0]}, {a[1]}")
    if t.kind == "u":
        return _divide(b, t, a, nodes, "div", "")
    minus = _constant(nodes[1]) in (None, -1)
    negated = b.op(f"sub {t} {b.constant(0, t)}, {a[0]}") if minus else ""
    return _divide(b, t, a, nodes, "div", negated)


@row("irem")
def _irem(b: Builder, t: Type, a: Sequence[str], nodes: Sequence[Expr | None]) -> str:
    if t.kind == "b":
        return b.constant(False, t)
    return _divide(b, t, a, nodes, "rem", b.constant(0, t))


def _shift(b: Builder, t: Type, a: Sequence[str], nodes: Sequence[Expr | None],
           instruction: str) -> str:
    count = _constant(nodes[1])
    if count is not None and 0 <= count < t.bits:
        return b.op(f"{instruction} {t} {a[0]}, {a[1]}")
    inside = b.op(f"icmp ult {t} {a[1]}, {b.constant(t.bits, t)}")
    shifted = b.op(f"{instruction} {t} {a[0]}, {a[1]}")
    return b.op(f"select {t.of('?')} {inside}, {t} {shifted}, {t} {b.constant(0, t)}")


@row("shl")
def _shl(b: Builder, t: Type, a: Sequence[str], nodes: Sequence[Expr | None]) -> str:
    return _shift(b, t, a, nodes, "shl")


@row("lshr")
def _lshr(b: Builder, t: Type, a: Sequence[str], nodes: Sequence[Expr | None]) -> str:
    return _shift(b, t, a, nodes, "lshr")


@row("ashr")
def _ashr(b: Builder, t: Type, a: Sequence[str], nodes: Sequence[Expr | None]) -> str:
    if t.kind == "u":
        return _shift(b, t, a, nodes, "lshr")
    count, by = a[1], _constant(nodes[1])
    if by is None or not 0 <= by < t.bits:
        count = b.intrinsic("umin", t, count, b.constant(t.bits - 1, t))
    return b.op(f"ashr {t} {a[0]}, {count}")


@row("select")
def _select(b: Builder, t: Type, a: Sequence[str], nodes: Sequence[Expr | None]) -> str:
    yes, no = (b.apart(x, t) if node is not None and node.op in _SET_FLAGS and t.kind == "f" else x
               for x, node in zip(a[1:], nodes[1:], strict=True))
    if t.kind == "f" and t.bits == 64 and not t.lanes and a[0] not in b.of_floats:
        # The condition is a flag of the processor or in a general register: a choice there. With
        # AVX-512 it would go to a mask by way of a byte, which waits for the register's last use.
        bits = t.of("i8")
        both = [b.op(f"bitcast {t} {x} to {bits}") for x in (yes, no)]
        chosen = b.op(f"select i1 {a[0]}, {bits} {both[0]}, {bits} {both[1]}")
        return b.op(f"bitcast {bits} {chosen} to {t}")
    return b.op(f"select {t.of('?')} {a[0]}, {t} {yes}, {t} {no}")


def _overflow(b: Builder, t: Type, a: Sequence[str], name: str) -> str:
    """By LLVM's own intrinsic, which is good code for scalars (the flag of the adder)."""
    truth = t.of("?")
    full = f"llvm.{'s' if t.kind == 'i' else 'u'}{name}.with.overflow.{t.suffix}"
    b.declare(full, f"{{{t}, {truth}}}", f"{t}, {t}")
    pair = b.op(f"call {{{t}, {truth}}} @{full}({t} {a[0]}, {t} {a[1]})")
    return b.op(f"extractvalue {{{t}, {truth}}} {pair}, 1")


@row("add_overflows")
def _add_overflows(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
    if t.kind == "b":
        return b.constant(False, t)
    if not t.lanes or t.kind == "u":
        return _overflow(b, t, a, "add")
    s = b.op(f"add {t} {a[0]}, {a[1]}")
    both = b.op(f"and {t} {b.op(f'xor {t} {a[0]}, {s}')}, {b.op(f'xor {t} {a[1]}, {s}')}")
    return b.op(f"icmp slt {t} {both}, {b.constant(0, t)}")


@row("sub_overflows")
def _sub_overflows(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
    if not t.lanes or t.kind == "u":
        return _overflow(b, t, a, "sub")
    s = b.op(f"sub {t} {a[0]}, {a[1]}")
    both = b.op(f"and {t} {b.op(f'xor {t} {a[0]}, {a[1]}')}, {b.op(f'xor {t} {a[0]}, {s}')}")
    return b.op(f"icmp slt {t} {both}, {b.constant(0, t)}")


@row("mul_overflows")
def _mul_overflows(b: Builder, t: Type, a: Sequence[str], _: Sequence[Expr | None]) -> str:
    truth = t.of("?")
    if t.kind == "b":
        return b.constant(False, t)
    if not t.lanes or t.kind == "u":
        return _overflow(b, t, a, "mul")
    if t.bits < 64:
        wide = t.of("i8")
        x, y = (b.op(f"sext {t} {v} to {wide}") for v in a)
        p = b.op(f"mul {wide} {x}, {y}")
        back = b.op(f"sext {t} {b.op(f'trunc {wide} {p} to {t}')} to {wide}")
        return b.op(f"icmp ne {wide} {p}, {back}")
    # Factors of 32 bits can't overflow. They are the rule, so that is asked first.
    offset, zero = b.constant(1 << 31, t), b.constant(0, t)
    x, y = (b.op(f"add {t} {v}, {offset}") for v in a)
    either = b.op(f"or {t} {x}, {y}")
    large = b.op(f"icmp ne {t} {b.op(f'lshr {t} {either}, {b.constant(32, t)}')}, {zero}")
    before, cold, after = b.block, b.label(), b.label()
    b.branch(b.any_lane(large, t.lanes), cold, after, UNLIKELY)
    with b.out_of_line(cold):
        exact = _product_overflows(b, t, a[0], a[1])
        end = b.block
        b.jump(after)
    b.begin(after)
    return b.phi(truth, ("zeroinitializer", before), (exact, end))


def _product_overflows(b: Builder, t: Type, x: str, y: str) -> str:
    """By the high 64 bits, from four products of 32 bits each (Warren, Hacker's Delight, 8-2):
    vectors have no wider product. The low halves are unsigned, the high ones signed."""
    low, width = b.constant(0xFFFFFFFF, t), b.constant(32, t)

    def halves(v: str) -> tuple[str, str]:
        return b.op(f"and {t} {v}, {low}"), b.op(f"ashr {t} {v}, {width}")

    def times(x: str, y: str) -> str:
        return b.op(f"mul {t} {x}, {y}")

    def plus(x: str, y: str) -> str:
        return b.op(f"add {t} {x}, {y}")
    xl, xh = halves(x)
    yl, yh = halves(y)
    carried = b.op(f"lshr {t} {times(xl, yl)}, {width}")
    middle_low, middle_high = halves(plus(times(xh, yl), carried))
    other = plus(times(xl, yh), middle_low)
    high = plus(plus(times(xh, yh), middle_high), b.op(f"ashr {t} {other}, {width}"))
    sign = b.op(f"ashr {t} {times(x, y)}, {b.constant(63, t)}")
    return b.op(f"icmp ne {t} {high}, {sign}")


_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


def philox_block(b: Builder, t: Type, key: str, counter: str, block: str) -> tuple[str, str]:
    """Both 64-bit words of a block of Philox4x32-10; `t` is u64 with any number of lanes, `block`
    is stream >> 1. The four 32-bit words are the low halves of 64-bit lanes, what is above them
    does not matter: a product of two is one vpmuludq, its high half comes down by a shuffle (the
    port of shifts is busy with products: 5 % faster)."""
    low, width = b.constant(0xFFFFFFFF, t), b.constant(32, t)
    pairs = f"<{2 * t.lanes} x i32>"
    order = ", ".join(f"i32 {2 * k + 1}, i32 {2 * k + 1}" for k in range(t.lanes))

    def clean(v: str) -> str:
        return b.op(f"and {t} {v}, {low}")

    def high(v: str) -> str:
        if not t.lanes:
            return b.op(f"lshr {t} {v}, {width}")
        words = b.op(f"bitcast {t} {v} to {pairs}")
        twice = b.op(f"shufflevector {pairs} {words}, {pairs} poison, {pairs} <{order}>")
        return b.op(f"bitcast {pairs} {twice} to {t}")
    x0, x1, x2, x3 = counter, high(counter), block, high(block)
    k0, k1 = clean(key), high(key)
    m0, m1 = (b.constant(m, t) for m in _MULTIPLIERS)
    for r in range(ROUNDS):
        if r:
            k0, k1 = (clean(b.op(f"add {t} {k}, {b.constant(w, t)}"))
                      for k, w in ((k0, _WEYL[0]), (k1, _WEYL[1])))
        p0, p1 = b.op(f"mul {t} {m0}, {clean(x0)}"), b.op(f"mul {t} {m1}, {clean(x2)}")
        x0 = b.op(f"xor {t} {b.op(f'xor {t} {high(p1)}, {x1}')}, {k0}")
        x2 = b.op(f"xor {t} {b.op(f'xor {t} {high(p0)}, {x3}')}, {k1}")
        x1, x3 = p1, p0
    first = b.op(f"or {t} {clean(x0)}, {b.op(f'shl {t} {x1}, {width}')}")
    second = b.op(f"or {t} {clean(x2)}, {b.op(f'shl {t} {x3}, {width}')}")
    return first, second


def bitcast(b: Builder, source: Type, target: Type, x: str) -> str:
    if source.text == target.text:
        return x
    return b.op(f"bitcast {source} {x} to {target}")


def convert(b: Builder, source: Type, target: Type, x: str) -> str:
    """As NumPy's astype on x86-64."""
    if target.kind == "b":
        if source.kind == "f":
            return b.op(f"fcmp une {source} {x}, {b.constant(0.0, source)}")
        return b.op(f"icmp ne {source} {x}, {b.constant(0, source)}")
    if source.kind == "f":
        return _from_float(b, source, target, x)
    if target.kind == "f":
        # Halves are out of range where a float would round twice, so float first is exact.
        middle = target.of("f4") if target.bits == 16 else target
        y = b.op(f"{'sitofp' if source.kind == 'i' else 'uitofp'} {source} {x} to {middle}")
        return y if middle is target else b.op(f"fptrunc {middle} {y} to {target}")
    if source.bits == target.bits:
        return x
    if source.bits > target.bits:
        return b.op(f"trunc {source} {x} to {target}")
    return b.op(f"{'sext' if source.kind == 'i' else 'zext'} {source} {x} to {target}")


def _from_float(b: Builder, source: Type, target: Type, x: str) -> str:
    if target.kind == "f":
        if source.bits == 64 and target.bits == 16:
            source, x = target.of("f4"), _round_to_odd(b, source, target.of("f4"), x)
        word = "fpext" if source.bits < target.bits else "fptrunc"
        return b.op(f"{word} {source} {x} to {target}")
    if source.bits == 16:
        x, source = b.op(f"fpext {source} {x} to {source.of('f4')}"), source.of("f4")
    if target.kind == "i" and target.bits >= 32:
        return _to_signed(b, source, target, x)
    if target.bits < 32:                         # C converts to int first
        wide = target.of("i4")
        return b.op(f"trunc {wide} {_to_signed(b, source, wide, x)} to {target}")
    wide = target.of("i8")
    if target.bits == 32:
        return b.op(f"trunc {wide} {_to_signed(b, source, wide, x)} to {target}")
    # u64: the upper half of its range is subtracted first and put back as the sign bit
    truth, limit = target.of("?"), b.constant(2.0**63, source)
    big = b.op(f"fcmp oge {source} {x}, {limit}")
    less = b.op(f"fsub {source} {x}, {limit}")
    low = _to_signed(b, source, wide, b.op(f"select {truth} {big}, {source} {less}, {source} {x}"))
    top = b.op(f"select {truth} {big}, {wide} {b.constant(_least(wide), wide)}, "
               f"{wide} {b.constant(0, wide)}")
    return b.op(f"xor {wide} {low}, {top}")


def _to_signed(b: Builder, source: Type, target: Type, x: str) -> str:
    """cvttsd2si: the least integer for NaN and for what is out of range."""
    if NATIVE and not source.lanes and source.bits == 64 and target.bits == 64:
        # The instruction itself: `fptosi` has no meaning out of range, so LLVM must be kept away.
        two = source.of("f8")
        pair = f"<2 x {two}>"
        b.declare("llvm.x86.sse2.cvttsd2si64", "i64", pair)
        both = b.op(f"insertelement {pair} zeroinitializer, {source} {x}, i64 0")
        return b.op(f"call i64 @llvm.x86.sse2.cvttsd2si64({pair} {both})")
    size = b.intrinsic("fabs", source, x)
    inside = b.op(f"fcmp olt {source} {size}, {b.constant(2.0 ** (target.bits - 1), source)}")
    value = b.apart(b.op(f"fptosi {source} {x} to {target}"), target)
    return b.op(f"select {target.of('?')} {inside}, {target} {value}, "
                f"{target} {b.constant(_least(target), target)}")


def _round_to_odd(b: Builder, source: Type, target: Type, x: str) -> str:
    """f64 to f32 such that rounding the result to f16 is right: an inexact result is truncated and
    its last bit set (Boldo and Melquiond, "Emulation of a FMA", 2008). x86 has no f64 to f16."""
    truth, ints = target.of("?"), target.of("i4")
    near = b.op(f"fptrunc {source} {x} to {target}")
    back = b.op(f"fpext {target} {near} to {source}")
    inexact = b.op(f"fcmp one {source} {back}, {x}")
    above = b.op(f"fcmp ogt {source} {b.intrinsic('fabs', source, back)}, "
                 f"{b.intrinsic('fabs', source, x)}")
    bits = b.op(f"bitcast {target} {near} to {ints}")
    bits_down = b.op(f"sub {ints} {bits}, {b.op(f'zext {truth} {above} to {ints}')}")
    odd = b.op(f"or {ints} {bits_down}, {b.constant(1, ints)}")
    chosen = b.op(f"select {truth} {inexact}, {ints} {odd}, {ints} {bits}")
    return b.op(f"bitcast {ints} {chosen} to {target}")
