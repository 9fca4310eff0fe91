"""The machine's input steps (`entry.steps.Step`): guards and unboxing.

A step finds its operands behind its opcode. The object at hand is `current`; a step that makes a
reference puts it in a cell that is released in the end. A check that fails leaves for the next
specialization.
"""

from __future__ import annotations

from hotloop.entry import abi
from hotloop.entry.steps import Step
from hotloop.entry.walk import CLEARED, INPUTS, LEAVE, Run


def write(run: Run) -> None:
    """All input steps but RUN, which calls the kernel."""
    run.switch(INPUTS, Step, LEAVE)
    _finding(run)
    _guards(run)
    _numbers(run)
    _arrays(run)
    _relations(run)


def _finding(run: Run) -> None:
    """Steps that find an object: they make it current."""
    f = run.f
    run.begin(Step.ARG)
    f.store("ptr", f.load("ptr", f.cell("%args", run.operand(0))), run.current)
    run.next(1)

    run.begin(Step.ATTR)
    run.own(f.call("PyObject_GetAttr", f.load("ptr", run.current), run.operand(0, "ptr"),
                       failed=CLEARED), 1)
    run.next(2)

    run.begin(Step.INDEX)
    value, index = f.load("ptr", run.current), run.operand(0)
    a_tuple, a_list, no_tuple, found = (f.label() for _ in range(4))
    f.branch(run.is_a(value, "@tuple_type"), a_tuple, no_tuple)
    f.begin(no_tuple)
    f.branch(run.is_a(value, "@list_type"), a_list, LEAVE)
    f.begin(a_tuple)
    f.store("ptr", f.at(value, abi.TUPLE_ITEMS), run.items)
    f.jump(found)
    f.begin(a_list)
    f.store("ptr", f.load("ptr", value, abi.LIST_ITEMS), run.items)
    f.jump(found)
    f.begin(found)
    f.leave_unless(f.test(f"ult i64 {index}, {f.load('i64', value, abi.SIZE)}"), LEAVE)
    item = f.load("ptr", f.cell(f.load("ptr", run.items), index))
    run.own(f.own(item), 1)
    run.next(2)

    run.begin(Step.KEY)
    value = f.load("ptr", run.current)
    f.leave_unless(run.is_a(value, "@dict_type"), LEAVE)
    item = f.call("PyDict_GetItemWithError", value, run.operand(0, "ptr"), failed=CLEARED)
    run.own(f.own(item), 1)
    run.next(2)

    run.begin(Step.GLOBAL)
    item = f.call("PyDict_GetItemWithError", run.operand(0, "ptr"),
                  run.operand(1, "ptr"), failed=CLEARED)
    run.own(f.own(item), 2)
    run.next(3)

    run.begin(Step.CELL)
    item = f.load("ptr", run.operand(0, "ptr"), abi.CELL)
    f.leave_if(f.test(f"eq ptr {item}, null"), LEAVE)
    run.own(f.own(item), 1)
    run.next(2)


