"""The inputs of one trace: arguments and captured objects, as tracers and stand-ins.

    session.argument("x", value)        ndarray -> Array, number -> Scalar, (a, b) -> tuple, ...
    session.traceable(fn)               the rewritten fn, over globals and cells of stand-ins

Numbers among the arguments are inputs; captured numbers (globals, closures, class attributes) are
constants with a guard. Arrays are inputs wherever they come from. Mutable objects get a stand-in: a
list is copied with its items traced, an instance of a class is an object of a subclass that reads
attributes from the real one when they are first used. What the function changed in them becomes
`Traced.writes`; nothing is ever written to the real objects while tracing.
"""

from __future__ import annotations

import collections
import enum
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop import lazy
from hotloop.errors import Location, UnsupportedError
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import Builder, current, opened, staging, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.control import HELPERS
from hotloop.frontend.given import Given
from hotloop.frontend.instances import traced_class
from hotloop.frontend.list_slots import list_of
from hotloop.frontend.list_values import List, Table
from hotloop.frontend.objects import Variable
from hotloop.frontend.rewrite import HELPERS as HELPERS_NAME
from hotloop.frontend.rewrite import Rewritten, rewritten
from hotloop.frontend.sequences import generator_function
from hotloop.frontend.slots import Unjoined
from hotloop.frontend.source import names_read
from hotloop.frontend.traced import (
    ARRAY,
    CAPSULE,
    NUMPY,
    OBJECT,
    PYTHON,
    Guard,
    Input,
    Path,
    Place,
)
from hotloop.frontend.tracers import Array, Base, Scalar, fresh
from hotloop.ir.core import PYTHON_DTYPES, Dim, Var
from hotloop.ir.types import CODE_OF, I64, U64

generators = lazy.module("hotloop.frontend.generators")
tables = lazy.module("hotloop.frontend.tables")
text = lazy.module("hotloop.frontend.text")

RANDOM_MODULES = ("numpy.random._generator", "numpy.random.mtrand")
MAX_LEAVES = 10_000
DICTS = (collections.Counter, collections.defaultdict, collections.OrderedDict)
IMMUTABLE_MODULES = frozenset(("numpy", "math", "cmath", "builtins", "operator", "random",
                               "functools", "itertools", "typing", "collections", "dataclasses",
                               "enum", "abc", "warnings", "contextlib", "hotloop"))
SIMPLE = (str, bytes, type(None), bool, int, float, complex, type, types.FunctionType,
          types.BuiltinFunctionType, types.ModuleType, np.dtype, np.ufunc, type(Ellipsis),
          enum.Enum, range, frozenset, functools._lru_cache_wrapper)


FIXED_TEXTS = "fixed texts"
"""Among `growing`: text is known while tracing, as its content was refused at run time."""

SHORT, FAR = 4, 8


def short_sizes(x: Any) -> set[int]:
    """Sizes of the last axes of an array that are compiled in: the coordinates of many points, the
    channels of pixels, stacks of small matrices. At most SHORT, and another axis is FAR times as
    long, so a function has few such specializations; one that was compiled for other sizes before
    takes these arrays, too."""
    found: set[int] = set()
    if type(x) is np.ndarray and x.ndim > 1:
        longest = max(x.shape)
        for n in x.shape[:0:-1]:
            if not 1 <= n <= SHORT or longest < FAR * n:
                break
            found.add(n)
    return found


