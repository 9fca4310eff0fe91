"""A call of a NumPy function as data: what compiled code calls back, and what it gives.

    np.roots(p)  ->  Invocation(np.roots, (Operand(0, "array"),), (), (ArrayResult("c128", 1), ...))

The arguments are trees whose leaves are operands of the call-back or known values; `results` holds
one tree, or more if the types of the results depend on values, as those of `np.roots` do. A call
gives the leaves in order, each array after its dimensions. Of several trees a flag for each but the
last tells whether it is the one; the others' leaves are zeros. Operands that the function changes
are results, too.

All of it is plain data: it is stored with the compiled code.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hotloop.errors import UnsupportedError
from hotloop.frontend.traced import ARRAY, NUMPY, PYTHON
from hotloop.ir.types import CODE_OF, DTYPES
from hotloop.record import record

LITERALS = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)
PYTHON_NUMBERS: dict[type, str] = {bool: "bool", int: "i64", float: "f64", complex: "c128"}


@record
class Operand:
    """Operand `k` of the call-back as an array, a NumPy scalar or a Python number (`kind`)."""
    k: int
    kind: str


@record(eq=False)
class Known:
    """A value known while compiling. Equal if it is the same for all purposes: 1 is not True."""
    value: Any

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Known):
            return NotImplemented
        a, b = self.value, other.value
        return a is b or isinstance(a, LITERALS) and type(a) is type(b) and repr(a) == repr(b)

    def __hash__(self) -> int:
        return hash(repr(self.value))


@record
class Items:
    """A tuple, list, NamedTuple or slice."""
    type: type
    items: tuple[Any, ...]


@record
class Entries:
    """A dict."""
    keys: tuple[Any, ...]
    items: tuple[Any, ...]


@record
class Same:
    """The very operand `k`."""
    k: int


@record
class ArrayResult:
    dtype: str
    rank: int


@record
class NumberResult:
    kind: str
    dtype: str


Tree = Operand | Known | Items | Entries | Same | ArrayResult | NumberResult


def made(kind: type, items: Sequence[Any]) -> Any:
    """A tuple, list, NamedTuple or slice of the items."""
    if kind is slice:
        return slice(*items)
    return kind._make(items) if hasattr(kind, "_make") else kind(items)


def filled(tree: Any, operands: Sequence[Any]) -> Any:
    """The argument that a tree stands for."""
    if isinstance(tree, Operand):
        return operands[tree.k]
    if isinstance(tree, Items):
        return made(tree.type, [filled(item, operands) for item in tree.items])
    if isinstance(tree, Entries):
        return dict(zip(tree.keys, [filled(item, operands) for item in tree.items], strict=True))
    return tree.value


def as_argument(value: Any, kind: str) -> Any:
    """An operand as the user's call would have given it."""
    if kind == ARRAY:
        return np.asarray(value)
    return np.asarray(value).item() if kind == PYTHON else np.asarray(value)[()]


class Foreign(Exception):
    """A result of a type that compiled code can't hold."""


def tree_of(x: Any, operands: Sequence[Any]) -> Tree:
    """The tree of a result; raises Foreign."""
    for k, operand in enumerate(operands):
        if x is operand and isinstance(x, np.ndarray):
            return Same(k)
    if type(x) is np.ndarray:
        return ArrayResult(_code(x.dtype), x.ndim)
    if isinstance(x, np.generic):
        return NumberResult(NUMPY, _code(x.dtype))
    if type(x) in PYTHON_NUMBERS:
        return NumberResult(PYTHON, PYTHON_NUMBERS[type(x)])
    if type(x) in (tuple, list) or isinstance(x, tuple) and hasattr(type(x), "_make"):
        return Items(type(x), tuple(tree_of(item, operands) for item in x))
    if type(x) is dict:
        return Entries(tuple(x), tuple(tree_of(item, operands) for item in x.values()))
    if isinstance(x, str | type(None) | np.dtype | type):
        return Known(x)
    raise Foreign(f"a result of type {type(x).__name__}")


def _code(dtype: np.dtype) -> str:
    if dtype not in CODE_OF:
        raise Foreign(f"a result of dtype {dtype}")
    return CODE_OF[dtype]


def leaves(tree: Any) -> Iterator[ArrayResult | NumberResult]:
    """What a tree takes from the results of the call-back, in order."""
    if isinstance(tree, ArrayResult | NumberResult):
        yield tree
    elif isinstance(tree, Items | Entries):
        for item in tree.items:
            yield from leaves(item)


