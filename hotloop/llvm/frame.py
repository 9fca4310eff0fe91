"""The kernel's calling convention: one pointer to a frame of 8-byte slots.

    i64 kernel(ptr frame)      0 done | 0 < k < 2**32: check k - 1 failed | -1: a Python exception
                               is set | k << 32: done, floating-point flags k are set (llvm.flags)

    slot 0   alloc     ptr (ptr frame, i64 result, ptr dims): memory for array result number
                       `result` (position among the Program's fresh results), whose shape is the
                       i64s at `dims`; NULL with an exception set when there is none
    slot 1   call      i64 (ptr frame, i64 site, ptr operands): call back into Python; 0, or -1
                       with an exception set. Operands: one 8-byte cell for a scalar; for a buffer
                       the data pointer followed by its dims (C order)
    slot 2   table     ptr to addresses the object refers to by number (see engine.Code.externals)
    slot 3   context   opaque to the kernel, for whoever implements slots 0 and 1
    slots 4-15         operands of the failing check
    slots 16...        the parameters in the Program's order, then the scalar results

A scalar takes one slot (its bits in the low bytes; bool 0 or 1), a complex scalar two (real,
imaginary). An array takes a data pointer, `rank` dims (elements) and, unless its parameter is
declared contiguous, `rank` strides (bytes). Array results take no slot.
"""

from __future__ import annotations

import numpy as np

from hotloop.ops.table import MAX_OPERANDS
from hotloop.record import record

ALLOC, CALL, TABLE, CONTEXT, OPERANDS = range(5)
PARAMS = OPERANDS + MAX_OPERANDS
DONE, RAISED = 0, -1


@record
class ScalarSlot:
    """Where a scalar parameter or result lies; `slots` is 2 for a complex."""
    slot: int
    dtype: np.dtype

    @property
    def slots(self) -> int:
        return 2 if self.dtype.kind == "c" else 1


@record
class ArraySlot:
    """Where an array parameter lies: data pointer, dims, and strides unless contiguous."""
    slot: int
    dtype: np.dtype
    rank: int
    contiguous: bool

    @property
    def dims(self) -> int:
        return self.slot + 1

    @property
    def strides(self) -> int:
        return self.slot + 1 + self.rank

    @property
    def slots(self) -> int:
        return 1 + self.rank * (1 if self.contiguous else 2)


@record
class ArrayResult:
    """An array result: what `alloc` makes for `result` number k."""
    dtype: np.dtype
    rank: int


@record
class Frame:
    """Layout of one kernel's frame. `results` is in the order of the Program's fresh results."""
    params: tuple[ScalarSlot | ArraySlot, ...]
    results: tuple[ScalarSlot | ArrayResult, ...]
    size: int


def layout(params: list[tuple[np.dtype, int, bool]], results: list[tuple[np.dtype, int]]) -> Frame:
    """Lay out (dtype, rank, contiguous) parameters and (dtype, rank) results. Scalars are declared
    contiguous; rank 0 that is not is an array of rank 0, passed by pointer (it is written).

    >>> layout([(np.dtype("f8"), 1, True)], [(np.dtype("f8"), 0)]).size
    19
    """
    at = PARAMS
    ins: list[ScalarSlot | ArraySlot] = []
    outs: list[ScalarSlot | ArrayResult] = []
    for dtype, rank, contiguous in params:
        entry = (
            ArraySlot(at, dtype, rank, contiguous) if rank or not contiguous
            else ScalarSlot(at, dtype))
        ins.append(entry)
        at += entry.slots
    for dtype, rank in results:
        if rank:
            outs.append(ArrayResult(dtype, rank))
        else:
            outs.append(ScalarSlot(at, dtype))
            at += 2 if dtype.kind == "c" else 1
    return Frame(tuple(ins), tuple(outs), at)