def _guards(run: Run) -> None:
    """Steps that ask what the current object is."""
    f = run.f
    run.begin(Step.IS)
    f.leave_unless(f.test(f"eq ptr {f.load('ptr', run.current)}, {run.operand(0, 'ptr')}"),
                   LEAVE)
    run.next(1)

    run.begin(Step.TYPE)
    f.leave_unless(run.is_a(f.load("ptr", run.current), run.operand(0, "ptr")), LEAVE)
    run.next(1)

    run.begin(Step.EQUAL)
    _equal(run, f.load("ptr", run.current), run.operand(0, "ptr"))
    run.next(1)

    run.begin(Step.KEYS)
    value, keys = f.load("ptr", run.current), run.operand(0, "ptr")
    f.leave_unless(run.is_a(value, "@dict_type"), LEAVE)
    count = f.load("i64", keys, abi.SIZE)
    f.leave_unless(f.test(f"eq i64 {f.load('i64', value, abi.DICT_USED)}, {count}"), LEAVE)
    f.store("i64", "0", run.position)
    with f.loop(count) as k:
        more = f.call("PyDict_Next", value, run.position, run.items, "null")
        f.leave_unless(f.test(f"ne i32 {more}, 0"), LEAVE)
        wanted = f.load("ptr", f.cell(f.at(keys, abi.TUPLE_ITEMS), k))
        _equal(run, f.load("ptr", run.items), wanted)
    run.next(1)

    run.begin(Step.SIZE)
    f.leave_unless(f.test(f"eq i64 {f.load('i64', f.load('ptr', run.current), abi.SIZE)}, "
                          f"{run.operand(0)}"), LEAVE)
    run.next(1)

    run.begin(Step.BITS)
    value = f.load("ptr", run.current)
    f.leave_unless(run.is_a(value, "@float_type"), LEAVE)
    f.leave_unless(f.test(f"eq i64 {f.load('i64', value, abi.VALUE)}, {run.operand(0)}"),
                   LEAVE)
    run.next(1)


def _equal(run: Run, value: str, wanted: str) -> None:
    """Leave unless the two are one object, or equal ones of one type: an int, str or bytes."""
    f = run.f
    equal, differs = f.label(), f.label()
    f.branch(f.test(f"eq ptr {value}, {wanted}"), equal, differs)
    f.begin(differs)
    f.leave_unless(run.is_a(value, f.load("ptr", wanted, abi.TYPE)), LEAVE)
    truth = f.call("PyObject_RichCompareBool", value, wanted, "2", failed=CLEARED)
    f.branch(f.test(f"eq i32 {truth}, 1"), equal, LEAVE)
    f.begin(equal)


def _numbers(run: Run) -> None:
    """Steps that put a number in the frame."""
    f = run.f
    run.begin(Step.FLOAT)
    value = f.load("ptr", run.current)
    f.leave_unless(run.is_a(value, "@float_type"), LEAVE)
    f.store("i64", f.load("i64", value, abi.VALUE), f.cell(run.frame, run.operand(0)))
    run.next(1)

    run.begin(Step.INT)
    value = f.load("ptr", run.current)
    f.leave_unless(run.is_a(value, "@int_type"), LEAVE)
    number = f.call("PyLong_AsLongLongAndOverflow", value, run.overflow)
    f.leave_unless(f.test(f"eq i32 {f.load('i32', run.overflow)}, 0"), LEAVE)
    f.store("i64", number, f.cell(run.frame, run.operand(0)))
    run.next(1)

    run.begin(Step.BOOL)
    value = f.load("ptr", run.current)
    truth = f.test(f"eq ptr {value}, @true")
    known = f.op(f"or i1 {truth}, {f.test(f'eq ptr {value}, @false')}")
    f.leave_unless(known, LEAVE)
    f.store("i64", f.op(f"zext i1 {truth} to i64"), f.cell(run.frame, run.operand(0)))
    run.next(1)

    run.begin(Step.COMPLEX)
    value, place = f.load("ptr", run.current), f.cell(run.frame, run.operand(0))
    f.leave_unless(run.is_a(value, "@complex_type"), LEAVE)
    f.store("i64", f.load("i64", value, abi.VALUE), place)
    f.store("i64", f.load("i64", value, abi.VALUE + 8), place, 8)
    run.next(1)

    run.begin(Step.SCALAR)
    value = f.load("ptr", run.current)
    f.leave_unless(run.is_a(value, run.operand(0, "ptr")), LEAVE)
    bits = f.op(f"call i64 @hl_number(ptr {f.at(value, abi.VALUE)}, i64 {run.operand(1)})")
    f.store("i64", bits, f.cell(run.frame, run.operand(2)))
    run.next(3)

    run.begin(Step.PAIR)
    value = f.load("ptr", run.current)
    f.leave_unless(run.is_a(value, run.operand(0, "ptr")), LEAVE)
    _pair(run, f.at(value, abi.VALUE), run.operand(1), f.cell(run.frame, run.operand(2)))
    run.next(3)