def _values(tree: Any, x: Any) -> Iterator[Any]:
    """The leaves of a result, each array after its dimensions."""
    if isinstance(tree, ArrayResult):
        yield from map(np.int64, x.shape)
        yield x if tree.rank else x[()]
    elif isinstance(tree, NumberResult):
        yield DTYPES[tree.dtype].type(x)
    elif isinstance(tree, Items):
        for item, value in zip(tree.items, x, strict=True):
            yield from _values(item, value)
    elif isinstance(tree, Entries):
        for item, key in zip(tree.items, tree.keys, strict=True):
            yield from _values(item, x[key])


def _blanks(tree: Any, result: Any, found: Any) -> Iterator[Any]:
    """What stands for the leaves of a tree that the result is not of. They have the sizes of the
    result's leaves, if these differ in their dtypes only: indices of the one are good for both."""
    shapes = [tuple(map(int, sizes)) for sizes in _sizes(found, result)]
    wanted = list(leaves(tree))
    ranks = [leaf.rank if isinstance(leaf, ArrayResult) else 0 for leaf in wanted]
    if ranks != [len(shape) for shape in shapes]:
        shapes = [(0,) * rank for rank in ranks]
    for leaf, shape in zip(wanted, shapes, strict=True):
        yield from map(np.int64, shape)
        yield np.zeros(shape, DTYPES[leaf.dtype])[()]


def _sizes(tree: Any, result: Any) -> Iterator[list[Any]]:
    """The dimensions of each leaf."""
    values = _values(tree, result)
    for leaf in leaves(tree):
        yield [next(values) for _ in range(leaf.rank if isinstance(leaf, ArrayResult) else 0)]
        next(values)


def path_of(f: Any) -> str:
    name = getattr(f, "__qualname__", None) or getattr(f, "__name__", None) or repr(f)
    return f"{type(f.__self__).__name__}.{name}" if isinstance(
        getattr(f, "__self__", None), np.ufunc) and "." not in name else str(name)


@record
class Invocation:
    """`changed`: operands that the function changes; `kinds` of all operands. Without `results` the
    function raised for every example: it is called for its exception. `ignored`: categories of
    warnings that the program ignores there."""
    function: Any
    args: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]
    kinds: tuple[str, ...]
    results: tuple[Any, ...]
    changed: tuple[int, ...]
    ignored: tuple[type[Warning], ...] = ()

    @property
    def __name__(self) -> str:
        """As an attribute of this module, for the text form of the IR."""
        return PREFIX + pickle.dumps(self).hex()

    def called(self, operands: Sequence[Any]) -> Any:
        """What the function gives for operands as the user's call would have given them."""
        args, named = self.given(operands)
        return self.function(*args, **named)

    def given(self, operands: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of the call."""
        return ([filled(a, operands) for a in self.args],
                {name: filled(a, operands) for name, a in self.keywords})

    def __call__(self, *operands: Any) -> tuple[Any, ...]:
        given = [as_argument(x, kind) for x, kind in zip(operands, self.kinds, strict=True)]
        for k in self.changed:
            given[k] = np.array(given[k])
        if self.ignored:
            with warnings.catch_warnings():
                for category in self.ignored:
                    warnings.simplefilter("ignore", category)
                result = self.called(given)
        else:
            result = self.called(given)
        try:
            trees = tree_of(result, given), tree_of(result, ())
        except Foreign as error:
            raise self.unlike(str(error)) from None
        found = next((k for k, other in enumerate(self.results) if other in trees), None)
        if found is None:
            raise self.unlike("a result of another type")
        values: list[Any] = []
        values += [np.bool_(found == k) for k in range(len(self.results) - 1)]
        for k, other in enumerate(self.results):
            values += _values(other, result) if k == found else _blanks(
                other, result, self.results[found])
        return (*values, *(given[k] for k in self.changed))

    def unlike(self, what: str) -> UnsupportedError:
        return UnsupportedError(
            f"{path_of(self.function)} gave {what}, unlike for the examples tried while compiling",
            None, "call it outside of the compiled function")


PREFIX = "call_"


def __getattr__(name: str) -> Any:
    """`call_<hex>`: the Invocation of that name, when a Program is read back from text."""
    if not name.startswith(PREFIX):
        raise AttributeError(name)
    return pickle.loads(bytes.fromhex(name[len(PREFIX):]))
