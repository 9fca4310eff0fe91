"""The native entry: one small machine, generated once, that serves every compiled function.

A specialization is a table (`entry.wrap` encodes it): what to check of each argument, where to put
it in the kernel's frame, and how to make the result. `hl_call`, the vectorcall function of all
compiled functions, tries the function's specializations in turn: `hl_run` walks the first half of
a table (guards, unboxing), calls the kernel, walks the second half (boxing). Nothing is generated
per function, so compiling one stays cheap, and a step costs about a nanosecond.

    object     16 slow  24 state  32 keep  40 vectorcall  48 table  56 dict  64 weaklist
    table      0 parameters  8 names  16 defaults  24 count  32... specializations
    frame      the kernel's slots | cells that own references | scratch cells

If no specialization fits, `slow(state, *args)` runs, in Python: it compiles, or calls the kernel by
way of `entry.slow`, or lets Python run the function. It is called as a bound method is, which is
why `slow` and `state` lie where a method has its function and its self.
"""

from __future__ import annotations

import enum

from hotloop.entry import abi, pool
from hotloop.entry.capi import OBJECTS, ROWS
from hotloop.entry.key import GOLDEN, MIX
from hotloop.entry.text import Function, declarations
from hotloop.llvm.flags import SHIFT
from hotloop.llvm.frame import ALLOC, CALL, CONTEXT, TABLE

SLOW, STATE, KEEP, VECTORCALL, TABLES, DICT, WEAKLIST, OBJECT_SIZE = range(16, 80, 8)

PARAMETERS, NAMES, DEFAULTS, COUNT, FIRST = range(0, 40, 8)


class Spec(enum.IntEnum):
    """Cells of a specialization."""
    CELLS = 0        # of the whole frame
    OWNED = 1        # where the cells that own references begin: first the array results
    OWNED_COUNT = 2  # how many they are
    KERNEL = 3       # address
    EXTERNALS = 4    # for the TABLE slot
    RESULTS = 5      # address of the records of array results: dtype, rank, item size, 0
    FAIL = 6         # Python: fail(status, frame's address) gives the exception to raise
    CALL_BACK = 7    # Python: call_back(site, operands' address)
    INPUT = 8        # address of the input steps
    OUTPUT = 9       # address of the output steps
    STACK = 10       # the owned cell where the stack of output values begins
    RUNS = 11        # counted here
    FLAGGED = 12     # Python: flagged(*args) after a kernel that reports floating-point flags gives
                     # itself, or the call's result in place of the kernel's
    PARAMETERS = 13  # how many arguments the function has


class Step(enum.IntEnum):
    """Input steps. `current` is the object at hand; a step that makes a reference puts it in an
    owned cell. A check that fails leaves for the next specialization."""
    RUN = 0          #
    ARG = 1          # number                   current = argument
    ATTR = 2         # name owned               current = current.name
    INDEX = 3        # index owned              item of a tuple or list
    KEY = 4          # key owned                item of a dict
    GLOBAL = 5       # dict key owned
    CELL = 6         # cell owned               what a closure's cell holds
    IS = 7           # object
    TYPE = 8         # type
    EQUAL = 9        # object                   of an int, str, bytes: same type and ==
    SIZE = 10        # length                   of a tuple or list
    BITS = 11        # bits                     of a float
    FLOAT = 12       # slot
    INT = 13         # slot                     one of 64 bits
    BOOL = 14        # slot
    COMPLEX = 15     # slot
    SCALAR = 16      # type size slot           a NumPy scalar
    PAIR = 17        # type half slot           a complex one
    ARRAY = 18       # dtype number rank flags slot dims strides inner extent size, then its dims:
                     # >= 0 that size, -1 any but 1, else the value of slot -2 - dim
    POINT = 19       # dtype number size slot   a 0-d array, passed by value; half of a complex
    SAME = 20        # slot slot                equal contents
    APART = 21       # extent extent            two arrays' memory does not overlap
    RANDOM = 22      # address slot             a fresh key
    OWNED = 23       # cell                     current = what the owned cell holds
    ALIAS = 24       # cell cell                they hold one object
    HOLD = 25        # owned                    keep current in an owned cell
    STATE = 26       # variable address owned   a context variable has the object at the address
    OBJECT = 27      # slot                     the address of current
    CAPSULE = 28     # slot                     the address in it