def _pair(run: Run, data: str, half: str, place: str) -> None:
    f = run.f
    for k, at in enumerate((data, f.at(data, half))):
        bits = f.op(f"call i64 @hl_number(ptr {at}, i64 {half})")
        f.store("i64", bits, place, 8 * k)


def _arrays(run: Run) -> None:
    """Steps that put an array in the frame: its memory, dims and strides."""
    f = run.f
    run.begin(Step.ARRAY)
    value = f.load("ptr", run.current)
    _check_dtype(run, value)
    rank = run.operand(2)
    actual = f.op(f"sext i32 {f.load('i32', value, abi.ARRAY_RANK)} to i64")
    f.leave_unless(f.test(f"eq i64 {actual}, {rank}"), LEAVE)
    _check_flags(run, value, f.op(f"trunc i64 {run.operand(3)} to i32"))
    data = f.load("ptr", value, abi.ARRAY_DATA)
    f.store("ptr", data, f.cell(run.frame, run.operand(4)))
    dims = f.load("ptr", value, abi.ARRAY_DIMS)
    wanted_dims = f.at(run.here, 8 + 8 * 10)
    frame_dims = f.cell(run.frame, run.operand(5))
    with f.loop(rank) as k:
        dim, wanted = f.load("i64", f.cell(dims, k)), f.load("i64", f.cell(wanted_dims, k))
        any_, number, fixed, other, good = (f.label() for _ in range(5))
        f.store("i64", dim, f.cell(frame_dims, k))
        f.branch(f.test(f"eq i64 {wanted}, -1"), any_, other)
        f.begin(any_)
        f.branch(f.test(f"eq i64 {dim}, 1"), LEAVE, good)
        f.begin(other)
        f.branch(f.test(f"sge i64 {wanted}, 0"), number, fixed)
        f.begin(number)
        f.branch(f.test(f"eq i64 {dim}, {wanted}"), good, LEAVE)
        f.begin(fixed)
        earlier = f.load("i64", f.cell(run.frame, f.op(f"sub i64 -2, {wanted}")))
        f.branch(f.test(f"eq i64 {dim}, {earlier}"), good, LEAVE)
        f.begin(good)
    inner, strides = run.operand(7), run.operand(6)
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
    to = f.cell(run.frame, strides)
    with f.loop(rank) as k:
        f.store("i64", f.load("i64", f.cell(from_, k)), f.cell(to, k))
    f.leave_if(f.test(f"eq i64 {inner}, 0"), extent)
    f.store("i64", inner, f.cell(to, rank))
    f.jump(extent)
    f.begin(extent)
    measured, measure = f.label(), f.label()
    place = run.operand(8)
    f.branch(f.test(f"slt i64 {place}, 0"), measured, measure)
    f.begin(measure)
    lowest, highest, size = data, f.at(data, run.operand(9)), f.cell(run.frame, place)
    f.line(f"call void @hl_measure(ptr {lowest}, ptr {highest}, ptr {dims}, ptr {from_}, "
           f"i64 {rank}, ptr {size})")
    f.jump(measured)
    f.begin(measured)
    f.store("ptr", f.cell(f.at(run.here, 8 + 8 * 10), rank), run.step)
    f.jump(INPUTS)

    run.begin(Step.POINT)
    value = f.load("ptr", run.current)
    _check_dtype(run, value)
    f.leave_unless(f.test(f"eq i32 {f.load('i32', value, abi.ARRAY_RANK)}, 0"), LEAVE)
    _check_flags(run, value, str(abi.ALIGNED))
    data, size = f.load("ptr", value, abi.ARRAY_DATA), run.operand(2)
    place, single, double, read = f.cell(run.frame, run.operand(3)), *(f.label() for _ in "123")
    f.branch(f.test(f"sgt i64 {size}, 0"), single, double)
    f.begin(single)
    f.store("i64", f.op(f"call i64 @hl_number(ptr {data}, i64 {size})"), place)
    f.jump(read)
    f.begin(double)
    _pair(run, data, f.op(f"sub i64 0, {size}"), place)
    f.jump(read)
    f.begin(read)
    run.next(4)


