"""The native machine in this process, and the type of the objects that it calls.

    machine = native.machine()         # None where there can be none
    f = native.function_type()()       # callable once `set_slow` and `set_specs` were called

A process that finds no machine on disk compiles it in the background and keeps it there; until it
is ready, calls are made in Python.

The type is made with PyType_FromSpec, so that it has a vectorcall slot; it is an ordinary heap type
otherwise: Python attributes may be set on it, instances have a dict and weak references and are
collected. Until the machine is loaded a function's vectorcall is that of bound methods, which calls
`slow(state, *args)`: no machine code is needed before something was compiled.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
from types import FunctionType, MethodType
from typing import Any

from hotloop import config, lazy
from hotloop.digest import blake2b
from hotloop.entry import abi, key, layout
from hotloop.entry.bind import Binder
from hotloop.entry.pool import pool
from hotloop.llvm import background, cache, engine, loader

capi = lazy.module("hotloop.entry.capi")
machine_text = lazy.module("hotloop.entry.machine")

_lock = threading.Lock()


class Machine:
    """The loaded machine. Never unloaded: vectorcall pointers into it may outlive everything."""

    def __init__(self, object: bytes):
        self.code = loader.load(object, capi.addresses())
        self.call = self.code["hl_call"]
        _set(self.code["hl_method"], _method_vectorcall())
        key.draw_by(self.code["hl_key"])
        self.use_pool(config.pool)

    def use_pool(self, on: bool) -> None:
        """Take the memory of large results from the pool from now on, or from malloc."""
        found = pool() if on else None
        _set(self.code["hl_pool"], id(found.capsule) if found is not None else 0)


def _key() -> str:
    """The cache key of the machine's object file: all that decides what it is."""
    sources = [(file, os.stat(os.path.join(os.path.dirname(__file__), file)).st_mtime_ns)
               for file in ("abi.py", "capi.py", "inputs.py", "key.py", "layout.py", "machine.py",
                            "outputs.py", "pool.py", "steps.py", "text.py", "walk.py")]
    parts = ("machine", sources, sys.version, engine.versions(), engine.host(), config.cpu)
    return blake2b(repr(parts).encode()).hexdigest()


_machine: Machine | None = None
_coming = False


def machine(load: bool = True) -> Machine | None:
    """The machine of this process, or None where there can be none; also None where it is not there
    yet. With `load` it is on its way then: that takes 3 ms, now, from disk, and 100 ms, in the
    background, once for each version of everything."""
    global _coming
    if _machine is not None or not load or _coming or abi.problem():
        return _machine
    with _lock:
        if _machine is None and not _coming:
            name = _key()
            object = cache.get(name) if config.cache else None
            if object is not None:
                _start(object)
            else:
                _coming = True
                text = machine_text.text()
                background.later(lambda: _make(name, text))
        return _machine


def _in_child() -> None:
    """A thread of the parent may have been making it."""
    global _coming
    _coming = False
    _lock.release()


os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_in_child)


def _make(name: str, text: str) -> None:
    if _machine is not None:
        return
    object = engine.compile_text(text, 1, background=True)
    if config.cache:
        cache.put(name, object)
    _start(object)


def _start(object: bytes) -> None:
    global _machine, _coming
    _machine = Machine(object)
    _immortal(_machine)
    _coming = False


def _immortal(value: Any) -> None:
    """Keep it through the interpreter's shutdown, too."""
    ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))(value)


def _set(address: int, value: int) -> None:
    ctypes.c_uint64.from_address(address).value = value


@functools.cache
def _method_vectorcall() -> int:
    method = MethodType(_set, 1)            # named, so that it is alive while it is read
    return abi.word(id(method) + abi.METHOD_VECTORCALL)


class _Slot(ctypes.Structure):
    _fields_ = (("slot", ctypes.c_int), ("function", ctypes.c_void_p))


class _Spec(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("basicsize", ctypes.c_int),
                ("itemsize", ctypes.c_int), ("flags", ctypes.c_uint),
                ("slots", ctypes.POINTER(_Slot)))


class _Member(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("type", ctypes.c_int), ("offset", ctypes.c_ssize_t),
                ("flags", ctypes.c_int), ("doc", ctypes.c_char_p))


class _Attribute(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("get", ctypes.c_void_p), ("set", ctypes.c_void_p),
                ("doc", ctypes.c_char_p), ("closure", ctypes.c_void_p))


