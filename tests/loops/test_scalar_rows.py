"""The rows of `loops.scalar`: what they say about integers is true of what they do, and no pass
names operations to say it again."""

import ast
from pathlib import Path

import numpy as np
import pytest

from hotloop import loops
from hotloop.loops.expr import e, fresh_table, lit
from hotloop.loops.scalar import COUNTED, LOW, SCALAR_OPS, TRUTH, WHOLE

TEXTS = ("scalar.py", "instructions.py")
"""The rows, and their LLVM text."""


def test_no_pass_has_a_list_of_operations():
    root = Path(loops.__file__).parents[1]
    for path in sorted((*root.glob("loops/*.py"), *root.glob("llvm/*.py"))):
        for node in ast.walk(ast.parse(path.read_text())) if path.name not in TEXTS else ():
            inside = node.keys if isinstance(node, ast.Dict) else (
                node.elts if isinstance(node, ast.Set | ast.Tuple | ast.List) else ())
            names = [x.value for x in inside if isinstance(x, ast.Constant)
                     and isinstance(x.value, str) and x.value in SCALAR_OPS]
            assert len(names) < 2, f"{path}:{node.lineno}: {names} should be a column of their rows"


BYTES = np.arange(-128, 128, dtype="i2")
A, B = (x.ravel() for x in np.meshgrid(BYTES, BYTES))


def of(name, dtype):
    row = SCALAR_OPS[name]
    with np.errstate(all="ignore"):
        return row.evaluate(*(x.astype(dtype) for x in (A, B)[:row.arity]))


@pytest.mark.parametrize("name", [name for name, row in SCALAR_OPS.items() if row.bits])
def test_what_fewer_bits_do(name):
    row, wide, short = SCALAR_OPS[name], of(name, "i2"), of(name, "i1")
    if row.bits == LOW:
        other = row.evaluate(*(x ^ np.int16(0x4300) for x in (A, B)[:row.arity]))
        assert (other.astype("i1") == short).all()
    right = {LOW: True, COUNTED: (B >= 0) & (B < 8), WHOLE: (wide >= -128) & (wide < 128)}
    assert ((wide.astype(short.dtype) == short) | ~np.broadcast_to(right[row.bits], A.shape)).all()


def test_comparisons_are_what_their_gaps_say():
    for row in SCALAR_OPS.values():
        if row.compares is None:
            continue
        assert row.dtype == TRUTH
        opposite = SCALAR_OPS[row.compares.negated]
        assert (opposite.evaluate(A, B) == ~row.evaluate(A, B)).all()
        assert (SCALAR_OPS[row.compares.mirrored].evaluate(B, A) == row.evaluate(A, B)).all()
        low, high = row.compares.gap or opposite.compares.gap
        inside = (low is None or low <= A - B) & (high is None or high >= A - B)
        assert (inside == (row.evaluate(A, B) == (row.compares.gap is not None))).all(), row.name


def test_what_rows_say_of_others():
    for name, row in SCALAR_OPS.items():
        short = of(name, "i1") if row.bits or row.wraps else None
        if row.sign:
            assert (short == ((A if row.arity > 1 else 0) + row.sign * (B if row.arity > 1 else A)
                              ).astype("i1")).all()
        if row.wraps:
            assert (short == (of(row.wraps, "i2") != of(row.wraps, "i1"))).all()
        if row.picks:
            assert (short == np.where(of(row.picks, "i1"), A, B)).all()
        if row.undone:
            kept = (B >= 0) & (B < 8) & (of(name, "i4") == short)
            back = SCALAR_OPS[row.undone].evaluate(short, B.astype("i1"))
            assert (back == A)[kept].all()
            assert kept.any()
        if row.settled is not None:
            assert row.evaluate(row.settled, np.array([False, True])).tolist() == [row.settled] * 2
        if row.division is not None:
            by = np.array([row.division.by(int(b)) for b in B])
            kept = (by > 0) & ((A >= 0) | (row.division.by(1) == 1))
            quotient = np.trunc(A[kept] / by[kept])
            assert (short[kept] == (A[kept] - quotient * by[kept] if row.division.remainder
                                    else quotient)).all()
        if row.combines is not None:
            for dtype in ("i1", "f8") if row.commutative and not name.endswith("or") else ("i1",):
                if name == "and" and dtype == "f8":
                    continue
                neutral = np.asarray(row.combines.identity(np.dtype(dtype))).astype(dtype)
                assert (row.evaluate(neutral, A.astype(dtype)) == A).all()
            if row.combines.inverse is not None:
                inverse, of_b = row.combines.inverse
                with fresh_table():
                    back = of_b(e, lit(3.0, "d")).args[0]
                assert np.allclose(row.evaluate(7.0, back), SCALAR_OPS[inverse].evaluate(7.0, 3.0))
