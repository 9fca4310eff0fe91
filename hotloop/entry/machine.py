"""The native entry: one small machine, generated once, that serves every compiled function.

A specialization is a table (`entry.wrap` encodes it): what to check of each argument, where to put
it in the kernel's frame, and how to make the result. `hl_call`, the vectorcall function of all
compiled functions, tries the function's specializations in turn: `hl_run` walks the first half of
a table (guards, unboxing), calls the kernel, walks the second half (boxing). Nothing is generated
per function, so compiling one stays cheap, and a step costs about a nanosecond.

    frame      the kernel's slots | cells that own references | scratch cells

`entry.layout` and `entry.steps` say what lies where; `entry.inputs` and `entry.outputs` write the
steps.

If no specialization fits, `slow(state, *args)` runs, in Python: it compiles, or calls the kernel by
way of `entry.slow`, or lets Python run the function. It is called as a bound method is, which is
why `slow` and `state` lie where a method has its function and its self.
"""

from __future__ import annotations

from hotloop.entry import abi, inputs, outputs, pool
from hotloop.entry.capi import OBJECTS, ROWS
from hotloop.entry.key import GOLDEN, MIX
from hotloop.entry.layout import (
    COUNT,
    DEFAULTS,
    FIRST,
    KEEP,
    MISS,
    NAMES,
    PARAMETERS,
    TABLES,
)
from hotloop.entry.steps import Spec, Step
from hotloop.entry.text import Function, declarations
from hotloop.entry.walk import CLEARED, LEAVE, OUTPUTS, Run
from hotloop.llvm.flags import SHIFT
from hotloop.llvm.frame import CONTEXT


def text() -> str:
    """The machine as an LLVM module; refers to everything else by name (`capi.addresses`)."""
    objects = "\n".join(f"@{name} = external global i8" for name in OBJECTS)
    functions = (_release(), _arrange(), _call(), _run(), _allocate(),
                 _call_back(), _fail(), _measure(), _number_of(), _key())
    return "\n\n".join([objects, POOL, declarations(list(ROWS)), *functions])


POOL = "@hl_pool = global ptr null"
"""The capsule of the memory pool's handler, if the pool is on."""


def _release() -> str:
    """Drop the references in `count` cells; NULL cells hold none."""
    f = Function("define internal void @hl_release(ptr %cells, i64 %count)")
    done = f.label()
    with f.loop("%count") as k:
        on, drop = f.label(), f.label()
        value = f.load("ptr", f.cell("%cells", k))
        f.branch(f.test(f"eq ptr {value}, null"), on, drop)
        f.begin(drop)
        f.disown(value)
        f.jump(on)
        f.begin(on)
    f.jump(done)
    f.begin(done)
    f.line("ret void")
    return f.text()


def _arrange() -> str:
    """Positional and keyword arguments and defaults into `out`, in the order of the parameters.
    False for a call that needs Python: names that are not the very objects of the table, too many
    or missing arguments."""
    f = Function("define internal i1 @hl_arrange(ptr %table, ptr %args, i64 %given, ptr %names, "
                 "ptr %out)")
    no = f.label()
    wanted = f.load("i64", "%table", PARAMETERS)
    own_names, defaults = f.load("ptr", "%table", NAMES), f.load("ptr", "%table", DEFAULTS)
    f.leave_if(f.test(f"sgt i64 %given, {wanted}"), no)
    with f.loop(wanted) as k:
        f.store("ptr", "null", f.cell("%out", k))
    with f.loop("%given") as k:
        f.store("ptr", f.load("ptr", f.cell("%args", k)), f.cell("%out", k))
    keywords, fill = f.label(), f.label()
    f.branch(f.test("eq ptr %names, null"), fill, keywords)
    f.begin(keywords)
    with f.loop(f.load("i64", "%names", abi.SIZE)) as j:
        name = f.load("ptr", f.cell(f.at("%names", abi.TUPLE_ITEMS), j))
        value = f.load("ptr", f.cell("%args", f.op(f"add i64 %given, {j}")))
        found, next_ = f.label(), f.label()
        with f.loop(wanted) as k:
            place = f.cell("%out", k)
            match, other = f.label(), f.label()
            same = f.test(f"eq ptr {f.load('ptr', f.cell(own_names, k))}, {name}")
            f.branch(same, match, other)
            f.begin(match)
            f.branch(f.test(f"eq ptr {f.load('ptr', place)}, null"), found, no)
            f.begin(other)
        f.jump(no)
        f.begin(found)
        f.store("ptr", value, place)
        f.jump(next_)
        f.begin(next_)
    f.jump(fill)
    f.begin(fill)
    with f.loop(wanted) as k:
        place, missing, on = f.cell("%out", k), f.label(), f.label()
        f.branch(f.test(f"eq ptr {f.load('ptr', place)}, null"), missing, on)
        f.begin(missing)
        default = f.load("ptr", f.cell(defaults, k))
        f.leave_if(f.test(f"eq ptr {default}, null"), no)
        f.store("ptr", default, place)
        f.jump(on)
        f.begin(on)
    f.line("ret i1 true")
    f.begin(no)
    f.line("ret i1 false")
    return f.text()


