"""Reading the text of Loops (`text` says what it looks like)."""

from __future__ import annotations

import ast
import importlib
import re

import numpy as np

from hotloop.errors import Location
from hotloop.ir.text import DAMAGED
from hotloop.ir.types import DTYPES
from hotloop.loops.callback import Callback
from hotloop.loops.core import (
    ARG,
    ARG_WRITTEN,
    LENT,
    RESULT,
    TEMP,
    Alloc,
    Buffer,
    Call,
    Carry,
    Check,
    ErrorSite,
    For,
    Free,
    If,
    Kernel,
    Let,
    Nest,
    ScalarParam,
    Statement,
    Store,
    While,
)
from hotloop.loops.expr import Expr, e, lit, load, var

TOKEN = re.compile(r"""
    \s+
  | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<number>0x[0-9a-f]+|-?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?)|-?inf\b|nan\b)
  | (?P<path>[A-Za-z_][\w.]*:[A-Za-z_][\w.]*)
  | (?P<name>[A-Za-z_%](?:[\w?]|\.(?!\.))*)
  | (?P<mark><-|->|\.\.|[()\[\],:=+*@])
""", re.VERBOSE)

I64, F64 = np.dtype("i8"), np.dtype("f8")


def parse(text: str) -> Kernel:
    """The Kernel that `text` shows. SyntaxError says where it fails."""
    parser = _Parser(text)
    try:
        return parser.kernel()
    except DAMAGED as error:        # expressions and names say it their own way
        raise SyntaxError(f"{error!r} in line {parser.row}") from error


class _Line:
    """A line: its depth of indentation and its tokens, read from left to right."""

    def __init__(self, number: int, text: str):
        self.number, self.text = number, text
        self.depth = len(text) - len(text.lstrip())
        self.tokens: list[tuple[str, str]] = []
        self.at = 0
        position = 0
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise self.error(f"unexpected {text[position]!r}")
            if match.lastgroup:
                self.tokens.append((match.lastgroup, match.group()))
            position = match.end()
        self.tokens.append(("end", ""))

    def error(self, message: str) -> SyntaxError:
        return SyntaxError(f"{message} in line {self.number}\n  {self.text.strip()}")

    def peek(self, text: str) -> bool:
        kind, found = self.tokens[self.at]
        return found == text and kind != "string"

    def accept(self, text: str) -> bool:
        found = self.peek(text)
        self.at += found
        return found

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.error(f"expected {text!r}, found {self.tokens[self.at][1]!r}")

    def take(self, kind: str) -> str:
        if self.tokens[self.at][0] != kind:
            raise self.error(f"expected a {kind}, found {self.tokens[self.at][1]!r}")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def done(self) -> bool:
        return self.tokens[self.at][0] == "end"

    def integer(self) -> int:
        return int(self.take("number"))

    def string(self) -> str:
        return ast.literal_eval(self.take("string"))