def _check_dtype(run: Run, value: str) -> None:
    """Operands 0 and 1: the dtype object, and its number for equal dtypes of another identity
    (which must be native)."""
    f = run.f
    f.leave_unless(run.is_a(value, "@array_type"), LEAVE)
    dtype, same, other = f.load("ptr", value, abi.ARRAY_DTYPE), f.label(), f.label()
    f.branch(f.test(f"eq ptr {dtype}, {run.operand(0, 'ptr')}"), same, other)
    f.begin(other)
    number = f.op(f"sext i32 {f.load('i32', dtype, abi.DTYPE_NUMBER)} to i64")
    f.leave_unless(f.test(f"eq i64 {number}, {run.operand(1)}"), LEAVE)
    swapped = f.test(f"eq i8 {f.load('i8', dtype, abi.DTYPE_ORDER)}, {ord('>')}")
    f.branch(swapped, LEAVE, same)
    f.begin(same)


def _check_flags(run: Run, value: str, wanted: str) -> None:
    f = run.f
    flags = f.load("i32", value, abi.ARRAY_FLAGS)
    f.leave_unless(f.test(f"eq i32 {f.op(f'and i32 {flags}, {wanted}')}, {wanted}"), LEAVE)


def _relations(run: Run) -> None:
    """Steps about several objects, and what is no argument."""
    f = run.f
    run.begin(Step.SAME)
    a, b = (f.load("i64", f.cell(run.frame, run.operand(k))) for k in (0, 1))
    f.leave_unless(f.test(f"eq i64 {a}, {b}"), LEAVE)
    run.next(2)

    run.begin(Step.APART)
    one, two = (f.cell(run.frame, run.operand(k)) for k in (0, 1))
    before = f.test(f"ule i64 {f.load('i64', one, 8)}, {f.load('i64', two)}")
    after = f.test(f"ule i64 {f.load('i64', two, 8)}, {f.load('i64', one)}")
    f.leave_unless(f.op(f"or i1 {before}, {after}"), LEAVE)
    run.next(2)

    run.begin(Step.RANDOM)
    key = f.op(f"call i64 @hl_key(ptr {run.operand(0, 'ptr')})")
    f.store("i64", key, f.cell(run.frame, run.operand(1)))
    run.next(2)

    run.begin(Step.OWNED)
    f.store("ptr", f.load("ptr", f.cell(run.frame, run.operand(0))), run.current)
    run.next(1)

    run.begin(Step.ALIAS)
    a, b = (f.load("ptr", f.cell(run.frame, run.operand(k))) for k in (0, 1))
    f.leave_unless(f.test(f"eq ptr {a}, {b}"), LEAVE)
    run.next(2)

    run.begin(Step.HOLD)
    run.own(f.own(f.load("ptr", run.current)), 0)
    run.next(1)

    run.begin(Step.OBJECT)
    f.store("ptr", f.load("ptr", run.current), f.cell(run.frame, run.operand(0)))
    run.next(1)

    run.begin(Step.CAPSULE)
    f.store("i64", f.load("i64", f.load("ptr", run.current), abi.CAPSULE),
            f.cell(run.frame, run.operand(0)))
    run.next(1)

    run.begin(Step.STATE)
    place = f.cell(run.frame, run.operand(2))
    f.call("PyContextVar_Get", run.operand(0, "ptr"), "null", place, failed=CLEARED)
    known = f.load("ptr", run.operand(1, "ptr"))
    f.leave_unless(f.test(f"eq ptr {f.load('ptr', place)}, {known}"), LEAVE)
    run.next(3)