def _call() -> str:
    """The vectorcall function. It owns a reference to whatever keeps the tables while it reads
    them: a call-back may clear the cache."""
    f = Function("define ptr @hl_call(ptr %self, ptr %args, i64 %flags, ptr %names)")
    slow, plain, keywords, run, miss = (f.label() for _ in range(5))
    used = f.variable("ptr", "%args")
    given = f.op("and i64 %flags, 9223372036854775807")
    table = f.load("ptr", "%self", TABLES)
    keep = f.load("ptr", "%self", KEEP)
    f.leave_if(f.test(f"eq ptr {table}, null"), slow)
    wanted = f.load("i64", table, PARAMETERS)
    f.leave_unless(f.test(f"eq i64 {given}, {wanted}"), keywords)
    f.branch(f.test("eq ptr %names, null"), plain, keywords)
    f.begin(keywords)
    room = f.op(f"alloca ptr, i64 {wanted}")
    fits = f.op(f"call i1 @hl_arrange(ptr {table}, ptr %args, i64 {given}, ptr %names, "
                f"ptr {room})")
    f.leave_unless(fits, slow)
    f.store("ptr", room, used)
    f.jump(plain)
    f.begin(plain)
    f.own(keep)
    f.jump(run)
    f.begin(run)
    with f.loop(f.load("i64", table, COUNT)) as k:
        spec = f.load("ptr", f.cell(f.at(table, FIRST), k))
        result = f.op(f"call ptr @hl_run(ptr {spec}, ptr {f.load('ptr', used)})")
        done, other = f.label(), f.label()
        f.branch(f.test(f"eq ptr {result}, {MISS}"), other, done)
        f.begin(done)
        f.disown(keep)
        f.line(f"ret ptr {result}")
        f.begin(other)
    f.jump(miss)
    f.begin(miss)
    f.disown(keep)
    f.jump(slow)
    f.begin(slow)
    method = f.load("ptr", "@hl_method")
    result = f.op(f"tail call ptr {method}(ptr %self, ptr %args, i64 %flags, ptr %names)")
    f.line(f"ret ptr {result}")
    return "@hl_method = global ptr null\n" + f.text()


def _run() -> str:
    """Try one specialization: MISS, NULL with an exception set, or the result."""
    f = Function("define internal ptr @hl_run(ptr %spec, ptr %args)")
    run = Run(f)
    inputs.write(run)
    _call_kernel(run)
    outputs.write(run)
    f.begin(CLEARED)
    f.call("PyErr_Clear")
    f.jump(LEAVE)
    f.begin(LEAVE)
    f.line(f"call void @hl_release(ptr {run.owned}, i64 {run.owned_count})")
    f.line(f"ret ptr {f.load('ptr', run.answer)}")
    return f.text()


