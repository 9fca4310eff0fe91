"""A small emitter for the tests of mathlib: an expression of x (and y) as a function on vectors.

    f = compile_expression(e.exp(x), "x")      # without mathlib.expand: machine operations only
    f(np.linspace(0, 1, 100))

Independent of llvm.emit, so that a fault of either shows.
"""

from __future__ import annotations

import ctypes

import numpy as np

from hotloop.llvm import engine, loader
from hotloop.loops.expr import Expr, operands
from hotloop.loops.scalar import SCALAR_OPS

LLVM = {"f4": "float", "f8": "double", "i4": "i32", "i8": "i64", "b1": "i1"}
SUFFIX = {"f4": "f32", "f8": "f64"}
BINARY = {"add": ("fadd", "add"), "sub": ("fsub", "sub"), "mul": ("fmul", "mul"),
          "div": ("fdiv", ""), "and": ("", "and"), "or": ("", "or"), "xor": ("", "xor"),
          "shl": ("", "shl"), "ashr": ("", "ashr"), "lshr": ("", "lshr")}
INTRINSIC = {"abs": "fabs", "rint": "rint", "sqrt": "sqrt", "copysign": "copysign", "fma": "fma"}


class Emitter:
    def __init__(self, width: int):
        self.width, self.lines, self.names, self.blocks = width, [], {}, 0
        self.declared: set[str] = set()
        self.block = "loop"

    def type(self, dtype: np.dtype) -> str:
        return f"<{self.width} x {LLVM[dtype.str[1:]]}>"

    def op(self, text: str) -> str:
        self.lines.append(f" %v{len(self.lines)} = {text}")
        return f"%v{len(self.lines) - 1}"

    def intrinsic(self, name: str, dtype: np.dtype, args: list[str]) -> str:
        t = self.type(dtype)
        full = f"@llvm.{name}.v{self.width}{SUFFIX[dtype.str[1:]]}"
        self.declared.add(f"declare {t} {full}({', '.join([t] * len(args))})")
        return self.op(f"call {t} {full}({', '.join(f'{t} {a}' for a in args)})")

    def literal(self, value: np.generic) -> str:
        kind = value.dtype
        if kind.kind == "f":
            text = f"0x{np.float64(value).view('u8'):016X}"
        else:
            text = str(int(value))
        return f"splat ({LLVM[kind.str[1:]]} {text})"

    def value(self, root: Expr) -> str:
        stack = [root]
        while stack:
            node = stack[-1]
            missing = [k for k in operands(node) if k not in self.names]
            if missing:
                stack.extend(missing)
                continue
            if node not in self.names:
                self.names[node] = self.emit(node)
            stack.pop()
        return self.names[root]

    def emit(self, node: Expr) -> str:
        a = [self.names[k] for k in operands(node)]
        t = self.type(node.dtype)
        source = operands(node)[-1].dtype if operands(node) else node.dtype
        s = self.type(source)
        floating = source.kind == "f"
        if node.op == "lit":
            return self.literal(node.args[0])
        if node.op == "aff":
            total = self.literal(np.int64(node.args[0]))
            for (_, k), x in zip(node.args[1], a, strict=True):
                if k not in (1, -1):
                    x, k = self.op(f"mul {t} {x}, {self.literal(np.int64(k))}"), 1
                total = self.op(f"{'add' if k == 1 else 'sub'} {t} {total}, {x}")
            return total
        if node.op in BINARY:
            return self.op(f"{BINARY[node.op][not floating]} {t} {a[0]}, {a[1]}")
        if node.op in INTRINSIC:
            return self.intrinsic(INTRINSIC[node.op], node.dtype, a)
        if node.op == "neg":
            return self.op(f"fneg {t} {a[0]}")
        if node.op == "not":
            return self.op(f"xor {t} {a[0]}, splat (i1 true)")
        if node.op in ("lt", "le", "gt", "ge", "eq", "ne"):
            sign = "s" if node.op not in ("eq", "ne") else ""
            test = f"fcmp {'une' if node.op == 'ne' else 'o' + node.op}" if floating else (
                f"icmp {sign}{node.op}")
            return self.op(f"{test} {s} {a[0]}, {a[1]}")
        if node.op == "isnan":
            return self.op(f"fcmp uno {s} {a[0]}, {a[0]}")
        if node.op == "signbit":
            ints = f"<{self.width} x i{8 * source.itemsize}>"
            return self.op(f"icmp slt {ints} {self.op(f'bitcast {s} {a[0]} to {ints}')}, "
                           "zeroinitializer")
        if node.op == "select":
            return self.op(f"select <{self.width} x i1> {a[0]}, {t} {a[1]}, {t} {a[2]}")
        if node.op == "bitcast":
            return self.op(f"bitcast {s} {a[0]} to {t}")
        if node.op == "convert":
            kinds = source.kind + node.dtype.kind
            how = {"if": "sitofp", "fi": "fptosi"}.get(kinds) or (
                "fpext" if node.dtype.itemsize > source.itemsize else "fptrunc")
            return self.op(f"{how} {s} {a[0]} to {t}")
        assert SCALAR_OPS[node.op].rescue, f"not a machine operation: {node.op}"
        return self.rescue(node, a)

    def rescue(self, node: Expr, a: list[str]) -> str:
        """Branch round the slow lanes."""
        w, t, element = self.width, self.type(node.dtype), LLVM[node.dtype.str[1:]]
        name = SCALAR_OPS[node.op].rescue + ("f" if node.dtype.itemsize == 4 else "")
        self.declared.add(f"declare {element} @{name}({', '.join([element] * (len(a) - 2))})")
        self.declared.add(f"declare i1 @llvm.vector.reduce.or.v{w}i1(<{w} x i1>)")
        any_ = self.op(f"call i1 @llvm.vector.reduce.or.v{w}i1(<{w} x i1> {a[0]})")
        self.blocks += 1
        slow, after, before = f"slow{self.blocks}", f"after{self.blocks}", self.block
        self.lines.append(f" br i1 {any_}, label %{slow}, label %{after}\n{slow}:")
        result = a[1]
        for k in range(w):
            xs = [self.op(f"extractelement {t} {x}, i32 {k}") for x in a[2:]]
            y = self.op(f"call {element} @{name}({', '.join(f'{element} {x}' for x in xs)})")
            old = self.op(f"extractelement {t} {a[1]}, i32 {k}")
            lane = self.op(f"extractelement <{w} x i1> {a[0]}, i32 {k}")
            new = self.op(f"select i1 {lane}, {element} {y}, {element} {old}")
            result = self.op(f"insertelement {t} {result}, {element} {new}, i32 {k}")
        self.lines.append(f" br label %{after}\n{after}:")
        self.block = after
        return self.op(f"phi {t} [{a[1]}, %{before}], [{result}, %{slow}]")


