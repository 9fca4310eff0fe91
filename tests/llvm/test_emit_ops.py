"""Every machine operation x dtype on special values: machine code, scalar and vector, equals the
meaning in `loops.scalar` to the last bit (but for the payload of NaNs)."""

from __future__ import annotations

import itertools

import harness
import numpy as np
import pytest

from hotloop.llvm.instructions import ROWS
from hotloop.loops.core import ARG, RESULT, Alloc, Buffer, For, Kernel, Store
from hotloop.loops.expr import Expr, e, fresh_table, lit, load, var
from hotloop.loops.scalar import SCALAR_OPS, TRUTH

FLOATS, INTS = ("f4", "f8"), ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
ALL = ("?", *INTS, *FLOATS)

OF_BOOLS = ("and", "or", "xor", "not", "eq", "ne", "lt", "le", "gt", "ge", "minimum", "maximum",
            "select")
OF_INTS = ("add", "sub", "mul", "idiv", "irem", "abs", "minimum", "maximum", "and", "or",
           "xor", "not", "shl", "ashr", "lshr", "lt", "le", "gt", "ge", "eq", "ne", "select", "neg",
           "add_overflows", "sub_overflows", "mul_overflows")
OF_FLOATS = ("add", "sub", "mul", "div", "fmod", "neg", "abs", "minimum", "maximum", "sqrt",
             "floor", "ceil", "trunc", "rint", "copysign", "lt", "le", "gt", "ge", "eq", "ne",
             "isnan", "signbit", "select")