class Session:
    """Everything that is known of the objects of one trace."""

    def __init__(self, root: Builder, frozen: tuple[Path, ...] = ()):
        self.root, self.frozen = root, frozen
        self.inputs: list[tuple[Input, Var, Base | None]] = []
        self.guards: list[Guard] = []
        self.statics: list[tuple[Path, Any]] = []
        self.functions: list[Callable[..., Any]] = []
        self.known: dict[int, tuple[Any, Any]] = {}        # id -> (object, stand-in)
        self.made: dict[int, Any] = {}                     # ids of the mutable stand-ins
        self.places: dict[int, Place] = {}                 # id -> where it was first met
        self.aliases: list[tuple[Place, Place]] = []
        self.stand_ins: list[StandIn] = []
        self.foreign: dict[Any, list[Variable]] = {}
        self.bound: dict[int, Callable[..., Any] | None] = {}
        self.born: dict[int, tuple[types.CodeType, types.FunctionType]] = {}
        self.dims: dict[int, Var] = {}
        self.short: set[int] = set()                       # sizes that are constants
        self.sourceless: list[types.CodeType] = []
        self.recursive: set[Any] = set()                   # codes of functions that call themselves
        self.growing: set[Any] = set()                # where lists of run-time length are made
        self.homes: dict[int, Any] = {}                    # blocks in which objects were made
        self.kept: dict[int, Any] = {}                     # objects that must not change any more
        self.one_of_two: dict[int, list[Any]] = {}         # lists that a branch may have rebound
        self.lists: dict[int, tuple[Any, Location]] = {}   # id -> (list made while tracing, where)
        self.actual: dict[Var, Any] = {}                   # values of the inputs in this call
        self.guarded: set[tuple[Any, ...]] = set()
        self.key: Var | None = None
        self.addresses: dict[Any, Var] = {}
        self.transforms = False                            # `transforms.expand` has to run
        self.known_texts: dict[Any, Path] = {}             # text among the arguments
        self.pool: Any = None                              # text of run time (`text.Pool`)
        self.sizes: dict[Var, int] = {}                    # of dimensions, in this call
        self.traced = False                                # the arguments are known
        self.spaces: list[tuple[types.FunctionType, dict[str, Any]]] = []
        self.given = Given(self._guard, lambda *two: self.aliases.append(two))

    # ---- leaves

    def stand_in(self, x: Any, path: Path, owner: Any, is_argument: bool) -> Any:
        """The tracer or stand-in for an object that came from outside."""
        kind = type(x)
        if kind in PYTHON_DTYPES:
            if is_argument and (kind is not int or dm.MIN <= x <= dm.MAX) and (
                    path not in self.frozen):
                return Scalar(self.number(x, path, PYTHON, PYTHON_DTYPES[kind], owner), PYTHON)
            return self.constant_at(x, path, owner, is_argument)
        if isinstance(x, np.generic) and x.dtype in CODE_OF:
            if is_argument and path not in self.frozen:
                return Scalar(self.number(x, path, NUMPY, x.dtype, owner), NUMPY)
            return self.constant_at(x, path, owner, is_argument)
        known = self.known.get(id(x))
        if known is not None:
            place = self.places.get(id(x), (path, owner))
            if place != (path, owner):
                self.aliases.append((place, (path, owner)))
            return known[1]
        if not isinstance(x, SIMPLE):
            self.places[id(x)] = path, owner
        if isinstance(x, np.ndarray):
            made: Any = self.array(x, path, owner)
        elif isinstance(x, types.FunctionType):
            self.given.meet(x, path, owner, is_argument)
            return x
        elif isinstance(x, (*SIMPLE, types.MethodType)):
            return self._simple(x, path, owner, is_argument)
        elif isinstance(x, tuple | list | dict):
            return self._container(x, path, owner, is_argument)
        elif kind.__module__ in RANDOM_MODULES and kind.__name__ in ("Generator", "RandomState"):
            made = self.generator(x, path, owner)
        elif _can_stand_in(x):
            self._guard((*path, ("type",)), kind, owner)
            made = _stand_in_class(kind)
            made = object.__new__(made)
            self.stand_ins.append(StandIn(self, x, made, path, owner, is_argument))
        elif _may_change(x):
            made = Unjoined(UnsupportedError(
                f"an object of class {kind.__name__} as an input",
                remedy="pass arrays, numbers, lists, dicts, or plain objects"))
        else:
            return self.constant_at(x, path, owner, is_argument)
        self.known[id(x)] = x, made
        return made

    def constant_at(self, x: Any, path: Path, owner: Any, is_argument: bool) -> Any:
        """A value that is compiled in."""
        if is_argument and owner is None:
            self.statics.append((path, x))
        else:
            self._guard(path, x, owner)
        return x

    def _simple(self, x: Any, path: Path, owner: Any, is_argument: bool) -> Any:
        if isinstance(x, types.ModuleType):
            name = x.__name__.split(".")[0]
            if name in IMMUTABLE_MODULES:
                return x
            view = ModuleView(x.__name__)
            view.__dict__["_hl_source"] = self, x, path, owner
            self.known[id(x)] = x, view
            return view
        if isinstance(x, str | bytes) and is_argument:
            if ("text", path[:1]) in self.growing and not self.traced:
                self._guard((*path, ("type",)), type(x), owner)
                return text.given(self, x, path)
            if FIXED_TEXTS not in self.growing:
                self.known_texts[x] = path[:1]
        self.constant_at(x, path, owner, is_argument)
        if isinstance(x, type) and x.__module__ not in ("builtins", "numpy"):
            self._class_guards(x, path, owner)
        return x

    def _class_guards(self, x: type, path: Path, owner: Any) -> None:
        for base in x.__mro__[:-1]:
            for name, value in vars(base).items():
                if not name.startswith("__") and type(value) in (int, float, bool, complex, str):
                    self._guard((*path, ("attr", name)), value, owner)

    def _guard(self, path: Path, value: Any, owner: Any) -> None:
        if path[0][0] == "unguarded":
            return
        key = path, id(owner)
        if key not in self.guarded:
            self.guarded.add(key)
            self.guards.append(Guard(path, value, owner))

    def depends(self, holder: types.FunctionType, names: tuple[str, ...]) -> None:
        """What is compiled is so for the values that these globals of `holder` have now."""
        for name in names:
            self._guard((("global", name),), holder.__globals__[name], holder)

    def _container(self, x: Any, path: Path, owner: Any, is_argument: bool) -> Any:
        kind = type(x)
        if len(x) > MAX_LEAVES:
            raise unsupported(f"a {kind.__name__} of {len(x)} items as an input",
                              "pass a NumPy array")
        if isinstance(x, dict):
            if kind not in (dict, *DICTS):
                raise unsupported(f"a {kind.__name__} as an input", "pass a dict")
            self._guard((*path, ("type",)), kind, owner)
            self._guard((*path, ("keys",)), tuple(x), owner)
            for k, key in enumerate(x):
                if isinstance(key, types.FunctionType):
                    self.given.meet(key, (*path, ("keys",), ("item", k)), owner, is_argument)
            if path in self.growing or kind in (collections.Counter, collections.defaultdict):
                return self._table(x, path, owner, is_argument)
            made: Any = kind()                 # a dict or OrderedDict
            self.known[id(x)] = x, made
            for key, item in x.items():
                made[key] = self.stand_in(item, (*path, ("item", key)), owner, is_argument)
            self.stand_ins.append(StandIn(self, x, made, path, owner, is_argument))
            return made
        if kind not in (tuple, list) and not hasattr(kind, "_make"):
            raise unsupported(f"a {kind.__name__} as an input", "pass a tuple or list")
        self._guard((*path, ("type",)), kind, owner)
        self._guard((*path, ("len",)), len(x), owner)
        if kind is list and path in self.growing:
            return self._list(x, path, owner, is_argument)
        if kind is list:
            made = []
            self.known[id(x)] = x, made
            made += [self.stand_in(e, (*path, ("item", k)), owner, is_argument)
                     for k, e in enumerate(x)]
            self.stand_ins.append(StandIn(self, x, made, path, owner, is_argument))
            return made
        items = [self.stand_in(e, (*path, ("item", k)), owner, is_argument)
                 for k, e in enumerate(x)]
        made = kind._make(items) if kind is not tuple else tuple(items)
        self.known[id(x)] = x, made
        return made

    def _list(self, x: list[Any], path: Path, owner: Any, is_argument: bool) -> List:
        """An argument that is indexed by run-time values, or changes its length."""
        items = [self._row(e, (*path, ("item", k)), owner, is_argument)
                 for k, e in enumerate(x)]
        with opened(self.root):
            made = list_of(items)
        made.changed = False
        self.known[id(x)] = x, made
        self.stand_ins.append(StandIn(self, x, made, path, owner, is_argument))
        return made

    def _table(self, x: dict[Any, Any], path: Path, owner: Any, is_argument: bool) -> Table:
        """An argument that is asked for keys that are known at run time only."""
        if isinstance(x, collections.OrderedDict):
            raise unsupported("an OrderedDict that is asked for keys that are known at run time "
                              "only", "pass dict(d)")
        items = [self._row(e, (*path, ("item", key)), owner, is_argument)
                 for key, e in x.items()]
        with opened(self.root):
            made = tables.filled(list(x), items)
            if isinstance(x, collections.defaultdict):
                self._guard((*path, ("attr", "default_factory")), x.default_factory, owner)
                made.be(type(x).__name__, x.default_factory and function(x.default_factory))
            elif isinstance(x, collections.Counter):
                made.be("Counter", None)
        for part in made.lists:
            part.changed = False
        self.known[id(x)] = x, made
        self.stand_ins.append(StandIn(self, x, made, path, owner, is_argument))
        return made

    def _row(self, x: Any, path: Path, owner: Any, is_argument: bool) -> Any:
        """An item of such a list: a list is one, too."""
        if type(x) is list and id(x) not in self.known:
            self._guard((*path, ("type",)), list, owner)
            self._guard((*path, ("len",)), len(x), owner)
            self.places[id(x)] = path, owner
            return self._list(x, path, owner, is_argument)
        return self.stand_in(x, path, owner, is_argument)

    # ---- arrays and numbers

    def number(self, x: Any, path: Path, kind: str, dtype: np.dtype, owner: Any) -> Var:
        var = self.root.bind(dtype, (), _hint(path))
        self.actual[var] = dtype.type(x)
        self.inputs.append((Input(path, kind, dtype, 0, True, False, owner), var, None))
        return var

    def array(self, x: np.ndarray, path: Path, owner: Any) -> Array:
        """An ndarray as an input; equal dimensions share a Var."""
        if type(x) is not np.ndarray:
            raise unsupported(f"an array of class {type(x).__name__}", "pass np.asarray(x)")
        if x.dtype not in CODE_OF or not x.dtype.isnative:
            raise unsupported(f"an array of dtype {x.dtype}",
                              "convert it to a native bool, int, float or complex dtype")
        dims: list[Dim] = []
        self.short |= short_sizes(x) - self.dims.keys()
        for k, n in enumerate(x.shape):
            if n == 1 or n in self.short or (*path, ("dim", k)) in self.frozen:
                dims.append(n)
                continue
            d = self.dims.get(n)
            if d is None:
                d = self.dims[n] = self.root.bind(I64)
                for builder in current().lineage:
                    dm.bound(d, 0, dm.MAX_DIM, builder)
            dims.append(d)
        var = self.root.bind(x.dtype, tuple(dims), _hint(path))
        self.actual[var] = x
        contiguous = bool(x.flags.c_contiguous)
        with opened(self.root):
            array = fresh(var)
        array.base.path = path, owner
        fortran = not contiguous and bool(x.flags.f_contiguous)
        array.base.contiguous, array.base.fortran = contiguous, fortran
        if not x.flags.writeable:
            array.base.readonly = "a store to a read-only array"
        self.inputs.append((Input(path, ARRAY, x.dtype, x.ndim, contiguous, False, owner, fortran),
                            var, array.base))
        return array

    def captured(self, x: np.ndarray) -> Array:
        """An ndarray that turned up natively: known by identity, or held by this object."""
        known = self.known.get(id(x))
        if known is not None:
            return known[1]
        path, owner = _held(x)
        made = self.stand_in(x, path, owner, False)
        return made

    def constant(self, x: np.ndarray) -> Array:
        """A new array with the content that a NumPy function gave at trace time."""
        source = self.captured(x)
        value = source.value()
        return fresh(value)

    def random_key(self) -> Var:
        """The key of this call's random draws."""
        if self.key is None:
            self.key = self.root.bind(U64, (), "key")
            self.inputs.append((Input((("random_key",),), NUMPY, U64, 0, True, False), self.key,
                                None))
        return self.key

    def generator(self, x: Any, path: Path, owner: Any) -> Any:
        """A random generator: the object's own address, and that of its bit generator, are inputs
        as far as they are needed."""
        self._guard((*path, ("type",)), type(x), owner)
        legacy = type(x).__name__ == "RandomState"
        bits = ("attr", "_bit_generator" if legacy else "bit_generator"), ("attr", "capsule")
        return generators.Generator(legacy, lambda: self.address(path, OBJECT, owner),
                                    lambda: self.address((*path, *bits), CAPSULE, owner))

    def address(self, path: Path, kind: str, owner: Any) -> Var:
        key = path, kind, id(owner)
        if key not in self.addresses:
            var = self.addresses[key] = self.root.bind(I64, ())
            self.inputs.append((Input(path, kind, I64, 0, True, False, owner), var, None))
        return self.addresses[key]

    # ---- functions

    def traceable(self, f: types.FunctionType) -> Callable[..., Any] | None:
        """The rewritten function over stand-ins for what it captures; None without source."""
        if id(f) in self.bound:
            return self.bound[id(f)]
        code = rewritten(f)
        if code is None:
            self.sourceless.append(f.__code__)
        made = None if code is None else self._bind(f, code)
        if made is not None and code is not None and code.stopping is not None:
            made = generator_function(f, made, self._bind(f, code.stopping), code.endless)
        self.bound[id(f)] = made
        self.known[-id(f)] = f, None                        # keeps the id
        return made

    def bound_to(self, f: types.FunctionType, code: Rewritten) -> Callable[..., Any]:
        """Other code of a function (of a context manager's generator), like `traceable`."""
        key = id(code)
        made = self.bound.get(key)
        if made is None:
            made = self.bound[key] = self._bind(f, code)
            self.known[-key] = code, None
        return made

    def assigned_by(self, bound: Callable[..., Any]) -> list[Variable]:
        """The variables of other functions that a traceable function assigns."""
        return self.foreign.get(bound, [])

    def _bind(self, f: types.FunctionType, code: Rewritten) -> Callable[..., Any]:
        born = self.born.get(id(f.__code__))
        cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
        if born is None:
            self.functions.append(f)
            real = f
            space = self._globals(f)
            cells = {name: self._cell(name, cell, f) for name, cell in cells.items()}
        else:
            real = born[1]
            space = f.__globals__
        for inner in code.inner:
            self.born[id(inner)] = inner, real
        cells[HELPERS_NAME] = types.CellType(HELPERS)
        made = types.FunctionType(code.code, space, f.__name__, self._defaults(f),
                                  tuple(cells[name] for name in code.code.co_freevars))
        if f.__kwdefaults__:
            made.__kwdefaults__ = {k: self._default(v) for k, v in f.__kwdefaults__.items()}
        made.__qualname__, made.__module__ = f.__qualname__, f.__module__
        if code.foreign:
            self.foreign[made] = [Variable(cells[name], name) for name in code.foreign]
        return made

    def _defaults(self, f: types.FunctionType) -> tuple[Any, ...] | None:
        return f.__defaults__ and tuple(map(self._default, f.__defaults__))

    def _default(self, x: Any) -> Any:
        if isinstance(x, list | dict | set) or _can_stand_in(x):
            return self.stand_in(x, *_held(x), False)
        return self.captured(x) if isinstance(x, np.ndarray) else x

    def _cell(self, name: str, cell: types.CellType, f: types.FunctionType) -> types.CellType:
        try:
            content = cell.cell_contents
        except ValueError:
            return types.CellType()
        made = types.CellType(self.stand_in(content, *self.given.cell(f, name)))
        self.known[-id(made)] = made, None
        self.spaces.append((f, {name: made, "": made.cell_contents}))
        return made

    def _globals(self, f: types.FunctionType) -> dict[str, Any]:
        real = f.__globals__
        space: dict[str, Any] = {"__builtins__": real.get("__builtins__", __builtins__),
                                 "__name__": real.get("__name__", "")}
        for name in names_read(f.__code__):
            if name in real and name not in space:
                x = real[name]
                space[name] = self.stand_in(x, (("global", name),), f, False)
        return space

    def check_cells(self) -> None:
        """A captured variable must not be assigned: there is no way to write it back."""
        for f, cell in self.spaces:
            name = next(iter(cell))
            try:
                now = cell[name].cell_contents
            except ValueError:
                now = None
            if now is not cell[""]:
                raise unsupported(f"assignment to the closed-over variable '{name}' of "
                                  f"{f.__name__}", "return the value instead")


