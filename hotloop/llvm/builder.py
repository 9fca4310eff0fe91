"""LLVM text, line by line: names of values, types, constants, blocks, declarations of intrinsics.

    b = Builder()
    t = type_of(np.dtype("f8"), 8)              # <8 x double>
    x = b.op(f"fadd {t} %a, {b.constant(1.0, t)}")      # appends "%v1 = fadd <8 x double> %a, ..."

Text is fast: a line costs about a microsecond here and about as much in LLVM's parser.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_NAMES = {"f2": "half", "f4": "float", "f8": "double", "b1": "i1",
          **{f"{k}{n}": f"i{8 * n}" for k in "iu" for n in (1, 2, 4, 8)}}
_SUFFIXES = {"half": "f16", "float": "f32", "double": "f64"}


class Type:
    """The LLVM type of a scalar or of a vector of `lanes` of them; formats as its text.

    kind     NumPy's letter: b i u f         bits     width of an element
    element  text of the element's type      suffix   in intrinsics' names: f64, v8f64
    """

    __slots__ = ("bits", "dtype", "element", "kind", "lanes", "suffix", "text")

    def __init__(self, dtype: np.dtype, lanes: int):
        self.dtype, self.lanes, self.kind = dtype, lanes, dtype.kind
        self.element = _NAMES[dtype.str[1:]]
        self.bits = 1 if dtype.kind == "b" else 8 * dtype.itemsize
        self.text = f"<{lanes} x {self.element}>" if lanes else self.element
        suffix = _SUFFIXES.get(self.element, self.element)
        self.suffix = f"v{lanes}{suffix}" if lanes else suffix

    def __str__(self) -> str:
        return self.text

    def of(self, dtype: Any) -> Type:
        """As many lanes of another dtype."""
        return type_of(np.dtype(dtype), self.lanes)


_types: dict[tuple[np.dtype, int], Type] = {}


def type_of(dtype: np.dtype, lanes: int = 0) -> Type:
    found = _types.get((dtype, lanes))
    if found is None:
        found = _types[dtype, lanes] = Type(dtype, lanes)
    return found


def scalar_text(value: Any, t: Type) -> str:
    """A constant of the element type of `t`; floats as bits, so nothing is lost."""
    if t.kind == "b":
        return "true" if value else "false"
    if t.kind == "f":
        if t.bits == 16:
            return f"0xH{int(np.float16(value).view(np.uint16)):04X}"
        return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
    value = int(value)
    return str(value - 2**64 if value >= 2**63 else value)


@functools.cache
def iota(lanes: int, step: int = 1, dtype: str = "i64") -> str:
    """The constant vector 0, step, 2*step, ..."""
    return "<" + ", ".join(f"{dtype} {k * step}" for k in range(lanes)) + ">"


LIKELY, UNLIKELY = ", !prof !1", ", !prof !0"


class Builder:
    """Lines of the function being emitted, and what it needs around it.

    `entry` holds lines for the beginning of the entry block (parameters, stack slots), `cold` the
    blocks that are seldom entered, to be placed last. `block` is the label of the current block.
    `watched`: somebody will read the floating-point flags (`llvm.flags`). `of_floats`: the names of
    comparisons of floats, which are in masks.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.entry: list[str] = []
        self.cold: list[str] = []
        self.block = "entry"
        self.watched = False
        self.of_floats: set[str] = set()
        self.declarations: dict[str, str] = {}
        self._count = 0

    def name(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def op(self, text: str) -> str:
        """Append an instruction that has a value; the value's name."""
        self._count = n = self._count + 1
        self.lines.append(f"%v{n} = {text}")
        return f"%v{n}"

    def at_entry(self, text: str) -> str:
        """An instruction in the entry block, before everything else."""
        name = self.name()
        self.entry.append(f"{name} = {text}")
        return name

    def stack(self, bytes_: int) -> str:
        """Aligned memory that lives as long as the call."""
        return self.at_entry(f"alloca [{bytes_} x i8], align 64")

    def label(self) -> str:
        self._count += 1
        return f"l{self._count}"

    def begin(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        self.lines.append(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str, weights: str = "") -> None:
        self.lines.append(f"br i1 {condition}, label %{yes}, label %{no}{weights}")

    @contextmanager
    def out_of_line(self, label: str) -> Iterator[None]:
        """What is appended inside goes to the cold end of the function, as block `label`."""
        lines, block = self.lines, self.block
        self.lines = []
        self.begin(label)
        yield
        self.cold += self.lines
        self.lines, self.block = lines, block

    def phi(self, t: object, *ways: tuple[str, str]) -> str:
        """ways: (value, label of the predecessor)."""
        return self.op(f"phi {t} " + ", ".join(f"[{v}, %{b}]" for v, b in ways))

    def constant(self, value: Any, t: Type) -> str:
        text = scalar_text(value, t)
        return f"splat ({t.element} {text})" if t.lanes else text

    def declare(self, name: str, result: object, arguments: str) -> None:
        if name not in self.declarations:
            self.declarations[name] = f"declare {result} @{name}({arguments})"

    def intrinsic(self, name: str, t: Type, *arguments: str, extra: str = "") -> str:
        """Call llvm.NAME.SUFFIX, whose operands and result are all of type t; `extra` is a last
        argument of another type ("i1 false")."""
        full = f"llvm.{name}.{t.suffix}"
        if full not in self.declarations:
            types = [t.text] * len(arguments) + ([extra.split()[0]] if extra else [])
            self.declare(full, t, ", ".join(types))
        given = ", ".join([f"{t} {a}" for a in arguments] + ([extra] if extra else []))
        return self.op(f"call {t} @{full}({given})")

    def apart(self, value: str, t: Type) -> str:
        """The value, computed in all lanes: LLVM would make of a choice of `a / b` or something
        else a division of some lanes only, and the others would set no flag."""
        if not self.watched or t.bits < 32:
            return value
        floats = t.of(f"f{t.bits // 8}")
        if t.kind == "f":
            return self.intrinsic("arithmetic.fence", t, value)
        same = self.intrinsic("arithmetic.fence", floats,
                              self.op(f"bitcast {t} {value} to {floats}"))
        return self.op(f"bitcast {floats} {same} to {t}")

    def counter(self, phi: str) -> str:
        """A loop's counter, not to be strength-reduced: LLVM takes up to half of all its time for
        that, and has little left to find where rows are hoisted (`Values.row`). A laundered pointer
        is the same number, but not known to grow by one; code generation drops it."""
        self.declare("llvm.launder.invariant.group.p0", "ptr", "ptr")
        at = self.op(f"inttoptr i64 {phi} to ptr")
        same = self.op(f"call ptr @llvm.launder.invariant.group.p0(ptr {at})")
        return self.op(f"ptrtoint ptr {same} to i64")

    def splat(self, value: str, t: Type) -> str:
        """A scalar in all lanes of the vector type t."""
        first = self.op(f"insertelement {t} poison, {t.element} {value}, i64 0")
        return self.op(f"shufflevector {t} {first}, {t} poison, <{t.lanes} x i32> zeroinitializer")

    def any_lane(self, mask: str, lanes: int) -> str:
        """Is a lane of the <lanes x i1> set?"""
        return self.op(f"icmp ne i{lanes} {self.mask_bits(mask, lanes)}, 0")

    def mask_bits(self, mask: str, lanes: int) -> str:
        return self.op(f"bitcast <{lanes} x i1> {mask} to i{lanes}")
