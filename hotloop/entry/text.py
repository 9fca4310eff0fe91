"""Writing the native machine's functions as LLVM text.

    f = Function("define i64 @twice(ptr %x)")
    value = f.load("i64", "%x", 8)
    f.line(f"ret i64 {f.op(f'shl i64 {value}, 1')}")

Mutable variables are stack slots (`variable`) and stay so: registers would save 2 ns a call, and
take LLVM's passes twice as long as all else.
"""

from __future__ import annotations

from hotloop.entry import abi
from hotloop.entry.capi import NEGATIVE, NULL, ROWS


class Function:
    """One function: its lines. `%` names made here begin with `v`, labels with `l`."""

    def __init__(self, head: str):
        self.lines = [head + " {", "entry:"]
        self.count = 0

    def text(self) -> str:
        return "\n".join([*self.lines, "}"])

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def op(self, text: str) -> str:
        """An instruction with a value; its name."""
        self.count += 1
        self.line(f"%v{self.count} = {text}")
        return f"%v{self.count}"

    def at(self, base: str, offset: int | str) -> str:
        """The address `offset` bytes after `base`."""
        return base if offset == 0 else self.op(f"getelementptr i8, ptr {base}, i64 {offset}")

    def cell(self, base: str, index: str) -> str:
        """The address of 8-byte cell number `index` from `base`."""
        return self.op(f"getelementptr i64, ptr {base}, i64 {index}")

    def load(self, type: str, base: str, offset: int | str = 0) -> str:
        return self.op(f"load {type}, ptr {self.at(base, offset)}")

    def store(self, type: str, value: str, base: str, offset: int | str = 0) -> None:
        self.line(f"store {type} {value}, ptr {self.at(base, offset)}")

    def variable(self, type: str, value: str) -> str:
        """A mutable variable (only in the entry block)."""
        name = self.op(f"alloca {type}")
        self.store(type, value, name)
        return name

    def add(self, variable: str, amount: int | str, type: str = "i64") -> None:
        value = self.op(f"add {type} {self.load(type, variable)}, {amount}")
        self.store(type, value, variable)

    def test(self, condition: str) -> str:
        """`icmp` of the text "eq i64 %a, 1"."""
        return self.op("icmp " + condition)

    def label(self) -> str:
        self.count += 1
        return f"l{self.count}"

    def begin(self, label: str) -> None:
        self.lines.append(label + ":")

    def jump(self, label: str) -> None:
        self.line(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        self.line(f"br i1 {condition}, label %{yes}, label %{no}")

    def leave_if(self, condition: str, label: str) -> None:
        """Go to `label` if the i1 holds, else on with the next line."""
        on = self.label()
        self.branch(condition, label, on)
        self.begin(on)

    def leave_unless(self, condition: str, label: str) -> None:
        on = self.label()
        self.branch(condition, on, label)
        self.begin(on)

    def loop(self, count: str) -> Loop:
        """`with f.loop(n) as i:` runs its body for i in 0 ... n-1."""
        return Loop(self, count)

    def own(self, value: str) -> str:
        """Take a reference to an object; gives the object. In line: a call costs 2 ns."""
        done = self.label()
        if abi.COUNTING == abi.PLAIN:
            self.store("i64", self.op(f"add i64 {self.load('i64', value)}, 1"), value)
        elif abi.COUNTING == abi.IMMORTALS:
            more = self.op(f"add i32 {self.load('i32', value)}, 1")
            self.leave_if(self.test(f"eq i32 {more}, 0"), done)
            self.store("i32", more, value)
        else:
            self.call("Py_IncRef", value)
        self.jump(done)
        self.begin(done)
        return value

    def disown(self, value: str) -> None:
        """Give a reference back."""
        done = self.label()
        if abi.COUNTING == abi.BY_CALL:
            self.call("Py_DecRef", value)
        else:
            if abi.COUNTING == abi.IMMORTALS:
                self.leave_if(self.test(f"slt i32 {self.load('i32', value)}, 0"), done)
            less = self.op(f"sub i64 {self.load('i64', value)}, 1")
            self.store("i64", less, value)
            self.leave_unless(self.test(f"eq i64 {less}, 0"), done)
            self.call("_Py_Dealloc", value)
        self.jump(done)
        self.begin(done)

    def call(self, name: str, *arguments: str, failed: str = "") -> str:
        """Call a C-API function; go to `failed` if it fails."""
        row = ROWS[name]
        given = ", ".join(f"{t} {a}" for t, a in zip(row.arguments, arguments, strict=True))
        if row.result == "void":
            self.line(f"call void @{name}({given})")
            return ""
        value = self.op(f"call {row.result} @{name}({given})")
        if failed:
            assert row.fails in (NULL, NEGATIVE)
            bad = f"eq ptr {value}, null" if row.fails == NULL else f"slt {row.result} {value}, 0"
            self.leave_if(self.test(bad), failed)
        return value


class Loop:
    def __init__(self, f: Function, count: str):
        self.f, self.count = f, count
        self.head, self.body, self.end = f.label(), f.label(), f.label()

    def __enter__(self) -> str:
        f = self.f
        self.start = f.label()
        f.jump(self.start)
        f.begin(self.start)
        f.jump(self.head)
        f.begin(self.head)
        self.latch = f.label()
        self.index, self.next = f"%i.{self.head}", f"%n.{self.head}"
        f.line(f"{self.index} = phi i64 [0, %{self.start}], [{self.next}, %{self.latch}]")
        f.branch(f.test(f"slt i64 {self.index}, {self.count}"), self.body, self.end)
        f.begin(self.body)
        return self.index

    def __exit__(self, *_: object) -> None:
        f = self.f
        f.jump(self.latch)
        f.begin(self.latch)
        f.line(f"{self.next} = add i64 {self.index}, 1")
        f.jump(self.head)
        f.begin(self.end)


def declarations(names: list[str]) -> str:
    """The C-API functions as LLVM declarations."""
    return "\n".join(f"declare {ROWS[n].result} @{n}({', '.join(ROWS[n].arguments)})"
                     for n in names)