def _call_kernel(run: Run) -> None:
    """The step between inputs and outputs."""
    f = run.f
    run.begin(Step.RUN)
    f.store("ptr", "null", run.answer)
    f.store("i64", f.op(f"add i64 {f.load('i64', '%spec', 8 * Spec.RUNS)}, 1"),
            "%spec", 8 * Spec.RUNS)
    kernel = f.load("ptr", "%spec", 8 * Spec.KERNEL)
    status = f.op(f"call i64 {kernel}(ptr {run.frame})")
    done, bad, check = f.label(), f.label(), f.label()
    f.branch(f.test(f"eq i64 {status}, 0"), done, bad)
    f.begin(bad)
    positive, flagged = f.label(), f.label()
    f.branch(f.test(f"sgt i64 {status}, 0"), positive, LEAVE)
    f.begin(positive)
    f.branch(f.test(f"sge i64 {status}, {1 << SHIFT}"), flagged, check)
    f.begin(flagged)
    look = f.load("ptr", "%spec", 8 * Spec.FLAGGED)
    given = f.call("PyObject_Vectorcall", look, "%args",
                   f.load("i64", "%spec", 8 * Spec.PARAMETERS), "null", failed=LEAVE)
    own_results, instead = f.label(), f.label()
    f.branch(f.test(f"eq ptr {given}, {look}"), own_results, instead)
    f.begin(instead)
    f.store("ptr", given, run.answer)
    f.jump(LEAVE)
    f.begin(own_results)
    f.disown(given)
    f.jump(done)
    f.begin(check)
    f.line(f"call void @hl_fail(ptr {f.load('ptr', '%spec', 8 * Spec.FAIL)}, i64 {status}, "
           f"ptr {run.frame})")
    f.jump(LEAVE)
    f.begin(done)
    f.store("ptr", f.load("ptr", "%spec", 8 * Spec.OUTPUT), run.step)
    f.jump(OUTPUTS)


def _measure() -> str:
    """An array's first byte and the one after its last, into two cells; 0 and 0 if it is empty."""
    f = Function("define internal void @hl_measure(ptr %data, ptr %end, ptr %dims, ptr %strides, "
                 "i64 %rank, ptr %out)")
    low, high = f.variable("ptr", "%data"), f.variable("ptr", "%end")
    empty, full = f.label(), f.label()
    with f.loop("%rank") as k:
        dim = f.load("i64", f.cell("%dims", k))
        f.leave_if(f.test(f"eq i64 {dim}, 0"), empty)
        span = f.op(f"mul i64 {f.op(f'sub i64 {dim}, 1')}, {f.load('i64', f.cell('%strides', k))}")
        down = f.test(f"slt i64 {span}, 0")
        for variable, moved, kept in ((low, span, "0"), (high, "0", span)):
            step = f.op(f"select i1 {down}, i64 {moved}, i64 {kept}")
            f.store("ptr", f.at(f.load("ptr", variable), step), variable)
    f.jump(full)
    f.begin(full)
    f.store("ptr", f.load("ptr", low), "%out")
    f.store("ptr", f.load("ptr", high), "%out", 8)
    f.line("ret void")
    f.begin(empty)
    f.store("i64", "0", "%out")
    f.store("i64", "0", "%out", 8)
    f.line("ret void")
    return f.text()


def _number_of() -> str:
    """`size` bytes (1, 2, 4, 8) at `data` in the low end of a cell."""
    f = Function("define internal i64 @hl_number(ptr %data, i64 %size)")
    sizes = {n: f.label() for n in (1, 2, 4, 8)}
    cases = " ".join(f"i64 {n}, label %{label}" for n, label in sizes.items() if n != 8)
    f.line(f"switch i64 %size, label %{sizes[8]} [ {cases} ]")
    for n, label in sizes.items():
        f.begin(label)
        value = f.load(f"i{8 * n}", "%data")
        f.line(f"ret i64 {value if n == 8 else f.op(f'zext i{8 * n} {value} to i64')}")
    return f.text()


