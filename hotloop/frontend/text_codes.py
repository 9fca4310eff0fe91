"""Codes of text in the pool, for `in_text`: what is plain there is emitted here.

    code(codes, s, i)       the code of character i of the text at `s`, which exists
    push(codes, c)          one more code at the end of the pool

A text is its start in the pool and its length. A start below zero is ~ of the only character.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import emit, lit
from hotloop.frontend.list_buffers import more
from hotloop.frontend.list_values import List
from hotloop.frontend.lists import append, write
from hotloop.frontend.tracers import NUMPY_KIND, PYTHON, Scalar, convert, dim_of, value
from hotloop.ir.core import Atom, Dim, Var
from hotloop.ir.types import I64

I32 = np.dtype(np.int32)
LAST_CODE = 0x10FFFF


def read(codes: List, start: Dim, i: Dim, plain: bool) -> Atom:
    """The code of character i of the text at `start`, an i64."""
    place = more(start, i)
    if not plain:
        place, = emit("maximum", [place, lit(0)], [(I64, ())])
    found, = emit("get", [codes.data.atoms[0], place], [(I32, ())], codes="i")
    wide = convert(found, I64)
    if not plain:
        below = dm.compare("lt", start, 0)
        alone, = emit("not", [start], [(I64, ())])
        wide, = emit("select", [below, alone, wide], [(I64, ())])
    return in_range(wide)


def in_range(code: Atom) -> Atom:
    return dm.bound(code, 0, LAST_CODE) if type(code) is Var else code


def code(codes: List, s: Any, i: Any) -> Any:
    return Scalar(read(codes, dim_of(s), dim_of(i), False), PYTHON)


def push(codes: List, c: Any) -> None:
    append(codes, Scalar(convert(value(c), I32), NUMPY_KIND))


def put_code(codes: List, k: Any, c: Any) -> None:
    """Another code at a place that exists."""
    codes.changing()
    write(codes, dim_of(k), [convert(value(c), I32)])