def text(expr: Expr, params: tuple[Expr, ...], width: int) -> str:
    """LLVM text of kernel(out, n, ins...), n a multiple of the width."""
    b = Emitter(width)
    for k, p in enumerate(params):
        at = b.op(f"getelementptr {LLVM[p.dtype.str[1:]]}, ptr %p{k}, i64 %i")
        b.names[p] = b.op(f"load {b.type(p.dtype)}, ptr {at}, align 4")
    result = b.value(expr)
    at = b.op(f"getelementptr {LLVM[expr.dtype.str[1:]]}, ptr %out, i64 %i")
    declared = "\n".join(sorted(b.declared))
    pointers = "".join(f", ptr noalias %p{k}" for k in range(len(params)))
    body = "\n".join(b.lines)
    return (f"{declared}\ndefine void @kernel(ptr noalias %out, i64 %n{pointers}) {{\nentry:\n"
            f" br label %loop\nloop:\n %i = phi i64 [0, %entry], [%next, %{b.block}]\n{body}\n"
            f" store {b.type(expr.dtype)} {result}, ptr {at}, align 4\n"
            f" %next = add i64 %i, {width}\n %more = icmp slt i64 %next, %n\n"
            f" br i1 %more, label %loop, label %done\ndone:\n ret void\n}}\n")


class Compiled:
    """Callable on arrays of equal length; `run(out, *ins)` without copies, for timing."""

    def __init__(self, expr: Expr, params: tuple[Expr, ...], width: int = 0):
        self.dtype, self.dtypes = expr.dtype, [p.dtype for p in params]
        self.width = width or 64 // params[0].dtype.itemsize
        self.text = text(expr, params, self.width)
        self.object = engine.compile_text(self.text)
        self.code = loader.load(self.object, {})
        pointers = [ctypes.c_void_p] * len(params)
        self.function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, *pointers)(
            self.code["kernel"])

    def run(self, out: np.ndarray, *ins: np.ndarray) -> None:
        self.function(out.ctypes.data, len(out), *[x.ctypes.data for x in ins])

    def __call__(self, *ins: np.ndarray) -> np.ndarray:
        n = len(ins[0])
        padded = -(-n // self.width) * self.width
        full = [np.resize(np.asarray(x, d), padded) for x, d in zip(ins, self.dtypes, strict=True)]
        out = np.empty(padded, self.dtype)
        self.run(out, *full)
        return out[:n]