# From CPython's typeslots.h, structmember.h and object.h: part of the stable ABI.
_CALL, _CLEAR, _DEALLOC, _DESCR_GET, _TRAVERSE, _MEMBERS, _ATTRIBUTES = 50, 51, 52, 54, 71, 72, 73
_OBJECT, _SIZE, _READONLY = 16, 19, 1
_VECTORCALL_FLAG, _GC, _METHOD_DESCRIPTOR, _DEFAULT = 1 << 11, 1 << 14, 1 << 17, 1 << 18


class _Plain:
    """Its type's functions serve ours: they visit members of type object and the dict."""


@functools.cache
def function_type() -> Any:
    """The type; its instances are made by `new`, not by calling it."""
    get_slot = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_int)(
        ("PyType_GetSlot", ctypes.pythonapi))
    from_spec = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(
        ("PyType_FromSpec", ctypes.pythonapi))
    offsets = ((b"__vectorcalloffset__", layout.VECTORCALL), (b"__dictoffset__", layout.DICT),
               (b"__weaklistoffset__", layout.WEAKLIST))
    objects = ((b"<slow>", layout.SLOW), (b"<state>", layout.STATE), (b"<keep>", layout.KEEP))
    members = (_Member * 7)(
        *(_Member(name, _SIZE, at, _READONLY, None) for name, at in offsets),
        *(_Member(name, _OBJECT, at, 0, None) for name, at in objects), _Member())
    call, get_dict, set_dict = (ctypes.cast(f, ctypes.c_void_p).value for f in (
        ctypes.pythonapi.PyVectorcall_Call, ctypes.pythonapi.PyObject_GenericGetDict,
        ctypes.pythonapi.PyObject_GenericSetDict))
    attributes = (_Attribute * 2)(_Attribute(b"__dict__", get_dict, set_dict, None, None))
    slots = (_Slot * 8)(
        _Slot(_MEMBERS, ctypes.addressof(members)),
        _Slot(_ATTRIBUTES, ctypes.addressof(attributes)), _Slot(_CALL, call),
        *(_Slot(slot, get_slot(_Plain, slot)) for slot in (_CLEAR, _DEALLOC, _TRAVERSE)),
        _Slot(_DESCR_GET, get_slot(FunctionType, _DESCR_GET)), _Slot())
    spec = _Spec(b"hotloop.Function", layout.OBJECT_SIZE, 0,
                 _DEFAULT | _GC | _VECTORCALL_FLAG | _METHOD_DESCRIPTOR, slots)
    _kept.extend((members, attributes, slots, spec))
    return from_spec(ctypes.addressof(spec))


_kept: list[Any] = []


def new(slow: Any, state: Any) -> Any:
    """A function object that calls `slow(state, *args, **kwargs)` until it has specializations."""
    made = function_type()()
    for name, value in (("<slow>", slow), ("<state>", state), ("<keep>", None)):
        setattr(made, name, value)      # no attribute that a program deletes by accident
    _set(id(made) + layout.VECTORCALL, _method_vectorcall())
    return made


def state(function: Any) -> Any:
    """What `new` was given."""
    return getattr(function, "<state>")


def set_tables(function: Any, binder: Binder, tables: tuple[Any, ...]) -> None:
    """Let the machine try `tables`, in this order, before `slow`."""
    loaded = machine()
    assert loaded is not None
    count = len(binder.names)
    names = (ctypes.c_uint64 * max(1, count))(*(
        0 if n in binder.positional_only else id(n) for n in binder.names))
    defaults = (ctypes.c_uint64 * max(1, count))(*(
        id(binder.defaults[n]) if n in binder.defaults else 0 for n in binder.names))
    cells = [count, ctypes.addressof(names), ctypes.addressof(defaults), len(tables)]
    table = (ctypes.c_uint64 * (len(cells) + len(tables)))(*cells, *(t.address for t in tables))
    keep = (tables, names, defaults, table, binder)
    before = getattr(function, "<keep>")
    setattr(function, "<keep>", (before, keep))     # another thread may be reading the old table
    _set(id(function) + layout.TABLES, ctypes.addressof(table))
    setattr(function, "<keep>", keep)
    _set(id(function) + layout.VECTORCALL, loaded.call)