def _hint(path: Path) -> str:
    return str(path[-1][1]) if len(path[-1]) > 1 else ""


def _held(x: Any) -> tuple[Path, types.FunctionType]:
    """A path to an array or default argument that has none: a function whose globals hold it."""
    holder = types.FunctionType((lambda: None).__code__, {"constant": x, "__builtins__": {}},
                                "constant")
    return (("global", "constant"),), holder


class ModuleView(types.ModuleType):
    """Stands for a user's module: its attributes are stand-ins."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        session, module, path, owner = self.__dict__["_hl_source"]
        x = getattr(module, name)
        made = session.stand_in(x, (*path, ("attr", name)), owner, False)
        self.__dict__[name] = made
        return made


# ---- instances of users' classes

class StandIn:
    """What a mutable object was when it was first met."""

    __slots__ = ("before", "is_argument", "made", "owner", "path", "real", "session")

    def __init__(self, session: Session, real: Any, made: Any, path: Path, owner: Any,
                 is_argument: bool):
        self.session, self.real, self.made = session, real, made
        session.made[id(made)] = made
        self.path, self.owner, self.is_argument = path, owner, is_argument
        if isinstance(made, List | Table):
            self.before: Any = None
        elif isinstance(made, list):
            self.before = list(made)
        elif isinstance(made, dict):
            self.before = dict(made)
        else:
            self.before = {}
            object.__getattribute__(made, "__dict__")["_hl_source"] = self

    def read(self, name: str) -> Any:
        """The attribute `name` of the real object, as a tracer or stand-in."""
        x = object.__getattribute__(self.real, name)
        made = self.session.stand_in(x, (*self.path, ("attr", name)), self.owner,
                                     self.is_argument)
        self.before[name] = made
        return made


def _can_stand_in(x: Any) -> bool:
    kind = type(x)
    if kind.__module__.split(".")[0] in ("builtins", "numpy", "threading", "hotloop") or isinstance(
            x, type | BaseException):
        return False
    return (type(kind) is type and not isinstance(kind.__init_subclass__, types.MethodType)
            and not issubclass(kind, tuple | list | dict | str | int | float | complex | set)
            and bool(kind.__flags__ & (1 << 9))
            and (kind.__dictoffset__ != 0 or bool(slots_of(kind)))
            and "__getattribute__" not in _user_names(kind))


def slots_of(kind: type) -> frozenset[str]:
    """The attributes that instances of a class without a __dict__ have."""
    found: set[str] = set()
    for base in kind.__mro__:
        names = vars(base).get("__slots__", ())
        found.update((names,) if isinstance(names, str) else names)
    return frozenset(found - {"__dict__", "__weakref__"})


def _may_change(x: Any) -> bool:
    """Is it an object whose content Python code can change unnoticed?"""
    kind = type(x)
    if isinstance(x, set | bytearray | memoryview | collections.deque):
        return True
    return isinstance(kind.__init__, types.FunctionType) and kind.__hash__ is object.__hash__ and (
        kind.__module__.split(".")[0] not in IMMUTABLE_MODULES)


def _user_names(kind: type) -> set[str]:
    return {name for base in kind.__mro__[:-1] for name in vars(base)}


_classes: dict[type, type] = {}


def _stand_in_class(kind: type) -> type:
    """A subclass whose instances read attributes from the real object when first used."""
    made = _classes.get(kind)
    if made is None:
        slots = slots_of(kind) if kind.__dictoffset__ == 0 else frozenset()
        own_setattr = kind.__setattr__ is object.__setattr__

        def __setattr__(self: Any, name: str, new: Any) -> None:
            if name in slots:                  # the stand-in has a __dict__ for them
                object.__getattribute__(self, "__dict__")[name] = new
            else:
                object.__setattr__(self, name, new)

        def __getattribute__(self: Any, name: str) -> Any:
            own = object.__getattribute__(self, "__dict__")
            if name == "__dict__":
                raise staging("the __dict__ of an object")
            if name.startswith("__") or name in own:
                return own[name] if name in own else object.__getattribute__(self, name)
            source = own["_hl_source"]
            if (name in slots and hasattr(source.real, name) if slots else
                    name in vars(source.real)) and name not in own.get("_hl_deleted", ()):
                made = own[name] = source.read(name)
                return made
            found = _static_attribute(kind, name)
            if type(found) in (int, float, bool, complex, str):
                source.session._guard((*source.path, ("attr", name)), found, source.owner)
            elif isinstance(found, np.ndarray):
                return source.session.stand_in(found, (*source.path, ("attr", name)),
                                               source.owner, False)
            elif isinstance(found, property) and isinstance(found.fget, types.FunctionType):
                return function(found.fget)(self)
            return object.__getattribute__(self, name)

        made = _classes[kind] = type(kind.__name__, (traced_class(kind),), {
            "__getattribute__": __getattribute__, "__module__": kind.__module__,
            "__qualname__": kind.__qualname__, "_hl_class": kind,
            **({"__setattr__": __setattr__} if slots and own_setattr else {})})
    return made


def _static_attribute(kind: type, name: str) -> Any:
    for base in kind.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None

