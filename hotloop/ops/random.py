"""Counter-based random numbers: bits are a pure function of key, counter and stream.

    u:f64[] = random_uniform[stream=0] key i

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): loops that
draw numbers vectorize, run in parallel and give the same numbers however they are scheduled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hotloop.ir.core import Atom, Block
from hotloop.ir.types import F64, I64, U64, Type
from hotloop.ops.derivative import Zero
from hotloop.ops.domains import check_count, joint_shape
from hotloop.ops.table import PURE, Map, OpDef, Sample, register

SEEDED = 0x5EED
"""The key that is folded with the number a program seeds with."""

listeners: list[Callable[[int], None]] = []
"""Called when a program seeds: `entry.key` starts its keys there."""


def seed_stream(number: Any) -> None:
    for listener in listeners:
        listener(int(number))


FOLD_STREAM = 2**64 - 1
"""The stream that makes keys out of keys; `stream` params are below."""

EXPONENT_OF_ONE = 0x3FF0_0000_0000_0000
"""The bits of 1.0: with 52 random bits below it, a number of [1, 2)."""


def philox(key: Any, counter: Any, stream: int) -> Any:
    """64 bits: words 2h and 2h+1 of the block (counter, stream >> 1), h = stream & 1."""
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    key, counter = np.asarray(key, np.uint64), np.asarray(counter).astype(np.uint64)
    block = np.uint64(stream >> 1)
    x = [counter & mask, counter >> shift, block & mask, block >> shift]
    k0, k1 = key & mask, key >> shift
    for _ in range(10):
        p0, p1 = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [p1 >> shift ^ x[1] ^ k0, p1 & mask, p0 >> shift ^ x[3] ^ k1, p0 & mask]
        k0, k1 = k0 + np.uint64(0x9E3779B9) & mask, k1 + np.uint64(0xBB67AE85) & mask
    half = stream & 1
    return (x[2 * half] | x[2 * half + 1] << shift)[()]


def uniform(bits: Any) -> Any:
    """[0, 1) in steps of 2**-52."""
    mantissa = bits >> np.uint64(12) | np.uint64(EXPONENT_OF_ONE)
    return np.asarray(mantissa).view(F64)[()] - 1.0


def _bits_expr(e: Any, key: Any, counter: Any, stream: int) -> Any:
    return e.philox(key, e.convert(counter, U64), e.lit(stream, U64))


def _uniform_expr(e: Any, key: Any, counter: Any, stream: int) -> Any:
    mantissa = e.lshr(_bits_expr(e, key, counter, stream), e.lit(12, U64))
    return e.sub(e.bitcast(e.or_(mantissa, e.lit(EXPONENT_OF_ONE, U64)), F64), 1.0)


def _row(name: str, doc: str, dtype: np.dtype, numpy: Callable[..., Any], expr: Callable[..., Any],
         streams: bool) -> OpDef:
    def type_rule(ins: tuple[Atom, ...], params: dict[str, Any],
                  blocks: tuple[Block, ...]) -> list[Type]:
        check_count(name, ins, 2, 2)
        if ins[0].dtype != U64 or ins[1].dtype != I64:
            raise TypeError(f"{name} of {ins[0].type!r} and {ins[1].type!r}: takes u64 and i64")
        stream = params.get("stream")
        if streams and not (isinstance(stream, int) and 0 <= stream < FOLD_STREAM):
            raise TypeError(f"{name}: stream={stream!r} is no int of 0 ... 2**64-2")
        return [Type(dtype, joint_shape(name, ins))]

    def samples() -> Iterator[Sample]:
        for stream in (0, 1, 2, 5 << 33 | 1) if streams else (None,):
            params = {} if stream is None else {"stream": stream}
            yield Sample((np.uint64(2**63 + 12345), np.int64(7)), params)
            yield Sample((np.uint64(1), np.arange(-3, 5)), params)
            yield Sample((np.arange(6, dtype=np.uint64).reshape(2, 3) << np.uint64(33),
                          np.arange(6).reshape(2, 3)), params)
            yield Sample((np.uint64(1), np.zeros((0, 2), np.int64)), params)

    return register(OpDef(name, doc, type_rule, lambda params, *ins: numpy(*ins, **params),
                          Map(expr, None, dear=True), PURE, True, None, samples, Zero()))


random_bits = _row("random_bits", "64 random bits", U64, philox, _bits_expr, True)
random_uniform = _row("random_uniform", "uniform in [0, 1)", F64,
                      lambda key, counter, stream: uniform(philox(key, counter, stream)),
                      _uniform_expr, True)
random_fold = _row("random_fold", "a new key for each (key, data)", U64,
                   lambda key, data: philox(key, data, FOLD_STREAM),
                   lambda e, key, data: _bits_expr(e, key, data, FOLD_STREAM), False)