def _allocate() -> str:
    """The frame's `alloc`: a new array for result number `result`, large ones from the pool."""
    f = Function("define internal ptr @hl_allocate(ptr %frame, i64 %result, ptr %dims)")
    handler, failed = f.variable("ptr", "null"), f.label()
    spec = f.load("ptr", "%frame", 8 * CONTEXT)
    records = f.load("ptr", spec, 8 * Spec.RESULTS)
    record = f.cell(records, f.op("shl i64 %result, 2"))
    dtype, rank = f.load("ptr", record), f.load("i64", record, 8)
    bytes_ = f.variable("i64", f.load("i64", record, 16))
    with f.loop(rank) as k:
        dim = f.load("i64", f.cell("%dims", k))
        f.store("i64", f.op(f"mul i64 {f.load('i64', bytes_)}, {dim}"), bytes_)
    small, large, make = f.label(), f.label(), f.label()
    handler_capsule = f.load("ptr", "@hl_pool")
    on = f.test(f"ne ptr {handler_capsule}, null")
    large_enough = f.test(f"sge i64 {f.load('i64', bytes_)}, {pool.LARGE}")
    is_large = f.op(f"and i1 {on}, {large_enough}")
    f.branch(is_large, large, small)
    f.begin(large)
    f.store("ptr", f.call("PyDataMem_SetHandler", handler_capsule, failed=failed), handler)
    f.jump(small)
    f.begin(small)
    f.own(dtype)
    f.jump(make)
    f.begin(make)
    array = f.call("PyArray_NewFromDescr", "@array_type", dtype,
                   f.op(f"trunc i64 {rank} to i32"), "%dims", "null", "null", "0", "null")
    before = f.load("ptr", handler)
    restore, made = f.label(), f.label()
    f.branch(f.test(f"eq ptr {before}, null"), made, restore)
    f.begin(restore)
    ours = f.call("PyDataMem_SetHandler", before)
    f.disown(before)
    f.leave_if(f.test(f"eq ptr {ours}, null"), made)
    f.disown(ours)
    f.jump(made)
    f.begin(made)
    f.leave_if(f.test(f"eq ptr {array}, null"), failed)
    owned = f.cell("%frame", f.load("i64", spec, 8 * Spec.OWNED))
    place = f.cell(owned, "%result")
    old, keep, drop = f.load("ptr", place), f.label(), f.label()
    f.store("ptr", array, place)
    f.branch(f.test(f"eq ptr {old}, null"), keep, drop)
    f.begin(drop)
    f.disown(old)
    f.jump(keep)
    f.begin(keep)
    f.line(f"ret ptr {f.load('ptr', array, abi.ARRAY_DATA)}")
    f.begin(failed)
    f.line("ret ptr null")
    return f.text()


def _python(f: Function, function: str, numbers: tuple[str, ...], failed: str) -> str:
    """Call a Python function with 64-bit numbers; its result, or on to `failed`."""
    arguments = f.op(f"alloca [{len(numbers)} x ptr]")
    release = f.label()
    for k in range(len(numbers)):
        f.store("ptr", "null", arguments, 8 * k)
    for k, number in enumerate(numbers):
        made = f.call("PyLong_FromLongLong", number, failed=release)
        f.store("ptr", made, arguments, 8 * k)
    result = f.call("PyObject_Vectorcall", function, arguments, str(len(numbers)), "null",
                    failed=release)
    drop = f"call void @hl_release(ptr {arguments}, i64 {len(numbers)})"
    on = f.label()
    f.line(drop)
    f.jump(on)
    f.begin(release)
    f.line(drop)
    f.jump(failed)
    f.begin(on)
    return result


def _call_back() -> str:
    """The frame's `call`: into Python, which finds the operands in memory."""
    f = Function("define internal i64 @hl_call_back(ptr %frame, i64 %site, ptr %operands)")
    failed = f.label()
    spec = f.load("ptr", "%frame", 8 * CONTEXT)
    address = f.op("ptrtoint ptr %operands to i64")
    result = _python(f, f.load("ptr", spec, 8 * Spec.CALL_BACK), ("%site", address), failed)
    f.disown(result)
    f.line("ret i64 0")
    f.begin(failed)
    f.line("ret i64 -1")
    return f.text()


def _fail() -> str:
    """Set the exception of a failed check, with the traceback that Python gave it: at the user's
    line, without a frame of ours."""
    f = Function("define internal void @hl_fail(ptr %function, i64 %status, ptr %frame)")
    failed = f.label()
    address = f.op("ptrtoint ptr %frame to i64")
    error = _python(f, "%function", ("%status", address), failed)
    kind = f.load("ptr", error, abi.TYPE)
    f.own(kind)
    f.call("PyErr_Restore", kind, error, f.call("PyException_GetTraceback", error))
    f.line("ret void")
    f.begin(failed)
    f.line("ret void")
    return f.text()


def _key() -> str:
    """`entry.key.fresh`: [seed, count] at `cell`; the count is taken atomically."""
    f = Function("define i64 @hl_key(ptr %cell)")
    before = f.op(f"atomicrmw add ptr {f.at('%cell', 8)}, i64 1 monotonic")
    count = f.op(f"add i64 {before}, 1")
    mixed = f.op(f"add i64 {f.load('i64', '%cell')}, {f.op(f'mul i64 {count}, {GOLDEN}')}")
    for shift, factor in ((30, MIX[0]), (27, MIX[1]), (31, None)):
        mixed = f.op(f"xor i64 {mixed}, {f.op(f'lshr i64 {mixed}, {shift}')}")
        if factor is not None:
            mixed = f.op(f"mul i64 {mixed}, {factor}")
    f.line(f"ret i64 {mixed}")
    return f.text()