class Out(enum.IntEnum):
    """Output steps, of a stack machine."""
    RETURN = 0
    RESULT = 1       # number                   an array result
    FLOAT = 2        # slot
    INT = 3          # slot
    UNSIGNED = 4     # slot
    BOOL = 5         # slot
    COMPLEX = 6      # slot
    SCALAR = 7       # dtype slot
    PAIR = 8         # dtype half slot
    OBJECT = 9       # object
    ARG = 10         # number
    OWNED = 11       # cell
    TUPLE = 12       # length
    LIST = 13        # length
    CALL = 14        # callable count           of the topmost values
    UNLESS = 15      # slot step                go there if the bool is false
    GOTO = 16        # step
    TAKE = 17        # number                   an array result used once
    SET_ATTR = 18    # depth name               the value at that depth gets the one above it
    SET_ITEM = 19    # depth key                likewise


MISS = "inttoptr (i64 1 to ptr)"
"""What `hl_run` returns if the specialization does not fit."""

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


def _operand(f: Function, step: str, number: int, type: str = "i64") -> str:
    return f.load(type, step, 8 + 8 * number)


def _run() -> str:
    """Try one specialization: MISS, NULL with an exception set, or the result."""
    f = Function("define internal ptr @hl_run(ptr %spec, ptr %args)")
    step = f.variable("ptr", f.load("ptr", "%spec", 8 * Spec.INPUT))
    current = f.variable("ptr", "null")
    answer = f.variable("ptr", MISS)
    overflow = f.variable("i32", "0")
    items = f.variable("ptr", "null")
    scratch = f.op("alloca [16 x i8], align 16")
    frame = f.op(f"alloca i64, i64 {f.load('i64', '%spec', 8 * Spec.CELLS)}, align 16")
    owned = f.cell(frame, f.load("i64", "%spec", 8 * Spec.OWNED))
    owned_count = f.load("i64", "%spec", 8 * Spec.OWNED_COUNT)
    with f.loop(owned_count) as k:
        f.store("ptr", "null", f.cell(owned, k))
    top = f.variable("ptr", f.cell(frame, f.load("i64", "%spec", 8 * Spec.STACK)))
    for cell, what in ((ALLOC, "@hl_allocate"), (CALL, "@hl_call_back"), (CONTEXT, "%spec"),
                       (TABLE, f.load("ptr", "%spec", 8 * Spec.EXTERNALS))):
        f.store("ptr", what, frame, 8 * cell)
    inputs, outputs, leave, cleared, failed = "input", "output", "leave", "cleared", "failed"
    f.jump(inputs)

    f.begin(inputs)
    here = f.load("ptr", step)
    names = {s: f"in_{s.name}" for s in Step}
    cases = " ".join(f"i64 {int(s)}, label %{name}" for s, name in names.items())
    f.line(f"switch i64 {f.load('i64', here)}, label %{leave} [ {cases} ]")

    def next_step(operands: int, block: str = inputs) -> None:
        f.store("ptr", f.at(here, 8 + 8 * operands), step)
        f.jump(block)

    def own(value: str, number: int) -> None:
        """Keep a reference in the owned cell that operand `number` names; make it current."""
        f.store("ptr", value, f.cell(frame, _operand(f, here, number)))
        f.store("ptr", value, current)

    def is_a(value: str, type: str) -> str:
        return f.test(f"eq ptr {f.load('ptr', value, abi.TYPE)}, {type}")

    f.begin(names[Step.ARG])
    f.store("ptr", f.load("ptr", f.cell("%args", _operand(f, here, 0))), current)
    next_step(1)

    f.begin(names[Step.ATTR])
    own(f.call("PyObject_GetAttr", f.load("ptr", current), _operand(f, here, 0, "ptr"),
               failed=cleared), 1)
    next_step(2)

    f.begin(names[Step.INDEX])
    value, index = f.load("ptr", current), _operand(f, here, 0)
    a_tuple, a_list, no_tuple, found = (f.label() for _ in range(4))
    f.branch(is_a(value, "@tuple_type"), a_tuple, no_tuple)
    f.begin(no_tuple)
    f.branch(is_a(value, "@list_type"), a_list, leave)
    f.begin(a_tuple)
    f.store("ptr", f.at(value, abi.TUPLE_ITEMS), items)
    f.jump(found)
    f.begin(a_list)
    f.store("ptr", f.load("ptr", value, abi.LIST_ITEMS), items)
    f.jump(found)
    f.begin(found)
    f.leave_unless(f.test(f"ult i64 {index}, {f.load('i64', value, abi.SIZE)}"), leave)
    item = f.load("ptr", f.cell(f.load("ptr", items), index))
    own(f.own(item), 1)
    next_step(2)

    f.begin(names[Step.KEY])
    value = f.load("ptr", current)
    f.leave_unless(is_a(value, "@dict_type"), leave)
    item = f.call("PyDict_GetItemWithError", value, _operand(f, here, 0, "ptr"), failed=cleared)
    own(f.own(item), 1)
    next_step(2)

    f.begin(names[Step.GLOBAL])
    item = f.call("PyDict_GetItemWithError", _operand(f, here, 0, "ptr"),
                  _operand(f, here, 1, "ptr"), failed=cleared)
    own(f.own(item), 2)
    next_step(3)

    f.begin(names[Step.CELL])
    item = f.load("ptr", _operand(f, here, 0, "ptr"), abi.CELL)
    f.leave_if(f.test(f"eq ptr {item}, null"), leave)
    own(f.own(item), 1)
    next_step(2)

    f.begin(names[Step.IS])
    f.leave_unless(f.test(f"eq ptr {f.load('ptr', current)}, {_operand(f, here, 0, 'ptr')}"),
                   leave)
    next_step(1)

    f.begin(names[Step.TYPE])
    f.leave_unless(is_a(f.load("ptr", current), _operand(f, here, 0, "ptr")), leave)
    next_step(1)

    f.begin(names[Step.EQUAL])
    value, wanted, equal = f.load("ptr", current), _operand(f, here, 0, "ptr"), f.label()
    differs = f.label()
    f.branch(f.test(f"eq ptr {value}, {wanted}"), equal, differs)
    f.begin(differs)
    f.leave_unless(is_a(value, f.load("ptr", wanted, abi.TYPE)), leave)
    truth = f.call("PyObject_RichCompareBool", value, wanted, "2", failed=cleared)
    f.branch(f.test(f"eq i32 {truth}, 1"), equal, leave)
    f.begin(equal)
    next_step(1)

    f.begin(names[Step.SIZE])
    f.leave_unless(f.test(f"eq i64 {f.load('i64', f.load('ptr', current), abi.SIZE)}, "
                          f"{_operand(f, here, 0)}"), leave)
    next_step(1)

    f.begin(names[Step.BITS])
    value = f.load("ptr", current)
    f.leave_unless(is_a(value, "@float_type"), leave)
    f.leave_unless(f.test(f"eq i64 {f.load('i64', value, abi.VALUE)}, {_operand(f, here, 0)}"),
                   leave)
    next_step(1)

    f.begin(names[Step.FLOAT])
    value = f.load("ptr", current)
    f.leave_unless(is_a(value, "@float_type"), leave)
    f.store("i64", f.load("i64", value, abi.VALUE), f.cell(frame, _operand(f, here, 0)))
    next_step(1)

    f.begin(names[Step.INT])
    value = f.load("ptr", current)
    f.leave_unless(is_a(value, "@int_type"), leave)
    number = f.call("PyLong_AsLongLongAndOverflow", value, overflow)
    f.leave_unless(f.test(f"eq i32 {f.load('i32', overflow)}, 0"), leave)
    f.store("i64", number, f.cell(frame, _operand(f, here, 0)))
    next_step(1)

    f.begin(names[Step.BOOL])
    value = f.load("ptr", current)
    truth = f.test(f"eq ptr {value}, @true")
    known = f.op(f"or i1 {truth}, {f.test(f'eq ptr {value}, @false')}")
    f.leave_unless(known, leave)
    f.store("i64", f.op(f"zext i1 {truth} to i64"), f.cell(frame, _operand(f, here, 0)))
    next_step(1)

    f.begin(names[Step.COMPLEX])
    value, place = f.load("ptr", current), f.cell(frame, _operand(f, here, 0))
    f.leave_unless(is_a(value, "@complex_type"), leave)
    f.store("i64", f.load("i64", value, abi.VALUE), place)
    f.store("i64", f.load("i64", value, abi.VALUE + 8), place, 8)
    next_step(1)

    f.begin(names[Step.SCALAR])
    value = f.load("ptr", current)
    f.leave_unless(is_a(value, _operand(f, here, 0, "ptr")), leave)
    bits = f.op(f"call i64 @hl_number(ptr {f.at(value, abi.VALUE)}, i64 {_operand(f, here, 1)})")
    f.store("i64", bits, f.cell(frame, _operand(f, here, 2)))
    next_step(3)

    def pair(data: str, half: str, place: str) -> None:
        for k, at in enumerate((data, f.at(data, half))):
            bits = f.op(f"call i64 @hl_number(ptr {at}, i64 {half})")
            f.store("i64", bits, place, 8 * k)

    f.begin(names[Step.PAIR])
    value = f.load("ptr", current)
    f.leave_unless(is_a(value, _operand(f, here, 0, "ptr")), leave)
    pair(f.at(value, abi.VALUE), _operand(f, here, 1), f.cell(frame, _operand(f, here, 2)))
    next_step(3)

    def check_dtype(value: str) -> None:
        """Operands 0 and 1: the dtype object, and its number for equal dtypes of another identity
        (which must be native)."""
        f.leave_unless(is_a(value, "@array_type"), leave)
        dtype, same, other = f.load("ptr", value, abi.ARRAY_DTYPE), f.label(), f.label()
        f.branch(f.test(f"eq ptr {dtype}, {_operand(f, here, 0, 'ptr')}"), same, other)
        f.begin(other)
        number = f.op(f"sext i32 {f.load('i32', dtype, abi.DTYPE_NUMBER)} to i64")
        f.leave_unless(f.test(f"eq i64 {number}, {_operand(f, here, 1)}"), leave)
        swapped = f.test(f"eq i8 {f.load('i8', dtype, abi.DTYPE_ORDER)}, {ord('>')}")
        f.branch(swapped, leave, same)
        f.begin(same)

    def check_flags(value: str, wanted: str) -> None:
        flags = f.load("i32", value, abi.ARRAY_FLAGS)
        f.leave_unless(f.test(f"eq i32 {f.op(f'and i32 {flags}, {wanted}')}, {wanted}"), leave)

    f.begin(names[Step.ARRAY])
    value = f.load("ptr", current)
    check_dtype(value)
    rank = _operand(f, here, 2)
    actual = f.op(f"sext i32 {f.load('i32', value, abi.ARRAY_RANK)} to i64")
    f.leave_unless(f.test(f"eq i64 {actual}, {rank}"), leave)
    check_flags(value, f.op(f"trunc i64 {_operand(f, here, 3)} to i32"))
    data = f.load("ptr", value, abi.ARRAY_DATA)
    f.store("ptr", data, f.cell(frame, _operand(f, here, 4)))
    dims = f.load("ptr", value, abi.ARRAY_DIMS)
    wanted_dims = f.at(here, 8 + 8 * 10)
    frame_dims = f.cell(frame, _operand(f, here, 5))
    with f.loop(rank) as k:
        dim, wanted = f.load("i64", f.cell(dims, k)), f.load("i64", f.cell(wanted_dims, k))
        any_, number, fixed, other, good = (f.label() for _ in range(5))
        f.store("i64", dim, f.cell(frame_dims, k))
        f.branch(f.test(f"eq i64 {wanted}, -1"), any_, other)
        f.begin(any_)
        f.branch(f.test(f"eq i64 {dim}, 1"), leave, good)
        f.begin(other)
        f.branch(f.test(f"sge i64 {wanted}, 0"), number, fixed)
        f.begin(number)
        f.branch(f.test(f"eq i64 {dim}, {wanted}"), good, leave)
        f.begin(fixed)
        earlier = f.load("i64", f.cell(frame, f.op(f"sub i64 -2, {wanted}")))
        f.branch(f.test(f"eq i64 {dim}, {earlier}"), good, leave)
        f.begin(good)
    inner, strides = _operand(f, here, 7), _operand(f, here, 6)
    paired, unpaired = f.label(), f.label()
    f.branch(f.test(f"eq i64 {inner}, 0"), unpaired, paired)
    f.begin(paired)
    f.store("i64", "2", f.cell(frame_dims, rank))
    f.jump(unpaired)
    f.begin(unpaired)
    strided, extent = f.label(), f.label()
    from_ = f.load("ptr", value, abi.ARRAY_STRIDES)
    f.branch(f.test(f"slt i64 {strides}, 0"), extent, strided)
    f.begin(strided)
    to = f.cell(frame, strides)
    with f.loop(rank) as k:
        f.store("i64", f.load("i64", f.cell(from_, k)), f.cell(to, k))
    f.leave_if(f.test(f"eq i64 {inner}, 0"), extent)
    f.store("i64", inner, f.cell(to, rank))
    f.jump(extent)
    f.begin(extent)
    measured, measure = f.label(), f.label()
    place = _operand(f, here, 8)
    f.branch(f.test(f"slt i64 {place}, 0"), measured, measure)
    f.begin(measure)
    lowest, highest, size = data, f.at(data, _operand(f, here, 9)), f.cell(frame, place)
    f.line(f"call void @hl_measure(ptr {lowest}, ptr {highest}, ptr {dims}, ptr {from_}, "
           f"i64 {rank}, ptr {size})")
    f.jump(measured)
    f.begin(measured)
    f.store("ptr", f.cell(f.at(here, 8 + 8 * 10), rank), step)
    f.jump(inputs)

    f.begin(names[Step.POINT])
    value = f.load("ptr", current)
    check_dtype(value)
    f.leave_unless(f.test(f"eq i32 {f.load('i32', value, abi.ARRAY_RANK)}, 0"), leave)
    check_flags(value, str(abi.ALIGNED))
    data, size = f.load("ptr", value, abi.ARRAY_DATA), _operand(f, here, 2)
    place, single, double, read = f.cell(frame, _operand(f, here, 3)), *(f.label() for _ in "123")
    f.branch(f.test(f"sgt i64 {size}, 0"), single, double)
    f.begin(single)
    f.store("i64", f.op(f"call i64 @hl_number(ptr {data}, i64 {size})"), place)
    f.jump(read)
    f.begin(double)
    pair(data, f.op(f"sub i64 0, {size}"), place)
    f.jump(read)
    f.begin(read)
    next_step(4)

    f.begin(names[Step.SAME])
    a, b = (f.load("i64", f.cell(frame, _operand(f, here, k))) for k in (0, 1))
    f.leave_unless(f.test(f"eq i64 {a}, {b}"), leave)
    next_step(2)

    f.begin(names[Step.APART])
    one, two = (f.cell(frame, _operand(f, here, k)) for k in (0, 1))
    before = f.test(f"ule i64 {f.load('i64', one, 8)}, {f.load('i64', two)}")
    after = f.test(f"ule i64 {f.load('i64', two, 8)}, {f.load('i64', one)}")
    f.leave_unless(f.op(f"or i1 {before}, {after}"), leave)
    next_step(2)

    f.begin(names[Step.RANDOM])
    key = f.op(f"call i64 @hl_key(ptr {_operand(f, here, 0, 'ptr')})")
    f.store("i64", key, f.cell(frame, _operand(f, here, 1)))
    next_step(2)

    f.begin(names[Step.OWNED])
    f.store("ptr", f.load("ptr", f.cell(frame, _operand(f, here, 0))), current)
    next_step(1)

    f.begin(names[Step.ALIAS])
    a, b = (f.load("ptr", f.cell(frame, _operand(f, here, k))) for k in (0, 1))
    f.leave_unless(f.test(f"eq ptr {a}, {b}"), leave)
    next_step(2)

    f.begin(names[Step.HOLD])
    own(f.own(f.load("ptr", current)), 0)
    next_step(1)

    f.begin(names[Step.OBJECT])
    f.store("ptr", f.load("ptr", current), f.cell(frame, _operand(f, here, 0)))
    next_step(1)

    f.begin(names[Step.CAPSULE])
    f.store("i64", f.load("i64", f.load("ptr", current), abi.CAPSULE),
            f.cell(frame, _operand(f, here, 0)))
    next_step(1)

    f.begin(names[Step.STATE])
    place = f.cell(frame, _operand(f, here, 2))
    f.call("PyContextVar_Get", _operand(f, here, 0, "ptr"), "null", place, failed=cleared)
    known = f.load("ptr", _operand(f, here, 1, "ptr"))
    f.leave_unless(f.test(f"eq ptr {f.load('ptr', place)}, {known}"), leave)
    next_step(3)

    f.begin(names[Step.RUN])
    f.store("ptr", "null", answer)
    f.store("i64", f.op(f"add i64 {f.load('i64', '%spec', 8 * Spec.RUNS)}, 1"),
            "%spec", 8 * Spec.RUNS)
    kernel = f.load("ptr", "%spec", 8 * Spec.KERNEL)
    status = f.op(f"call i64 {kernel}(ptr {frame})")
    done, bad, check = f.label(), f.label(), f.label()
    f.branch(f.test(f"eq i64 {status}, 0"), done, bad)
    f.begin(bad)
    positive, flagged = f.label(), f.label()
    f.branch(f.test(f"sgt i64 {status}, 0"), positive, leave)
    f.begin(positive)
    f.branch(f.test(f"sge i64 {status}, {1 << SHIFT}"), flagged, check)
    f.begin(flagged)
    look = f.load("ptr", "%spec", 8 * Spec.FLAGGED)
    given = f.call("PyObject_Vectorcall", look, "%args",
                   f.load("i64", "%spec", 8 * Spec.PARAMETERS), "null", failed=leave)
    own_results, instead = f.label(), f.label()
    f.branch(f.test(f"eq ptr {given}, {look}"), own_results, instead)
    f.begin(instead)
    f.store("ptr", given, answer)
    f.jump(leave)
    f.begin(own_results)
    f.disown(given)
    f.jump(done)
    f.begin(check)
    f.line(f"call void @hl_fail(ptr {f.load('ptr', '%spec', 8 * Spec.FAIL)}, i64 {status}, "
           f"ptr {frame})")
    f.jump(leave)
    f.begin(done)
    f.store("ptr", f.load("ptr", "%spec", 8 * Spec.OUTPUT), step)
    f.jump(outputs)

    f.begin(outputs)
    here = f.load("ptr", step)
    ways = {s: f"out_{s.name}" for s in Out}
    cases = " ".join(f"i64 {int(s)}, label %{name}" for s, name in ways.items())
    f.line(f"switch i64 {f.load('i64', here)}, label %{failed} [ {cases} ]")

    def push(value: str, operands: int) -> None:
        place = f.load("ptr", top)
        f.store("ptr", value, place)
        f.store("ptr", f.at(place, 8), top)
        next_step(operands, outputs)

    def operand_cell(number: int) -> str:
        return f.cell(frame, _operand(f, here, number))

    def own_and_push(value: str, operands: int) -> None:
        push(f.own(value), operands)

    f.begin(ways[Out.RESULT])
    own_and_push(f.load("ptr", f.cell(owned, _operand(f, here, 0))), 1)

    f.begin(ways[Out.TAKE])
    place = f.cell(owned, _operand(f, here, 0))
    value = f.load("ptr", place)
    f.store("ptr", "null", place)
    push(value, 1)

    f.begin(ways[Out.FLOAT])
    push(f.call("PyFloat_FromDouble", f.load("double", operand_cell(0)), failed=leave), 1)

    f.begin(ways[Out.INT])
    push(f.call("PyLong_FromLongLong", f.load("i64", operand_cell(0)), failed=leave), 1)

    f.begin(ways[Out.UNSIGNED])
    push(f.call("PyLong_FromUnsignedLongLong", f.load("i64", operand_cell(0)), failed=leave), 1)

    f.begin(ways[Out.BOOL])
    truth = f.op(f"zext i8 {f.load('i8', operand_cell(0))} to i64")
    push(f.call("PyBool_FromLong", truth), 1)

    f.begin(ways[Out.COMPLEX])
    place = operand_cell(0)
    push(f.call("PyComplex_FromDoubles", f.load("double", place), f.load("double", place, 8),
                failed=leave), 1)

    f.begin(ways[Out.SCALAR])
    push(f.call("PyArray_Scalar", operand_cell(1), _operand(f, here, 0, "ptr"), "null",
                failed=leave), 2)

    f.begin(ways[Out.PAIR])
    place = operand_cell(2)
    f.store("i64", f.load("i64", place), scratch)
    f.store("i64", f.load("i64", place, 8), scratch, _operand(f, here, 1))
    push(f.call("PyArray_Scalar", scratch, _operand(f, here, 0, "ptr"), "null", failed=leave), 3)

    f.begin(ways[Out.OBJECT])
    own_and_push(_operand(f, here, 0, "ptr"), 1)

    f.begin(ways[Out.ARG])
    own_and_push(f.load("ptr", f.cell("%args", _operand(f, here, 0))), 1)

    f.begin(ways[Out.OWNED])
    own_and_push(f.load("ptr", operand_cell(0)), 1)

    def gather(make: str, items: int | None) -> None:
        """A tuple or list of the topmost values, which it takes over."""
        length = _operand(f, here, 0)
        made = f.call(make, length, failed=leave)
        to = f.at(made, abi.TUPLE_ITEMS) if items is None else f.load("ptr", made, items)
        base = f.cell(f.load("ptr", top), f.op(f"sub i64 0, {length}"))
        with f.loop(length) as k:
            place = f.cell(base, k)
            f.store("ptr", f.load("ptr", place), f.cell(to, k))
            f.store("ptr", "null", place)
        f.store("ptr", base, top)
        push(made, 1)

    f.begin(ways[Out.TUPLE])
    gather("PyTuple_New", None)

    f.begin(ways[Out.LIST])
    gather("PyList_New", abi.LIST_ITEMS)

    f.begin(ways[Out.CALL])
    length = _operand(f, here, 1)
    base = f.cell(f.load("ptr", top), f.op(f"sub i64 0, {length}"))
    made = f.call("PyObject_Vectorcall", _operand(f, here, 0, "ptr"), base, length, "null",
                  failed=leave)
    with f.loop(length) as k:
        place = f.cell(base, k)
        f.disown(f.load("ptr", place))
        f.store("ptr", "null", place)
    f.store("ptr", base, top)
    push(made, 2)

    f.begin(ways[Out.UNLESS])
    target, on = f.label(), f.label()
    f.branch(f.test(f"eq i8 {f.load('i8', operand_cell(0))}, 0"), target, on)
    f.begin(target)
    f.store("ptr", _operand(f, here, 1, "ptr"), step)
    f.jump(outputs)
    f.begin(on)
    next_step(2, outputs)

    f.begin(ways[Out.GOTO])
    f.store("ptr", _operand(f, here, 0, "ptr"), step)
    f.jump(outputs)

    for out, setter in ((Out.SET_ATTR, "PyObject_SetAttr"), (Out.SET_ITEM, "PyObject_SetItem")):
        f.begin(ways[out])
        bottom = f.cell(frame, f.load("i64", "%spec", 8 * Spec.STACK))
        place = f.cell(bottom, _operand(f, here, 0))
        f.call(setter, f.load("ptr", place), _operand(f, here, 1, "ptr"),
               f.load("ptr", place, 8), failed=leave)
        next_step(2, outputs)

    f.begin(ways[Out.RETURN])
    last = f.at(f.load("ptr", top), -8)
    f.store("ptr", f.load("ptr", last), answer)
    f.store("ptr", "null", last)
    f.jump(leave)

    f.begin(failed)
    f.line("unreachable")

    f.begin(cleared)
    f.call("PyErr_Clear")
    f.jump(leave)
    f.begin(leave)
    f.line(f"call void @hl_release(ptr {owned}, i64 {owned_count})")
    f.line(f"ret ptr {f.load('ptr', answer)}")
    return f.text()


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
