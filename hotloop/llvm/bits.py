"""A bit generator as NumPy's C functions take it (`bitgen_t`), whose bits are those of a key.

    source(b, key, 3)       # an address to call `double random_normal(bitgen_t *, double, double)`

Number i of its bits is `random_bits[stream=3] key i`, Philox4x32-10 as in `ops.random`. Source and
state lie on the stack; each draw begins at i = 0, so it depends on its key and stream alone.
"""

from __future__ import annotations

from hotloop.llvm.builder import Builder
from hotloop.ops.generators import SCRATCH


def source(b: Builder, key: str, stream: int) -> str:
    """The bit generator of one draw; `key` is an i64."""
    state, made = b.stack(24), b.stack(40)

    def put(what: str, base: str, offset: int) -> None:
        b.lines.append(f"store {what}, ptr {b.op(f'getelementptr i8, ptr {base}, i64 {offset}')}")

    for k, word in enumerate((key, 0, stream)):
        put(f"i64 {word}", state, 8 * k)
    for k, what in enumerate((state, "@next_uint64", "@next_uint32", "@next_double",
                              "@next_uint64")):
        put(f"ptr {what}", made, 8 * k)
    return made


def scratch(b: Builder) -> str:
    """Memory of zeros."""
    place = b.stack(SCRATCH)
    b.lines.append(f"store [{SCRATCH // 8} x i64] zeroinitializer, ptr {place}")
    return place


def _philox() -> str:
    """i64 next_uint64(state): the state is key, count, stream."""
    lines = ["define internal i64 @next_uint64(ptr %state) {",
             "%k = load i64, ptr %state",
             "%place = getelementptr i8, ptr %state, i64 8",
             "%count = load i64, ptr %place",
             "%more = add i64 %count, 1",
             "store i64 %more, ptr %place",
             "%where = getelementptr i8, ptr %state, i64 16",
             "%stream = load i64, ptr %where",
             "%block = lshr i64 %stream, 1"]
    names = iter(range(1000))

    def op(text: str) -> str:
        name = f"%t{next(names)}"
        lines.append(f"{name} = {text}")
        return name

    mask = 0xFFFFFFFF
    x = [op(f"and i64 %count, {mask}"), op("lshr i64 %count, 32"),
         op(f"and i64 %block, {mask}"), op("lshr i64 %block, 32")]
    keys = [op(f"and i64 %k, {mask}"), op("lshr i64 %k, 32")]
    for _ in range(10):
        p, q = op(f"mul i64 {x[0]}, {0xD2511F53}"), op(f"mul i64 {x[2]}, {0xCD9E8D57}")
        high = [op(f"lshr i64 {y}, 32") for y in (q, p)]
        low = [op(f"and i64 {y}, {mask}") for y in (q, p)]
        mixed = [op(f"xor i64 {op(f'xor i64 {h}, {y}')}, {k}")
                 for h, y, k in zip(high, (x[1], x[3]), keys, strict=True)]
        x = [mixed[0], low[0], mixed[1], low[1]]
        keys = [op(f"and i64 {op(f'add i64 {k}, {step}')}, {mask}")
                for k, step in zip(keys, (0x9E3779B9, 0xBB67AE85), strict=True)]
    halves = [op(f"or i64 {x[k]}, {op(f'shl i64 {x[k + 1]}, 32')}") for k in (0, 2)]
    second = op("trunc i64 %stream to i1")
    lines += [f"%bits = select i1 {second}, i64 {halves[1]}, i64 {halves[0]}", "ret i64 %bits",
              "}"]
    return "\n".join(lines)


FUNCTIONS = _philox() + """
define internal i32 @next_uint32(ptr %state) {
%bits = call i64 @next_uint64(ptr %state)
%high = lshr i64 %bits, 32
%word = trunc i64 %high to i32
ret i32 %word
}
define internal double @next_double(ptr %state) {
%bits = call i64 @next_uint64(ptr %state)
%high = lshr i64 %bits, 11
%whole = uitofp i64 %high to double
%part = fmul double %whole, 0x3CA0000000000000
ret double %part
}
"""