def samples(dtype: str) -> list:
    t = np.dtype(dtype)
    if t.kind == "b":
        return [False, True]
    if t.kind == "f":
        info = np.finfo(t)
        return [0.0, -0.0, 1.0, -1.5, 2.5, 3.5, -2.0, 0.3, 1e-3, 7e9, -3e19, float(info.max),
                float(info.tiny), float(info.smallest_subnormal), np.inf, -np.inf, np.nan]
    info = np.iinfo(t)
    some = [0, 1, 2, 3, 7, 31, 63, 64, 100, info.max, info.max - 1, info.max // 2]
    if t.kind == "i":
        some += [-1, -2, -5, -64, info.min, info.min + 1]
    if t.itemsize == 8:
        some += [2**31, 2**32 - 1, 3037000500, 2**62, 123456789012]
        some += [-2**31, -3037000500, -2**40] if t.kind == "i" else []
    return [v for v in some if info.min <= v <= info.max]


def operands(dtype: str, arity: int) -> list[np.ndarray]:
    rows = list(itertools.product(samples(dtype), repeat=min(arity, 2)))
    columns = [np.array([r[k] for r in rows]).astype(dtype) for k in range(min(arity, 2))]
    while len(columns) < 3:
        columns.append(columns[0][::-1].copy())
    return columns


def maps(values: list[Expr], inputs: list[Buffer], lanes: int) -> Kernel:
    """r0[i], r1[i], ... = values of i, for i in 0..n."""
    n, i = var("n"), var("i")
    results = [Buffer(f"r{k}", v.dtype, (n,), RESULT, None, k) for k, v in enumerate(values)]
    loop = For("i", lit(0), n, lit(1), [Store(r, (i,), v) for r, v in zip(results, values,
                                                                           strict=True)],
               regular=True, lanes=lanes)
    return Kernel("k", list(inputs), list(results), [*map(Alloc, results), loop])


def arguments(dtypes: tuple[str, ...]) -> list[Buffer]:
    return [Buffer(f"a{k}", np.dtype(t), (var("n"),), ARG, None, k) for k, t in enumerate(dtypes)]


def same(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    if expected.dtype.kind != "f":
        return found == expected
    bits = f"u{expected.dtype.itemsize}"
    return (found.view(bits) == expected.view(bits)) | (np.isnan(found) & np.isnan(expected))


def check(names: list[str], values: list[Expr], expected: list[np.ndarray], inputs: list[Buffer],
          columns: list[np.ndarray], lanes: int) -> None:
    found = harness.run(maps(values, inputs, lanes), columns)
    for name, got, want in zip(names, found, expected, strict=True):
        assert got.dtype == want.dtype, name
        wrong = np.flatnonzero(~same(got, want))
        assert not len(wrong), (name, [c[wrong[0]] for c in columns], got[wrong[0]],
                                want[wrong[0]], len(wrong))


@pytest.mark.parametrize("lanes", [0, 1])
@pytest.mark.parametrize("dtype", ALL)
def test_operations(dtype: str, lanes: int) -> None:
    t = np.dtype(dtype)
    names = OF_BOOLS if t.kind == "b" else OF_FLOATS if t.kind == "f" else OF_INTS
    with fresh_table(), np.errstate(all="ignore"):
        inputs = arguments((dtype, dtype, dtype, "?"))
        x, y, z, c = (load(b, (var("i"),)) for b in inputs)
        columns = operands(dtype, 2)
        columns.append(np.arange(len(columns[0])) % 3 == 0)
        a, b, d, truth = columns
        values, expected = [], []
        for name in names:
            row = SCALAR_OPS[name]
            if name == "select":
                nodes, arrays = (c, x, y), (truth, a, b)
            else:
                nodes, arrays = (x, y, z)[:row.arity], (a, b, d)[:row.arity]
            values.append(e.op(name, *nodes))
            want = np.asarray(row.evaluate(*arrays))
            expected.append(want.astype("?" if row.dtype == TRUTH else t))
        check(list(names), values, expected, inputs, columns, lanes)


def test_every_row_is_emitted() -> None:
    covered = {*OF_BOOLS, *OF_INTS, *OF_FLOATS, "fma", "philox"}
    machine = {n for n, row in SCALAR_OPS.items() if not row.math and not row.rescue}
    assert machine == covered
    assert machine - set(ROWS) == {"fmod", "philox"}


@pytest.mark.parametrize("lanes", [0, 1])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_error_functions(dtype: str, lanes: int) -> None:
    x = np.array([0.0, -0.0, 0.5, -1.5, 3.0, 30.0, np.inf, -np.inf, np.nan], dtype)
    names = ("erf", "erfc")
    with fresh_table():
        inputs = arguments((dtype,))
        values = [e.op(name, load(inputs[0], (var("i"),))) for name in names]
        found = harness.run(maps(values, inputs, lanes), [x])
    for got, name in zip(found, names, strict=True):
        want = SCALAR_OPS[name].evaluate(x)
        np.testing.assert_allclose(got, want, 4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("lanes", [0, 1])
@pytest.mark.parametrize("source", [*ALL, "f2"])
def test_conversions(source: str, lanes: int) -> None:
    with fresh_table(), np.errstate(all="ignore"):
        inputs = arguments((source,))
        x = load(inputs[0], (var("i"),))
        column = np.array(samples(source) * 3).astype(source)
        if column.dtype.kind == "f":
            more = [2.0**31, -2.0**31 - 1, 2147483647.5, -2147483648.5, 2.0**32, 2.0**63, -2.0**63,
                    2.0**64, 255.9, 256.0, 65504.0, 65520.0, 2049.0, 1.0009765625, 6e-8, 3e-8,
                    1.00048828125 + 2.0**-40, -1.00048828125 - 2.0**-45]
            column = np.concatenate([column, np.array(more).astype(source)])
        # NumPy's own u4 depends on the length of the array where the float is out of range
        targets = [t for t in (*ALL, "f2") if t != source
                   and not (t == "u4" and column.dtype.kind == "f")]
        values = [e.convert(x, t) for t in targets]
        expected = [column.astype(t) for t in targets]
        check(targets, values, expected, inputs, [column], lanes)


@pytest.mark.parametrize("lanes", [0, 1])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_to_u4_in_range(dtype: str, lanes: int) -> None:
    with fresh_table():
        inputs = arguments((dtype,))
        column = np.array([0.0, 1.9, 3e9, 4294967040.0, 17.0] * 9).astype(dtype)
        check(["u4"], [e.convert(load(inputs[0], (var("i"),)), "u4")], [column.astype("u4")],
              inputs, [column], lanes)


@pytest.mark.parametrize("lanes", [0, 1])
@pytest.mark.parametrize("dtype", ["i4", "i8", "u2", "u8"])
def test_literal_operands(dtype: str, lanes: int) -> None:
    """Division and shifts by constants take other ways than by variables."""
    t = np.dtype(dtype)
    with fresh_table(), np.errstate(all="ignore"):
        inputs = arguments((dtype,))
        x = load(inputs[0], (var("i"),))
        column = np.array(samples(dtype) * 4).astype(t)
        names, values, expected = [], [], []
        for name in ("idiv", "irem", "shl", "ashr", "lshr"):
            for k in (0, 1, 3, 7, 10, 15, 64, *((-1, -3) if t.kind == "i" else ())):
                if name in ("shl", "ashr", "lshr") and k < 0:
                    continue
                names.append(f"{name} {k}")
                values.append(e.op(name, x, lit(k, t)))
                expected.append(SCALAR_OPS[name].evaluate(column, np.full_like(column, k)))
        check(names, values, expected, inputs, [column], lanes)


@pytest.mark.parametrize("dtype", ["i8", "u8", "i4", "u4", "i2", "u2", "i1", "u1"])
def test_division_next_to_a_whole_quotient(dtype: str) -> None:
    """Vectors divide in floats: x = q * y - 1 must not be rounded up, for the largest x too."""
    t = np.dtype(dtype)
    rng = np.random.default_rng(4)
    top = min(np.iinfo(t).max, 2**53)
    y = np.floor(np.exp(rng.uniform(0, np.log(top), 3000))).astype(t)
    y[:500] = rng.integers(1, min(top, 99), 500)
    x = (top // y.astype(object) * y.astype(object) - 1).astype(t)
    some = y[1000:2000].astype(object)
    x[1000:2000] = np.abs(rng.integers(0, top, 1000).astype(object) // some * some - 1).astype(t)
    if t.kind == "i":
        x[::3] *= -1
        y[::7] *= -1
    with fresh_table():
        inputs = arguments((dtype, dtype))
        a, b = (load(p, (var("i"),)) for p in inputs)
        names = ["idiv", "irem"]
        expected = [SCALAR_OPS[name].evaluate(x, y) for name in names]
        check(names, [e.op(name, a, b) for name in names], expected, inputs, [x, y], 4)


@pytest.mark.parametrize("lanes", [0, 1])
def test_fma_rounds_once(lanes: int) -> None:
    with fresh_table():
        inputs = arguments(("f8",))
        x = load(inputs[0], (var("i"),))
        column = 1 + np.arange(37) * 2.0**-40
        value = e.fma(x, x, e.neg(e.mul(x, x)))
        exact = [float(int(v * 2**40) ** 2 - int(v * v * 2**80)) * 2.0**-80
                 for v in column]
        check(["fma"], [value], [np.array(exact)], inputs, [column], lanes)


@pytest.mark.parametrize("lanes", [0, 1])
def test_philox(lanes: int) -> None:
    with fresh_table():
        inputs = arguments(("u8", "u8", "u8"))
        key, counter, stream = (load(b, (var("i"),)) for b in inputs)
        rng = np.random.default_rng(1)
        columns = [rng.integers(0, 2**64, 77, np.uint64) for _ in inputs]
        row = SCALAR_OPS["philox"]
        values = [e.philox(key, counter, stream), e.philox(key, counter, lit(6, "u8")),
                  e.philox(key, counter, lit(7, "u8"))]
        expected = [row.evaluate(*columns), row.evaluate(*columns[:2], np.full(77, 6, np.uint64)),
                    row.evaluate(*columns[:2], np.full(77, 7, np.uint64))]
        check(["any", "6", "7"], values, expected, inputs, columns, lanes)


@pytest.mark.parametrize("lanes", [0, 1])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_rescue_calls_libm_for_the_flagged(dtype: str, lanes: int) -> None:
    with fresh_table():
        inputs = arguments((dtype,))
        x = load(inputs[0], (var("i"),))
        column = np.linspace(-4, 4, 83).astype(dtype)
        value = e.op("rescue_sin", e.gt(x, 3.0), e.mul(x, 2.0), x)
        found, = harness.run(maps([value], inputs, lanes), [column])
        rare = column > 3
        np.testing.assert_array_equal(found[~rare], column[~rare] * 2)
        np.testing.assert_allclose(found[rare], np.sin(column[rare]), rtol=1e-6)