class _Parser:
    def __init__(self, text: str):
        self.raw = [line for line in text.splitlines() if line.strip()]
        self.row = 0
        self.names: dict[str, np.dtype] = {}
        self.buffers: dict[str, Buffer] = {}
        self.short: dict[str, Expr] = {}

    # ---- lines

    def next_depth(self) -> int:
        if self.row == len(self.raw):
            return -1
        line = self.raw[self.row]
        return len(line) - len(line.lstrip())

    def word(self) -> str:
        """The first word of the next line."""
        return self.raw[self.row].split(maxsplit=1)[0]

    def statement_word(self) -> str:
        """The first word of the next line that is no `%k = ...`."""
        words = (line.split(maxsplit=1)[0] for line in self.raw[self.row:])
        return next((word for word in words if not word.startswith("%")), "")

    def line(self) -> _Line:
        if self.row == len(self.raw):
            raise SyntaxError("the text ends too early")
        self.row += 1
        return _Line(self.row, self.raw[self.row - 1])

    # ---- the kernel

    def kernel(self) -> Kernel:
        first = self.line()
        first.expect("kernel")
        kernel = Kernel(first.text.split(maxsplit=1)[1].strip(), [], [], [])
        while True:
            word = self.word()
            if word == "site":
                text = self.raw[self.row].strip()[len("site "):]
                kernel.sites.append(Callback.read(text))
                self.row += 1
                continue
            line = self.line()
            if line.accept("error"):
                kernel.errors.append(self.error_site(line))
            elif line.accept("note"):
                kernel.notes.append(line.string())
            elif line.accept("fast"):
                kernel.fast = True
            elif line.accept("body"):
                break
            else:
                kernel.params.append(self.parameter(line, len(kernel.params)))
        kernel.body = self.statements(line.depth + 2)
        line = self.abbreviations()
        line.expect("results")
        while not line.done():
            name = line.tokens[line.at][1]
            if name in self.buffers and line.tokens[line.at + 1][1] != "[":
                line.at += 1
                kernel.results.append(self.buffers[name])
            else:
                kernel.results.append(self.expression(line))
            if not line.done():
                line.expect(",")
        return kernel

    def error_site(self, line: _Line) -> ErrorSite:
        module, _, name = line.take("path").partition(":")
        exception = getattr(importlib.import_module(module), name)
        message = line.string()
        location = None
        if line.accept("at"):
            location = Location(line.string(), line.integer(), line.integer(), line.string())
        attributes = ast.literal_eval(line.string()) if line.accept("with") else None
        return ErrorSite(exception, message, location, attributes)

    def parameter(self, line: _Line, index: int) -> ScalarParam | Buffer:
        name = line.take("name")
        line.expect(":")
        dtype = self.dtype(line)
        if line.done():
            self.names[name] = dtype
            return ScalarParam(name, dtype)
        return self.buffer(line, name, dtype, index)

    def dtype(self, line: _Line) -> np.dtype:
        name = line.take("name")
        if name not in DTYPES:
            raise line.error(f"{name!r} is no dtype")
        return DTYPES[name]

    def buffer(self, line: _Line, name: str, dtype: np.dtype, index: int = -1) -> Buffer:
        line.expect("[")
        shape = self.expressions(line, "]", bind=True)      # or names carries bound later
        kind = TEMP
        if line.accept("in"):
            kind = ARG
        elif line.accept("inout"):
            kind = ARG_WRITTEN
        elif line.accept("lent"):
            kind = LENT
        elif line.accept("result"):
            kind, index = RESULT, line.integer()
        strides = None
        if line.accept("strides"):
            line.expect("(")
            strides = self.expressions(line, ")", bind=True)
        self.buffers[name] = Buffer(name, dtype, shape, kind, strides, index)
        return self.buffers[name]

    # ---- expressions

    def expressions(self, line: _Line, end: str, bind: bool = False) -> tuple[Expr, ...]:
        found = []
        while not line.accept(end):
            kind, text = line.tokens[line.at]
            if bind and kind == "name":
                self.names.setdefault(text, I64)
            found.append(self.expression(line))
            if not line.peek(end):
                line.expect(",")
        return tuple(found)

    def expression(self, line: _Line) -> Expr:
        kind, text = line.tokens[line.at]
        line.at += 1
        if kind == "number":
            return self.literal(line, text)
        if text == "(":
            total = lit(0)
            while True:
                total = e.add(total, self.term(line))
                if line.accept(")"):
                    return total
                line.expect("+")
        if kind != "name":
            raise line.error(f"expected an expression, found {text!r}")
        if text in ("True", "False"):
            return lit(text == "True", np.dtype("?"))
        if text.startswith("%"):
            return self.short[text]
        if line.accept("["):
            if text not in self.buffers:
                raise line.error(f"no buffer {text!r}")
            return load(self.buffers[text], self.expressions(line, "]"))
        if line.accept("("):
            return self.operation(line, text)
        if text not in self.names:
            raise line.error(f"no value {text!r} in scope")
        return var(text, self.names[text])

    def term(self, line: _Line) -> Expr:
        if line.tokens[line.at][0] == "number" and line.tokens[line.at + 1][1] == "*":
            factor = line.integer()
            line.expect("*")
            return e.mul(self.expression(line), factor)
        return self.expression(line)

    def operation(self, line: _Line, name: str) -> Expr:
        if name in ("convert", "bitcast"):
            value = self.expression(line)
            line.expect(",")
            dtype = self.dtype(line)
            line.expect(")")
            return e.convert(value, dtype) if name == "convert" else e.bitcast(value, dtype)
        return e.op(name, *self.expressions(line, ")"))

    def literal(self, line: _Line, text: str) -> Expr:
        dtype = F64 if re.search(r"[.naf]|e", text) and not text.startswith("0x") else I64
        if line.accept(":"):
            dtype = self.dtype(line)
        if text.startswith("0x"):
            return lit(np.frombuffer(int(text, 16).to_bytes(dtype.itemsize, "little"), dtype)[0],
                       dtype)
        return lit(dtype.type(int(text) if dtype.kind in "iu" else float(text)), dtype)

    # ---- statements

    def abbreviations(self) -> _Line:
        """The next line that is not `%k = ...`; those are remembered."""
        line = self.line()
        while line.tokens[0][1].startswith("%"):
            name = line.take("name")
            line.expect("=")
            self.short[name] = self.expression(line)
            line = self.line()
        return line

    def statements(self, depth: int, stop: tuple[str, ...] = ()) -> list[Statement]:
        """The statements at `depth`, up to a line that begins with one of `stop`."""
        found: list[Statement] = []
        while self.next_depth() == depth:
            row = self.row
            line = self.abbreviations()
            if line.tokens[0][1] in stop and line.tokens[1][1] not in ("=", "["):
                self.row = row
                break
            found.append(self.statement(line))
        return found

    def statement(self, line: _Line) -> Statement:
        word, after = line.tokens[0][1], line.tokens[1][1]
        if after == "=":
            name = line.take("name")
            line.expect("=")
            value = self.expression(line)
            self.names[name] = value.dtype
            return Let(name, value)
        if after == "[" and word in self.buffers:
            store = Store(*self.store(line))
            if line.accept("past"):
                store.past = self.expression(line)
            return store
        line.at += 1
        match word:
            case "alloc":
                return self.alloc(line)
            case "free":
                return Free(self.buffers[line.take("name")])
            case "check":
                cond = self.expression(line)
                values = []
                while line.accept(","):
                    values.append(self.expression(line))
                line.expect("error")
                return Check(cond, line.integer(), tuple(values))
            case "call":
                return self.call(line)
            case "nest":
                return self.nest(line)
            case "if":
                return self.branch(line)
            case "for":
                return self.loop_for(line)
            case "first":
                private = self.private(line.depth + 2)
                first = self.statements(line.depth + 2, ())
                line = self.abbreviations()
                line.expect("for")
                loop = self.loop_for(line)
                loop.first, loop.private = first, private
                return loop
            case "while":
                return self.loop_while(line)
        raise line.error(f"{word!r} begins no statement")

    def store(self, line: _Line) -> tuple[Buffer, tuple[Expr, ...], Expr, str | None]:
        buffer = self.buffers[line.take("name")]
        line.expect("[")
        index = self.expressions(line, "]")
        combine = None if line.peek("<-") else line.take("name")
        line.expect("<-")
        return buffer, index, self.expression(line), combine

    def alloc(self, line: _Line) -> Alloc:
        name = line.take("name")
        if line.accept(":"):
            alloc = Alloc(self.buffer(line, name, self.dtype(line)))
        else:
            alloc = Alloc(self.buffers[name])
        if line.accept("now"):
            line.expect("(")
            alloc.shape = self.expressions(line, ")")
        if line.accept("over"):
            alloc.over = self.buffers[line.take("name")]
        return alloc

    def location(self, line: _Line) -> Location | None:
        return Location("?", line.integer()) if line.accept("@") else None

    def call(self, line: _Line) -> Call:
        routine = line.take("name")
        site = line.integer()
        line.expect("(")
        ins: list[Buffer | Expr] = []
        while not line.accept(")"):
            name = line.tokens[line.at][1]
            if name in self.buffers and line.tokens[line.at + 1][1] != "[":
                line.at += 1
                ins.append(self.buffers[name])
            else:
                ins.append(self.expression(line))
            if not line.peek(")"):
                line.expect(",")
        line.expect("->")
        line.expect("(")
        outs: list[Buffer] = []
        moved: list[Buffer] = []
        while not line.accept(")"):
            outs.append(self.buffers[line.take("name")])
            if line.accept("*"):
                moved.append(outs[-1])
            if not line.peek(")"):
                line.expect(",")
        line.expect("(")
        scalars = self.typed(line, ")")
        return Call(None if routine == "python" else routine, site, tuple(ins), tuple(outs),
                    tuple(scalars), tuple(moved))

    def typed(self, line: _Line, end: str) -> list[tuple[str, np.dtype]]:
        """`name: dtype, ...`, bound from here on."""
        found = []
        while not line.accept(end):
            name = line.take("name")
            line.expect(":")
            found.append((name, self.dtype(line)))
            if not line.peek(end):
                line.expect(",")
        self.names.update(found)
        return found

    def nest(self, line: _Line) -> Nest:
        names, domain = [], []
        while line.tokens[line.at][0] == "name" and not line.peek("reduce"):
            names.append(line.take("name"))
            line.expect("in")
            domain.append(self.expression(line))
            line.accept(",")
        reduced, combine = 0, None
        if line.accept("reduce"):
            reduced = line.integer()
            line.expect("by")
            combine = line.take("name")
        nest = Nest(tuple(names), tuple(domain), [], reduced, combine, self.location(line))
        self.names.update((name, I64) for name in names)
        while self.next_depth() > line.depth:
            buffer, index, value, _ = self.store(self.abbreviations())
            nest.stores.append((buffer, index, value))
        return nest

    def branch(self, line: _Line) -> If:
        cond = self.expression(line)
        likely = line.accept("likely")
        location = self.location(line)
        then = self.statements(line.depth + 2, ("give",))
        given = [self.give(line.depth + 2)]
        orelse: list[Statement] = []
        if self.next_depth() == line.depth and self.word() == "else":
            self.row += 1
            orelse = self.statements(line.depth + 2, ("give",))
            given.append(self.give(line.depth + 2))
        outs = []
        if given[0]:
            names = self.line()
            names.expect("->")
            outs = [(name, dtype, a, b) for (name, dtype), a, b in zip(
                self.typed(names, ""), given[0], given[1], strict=True)]
        return If(cond, then, orelse, outs, location, likely)

    def give(self, depth: int) -> list[Expr]:
        if self.next_depth() != depth:
            return []
        line = self.abbreviations()
        line.expect("give")
        found = [self.expression(line)]
        while line.accept(","):
            found.append(self.expression(line))
        return found

    def carries(self, depth: int) -> list[Carry]:
        found = []
        while self.next_depth() == depth and self.statement_word() == "carry":
            line = self.abbreviations()
            line.expect("carry")
            name = line.take("name")
            line.expect(":")
            dtype = self.dtype(line)
            line.expect("=")
            init = self.expression(line)
            found.append(Carry(name, dtype, init, init,
                               line.take("name") if line.accept("reduce") else None))
        self.names.update((carry.name, carry.dtype) for carry in found)
        return found

    def ends(self, loop: For | While, depth: int) -> None:
        for carry in loop.carries:
            line = self.abbreviations()
            line.expect("next")
            line.expect(carry.name)
            line.expect("=")
            carry.next = self.expression(line)
        while self.next_depth() == depth:
            line = self.line()
            line.expect("swap")
            loop.swaps.append((self.buffers[line.take("name")], self.buffers[line.take("name")]))

    def private(self, depth: int) -> list[Buffer]:
        found = []
        while self.next_depth() == depth and self.statement_word() == "private":
            line = self.line()
            line.expect("private")
            found.append(self.alloc(line).buffer)
        return found

    def loop_for(self, line: _Line) -> For:
        name = line.take("name")
        line.expect("in")
        lo = self.expression(line)
        line.expect("..")
        hi = self.expression(line)
        line.expect("step")
        loop = For(name, lo, hi, self.expression(line), [])
        if line.accept("until"):
            loop.until = line.take("name")
        loop.regular = line.accept("regular")
        loop.loose = line.accept("loose")
        loop.independent = line.accept("independent")
        loop.once = line.accept("once")
        loop.ahead = line.accept("ahead")
        loop.lanes = line.integer() if line.accept("lanes") else 0
        if line.accept("stop"):
            loop.stop = line.take("name")
        loop.note = line.string() if line.accept("note") else ""
        loop.parallel = self.expression(line) if line.accept("parallel") else None
        loop.location = self.location(line)
        depth = line.depth + 2
        loop.private = self.private(depth)
        self.names[name] = I64
        loop.carries = self.carries(depth)
        loop.body = self.statements(depth, ("next", "swap"))
        self.ends(loop, depth)
        if loop.stop is not None:
            self.names[loop.stop] = I64
        return loop

    def loop_while(self, line: _Line) -> While:
        location = self.location(line)
        depth = line.depth + 2
        carries = self.carries(depth)
        test = self.statements(depth, ("unless",))
        leave = self.abbreviations()
        leave.expect("unless")
        loop = While(test, self.expression(leave), [], carries, location=location)
        loop.body = self.statements(depth, ("next", "swap"))
        self.ends(loop, depth)
        return loop
