"""The machine's output steps (`entry.steps.Out`): boxing, by a stack of objects that it owns."""

from __future__ import annotations

from hotloop.entry import abi
from hotloop.entry.steps import Out, Spec
from hotloop.entry.walk import LEAVE, OUTPUTS, Run

FAILED = "failed"


def write(run: Run) -> None:
    """All output steps. There are no others: what comes elsewhere can't be."""
    run.switch(OUTPUTS, Out, FAILED)
    _values(run)
    _containers(run)
    _control(run)
    run.f.begin(FAILED)
    run.f.line("unreachable")


def _values(run: Run) -> None:
    """Steps that push one object."""
    f = run.f
    run.begin(Out.RESULT)
    run.push_own(f.load("ptr", f.cell(run.owned, run.operand(0))), 1)

    run.begin(Out.TAKE)
    place = f.cell(run.owned, run.operand(0))
    value = f.load("ptr", place)
    f.store("ptr", "null", place)
    run.push(value, 1)

    run.begin(Out.FLOAT)
    run.push(f.call("PyFloat_FromDouble", f.load("double", run.operand_cell(0)), failed=LEAVE), 1)

    run.begin(Out.INT)
    run.push(f.call("PyLong_FromLongLong", f.load("i64", run.operand_cell(0)), failed=LEAVE), 1)

    run.begin(Out.UNSIGNED)
    number = f.load("i64", run.operand_cell(0))
    run.push(f.call("PyLong_FromUnsignedLongLong", number, failed=LEAVE), 1)

    run.begin(Out.BOOL)
    truth = f.op(f"zext i8 {f.load('i8', run.operand_cell(0))} to i64")
    run.push(f.call("PyBool_FromLong", truth), 1)

    run.begin(Out.COMPLEX)
    place = run.operand_cell(0)
    run.push(f.call("PyComplex_FromDoubles", f.load("double", place), f.load("double", place, 8),
                    failed=LEAVE), 1)

    run.begin(Out.SCALAR)
    run.push(f.call("PyArray_Scalar", run.operand_cell(1), run.operand(0, "ptr"), "null",
                    failed=LEAVE), 2)

    run.begin(Out.PAIR)
    place = run.operand_cell(2)
    f.store("i64", f.load("i64", place), run.scratch)
    f.store("i64", f.load("i64", place, 8), run.scratch, run.operand(1))
    run.push(f.call("PyArray_Scalar", run.scratch, run.operand(0, "ptr"), "null", failed=LEAVE), 3)

    run.begin(Out.OBJECT)
    run.push_own(run.operand(0, "ptr"), 1)

    run.begin(Out.ARG)
    run.push_own(f.load("ptr", f.cell("%args", run.operand(0))), 1)

    run.begin(Out.OWNED)
    run.push_own(f.load("ptr", run.operand_cell(0)), 1)


def _containers(run: Run) -> None:
    """Steps that make one object of several."""
    f = run.f
    run.begin(Out.TUPLE)
    _gather(run, "PyTuple_New", None)

    run.begin(Out.LIST)
    _gather(run, "PyList_New", abi.LIST_ITEMS)

    run.begin(Out.CALL)
    length = run.operand(1)
    base = f.cell(f.load("ptr", run.top), f.op(f"sub i64 0, {length}"))
    made = f.call("PyObject_Vectorcall", run.operand(0, "ptr"), base, length, "null",
                  failed=LEAVE)
    with f.loop(length) as k:
        place = f.cell(base, k)
        f.disown(f.load("ptr", place))
        f.store("ptr", "null", place)
    f.store("ptr", base, run.top)
    run.push(made, 2)


def _gather(run: Run, make: str, items: int | None) -> None:
    """A tuple or list of the topmost values, which it takes over."""
    f = run.f
    length = run.operand(0)
    made = f.call(make, length, failed=LEAVE)
    to = f.at(made, abi.TUPLE_ITEMS) if items is None else f.load("ptr", made, items)
    base = f.cell(f.load("ptr", run.top), f.op(f"sub i64 0, {length}"))
    with f.loop(length) as k:
        place = f.cell(base, k)
        f.store("ptr", f.load("ptr", place), f.cell(to, k))
        f.store("ptr", "null", place)
    f.store("ptr", base, run.top)
    run.push(made, 1)


def _control(run: Run) -> None:
    """Steps that choose the next one, store, or end."""
    f = run.f
    run.begin(Out.UNLESS)
    target, on = f.label(), f.label()
    f.branch(f.test(f"eq i8 {f.load('i8', run.operand_cell(0))}, 0"), target, on)
    f.begin(target)
    f.store("ptr", run.operand(1, "ptr"), run.step)
    f.jump(OUTPUTS)
    f.begin(on)
    run.next(2, OUTPUTS)

    run.begin(Out.GOTO)
    f.store("ptr", run.operand(0, "ptr"), run.step)
    f.jump(OUTPUTS)

    for out, setter in ((Out.SET_ATTR, "PyObject_SetAttr"), (Out.SET_ITEM, "PyObject_SetItem")):
        run.begin(out)
        bottom = f.cell(run.frame, f.load("i64", "%spec", 8 * Spec.STACK))
        place = f.cell(bottom, run.operand(0))
        f.call(setter, f.load("ptr", place), run.operand(1, "ptr"),
               f.load("ptr", place, 8), failed=LEAVE)
        run.next(2, OUTPUTS)

    run.begin(Out.RETURN)
    last = f.at(f.load("ptr", run.top), -8)
    f.store("ptr", f.load("ptr", last), run.answer)
    f.store("ptr", "null", last)
    f.jump(LEAVE)
