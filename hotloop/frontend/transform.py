"""What `hotloop.grad(f)` and its like are while they are traced: functions of functions.

    class Grad(Transform):
        def traced(self, *args, **kwargs): ...      # on tracers: emits the equations

A `Transform` is called like a function of the user. Where no function is being traced there is no
Python code that could stand in for it, so the call is refused.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from hotloop.errors import UnsupportedError
from hotloop.frontend.builder import CONTEXT
from hotloop.frontend.calls import function
from hotloop.frontend.traced import NUMPY, PYTHON
from hotloop.frontend.tracers import Array, Scalar, Widened, lift, narrowed, value
from hotloop.frontend.trees import Tree, flatten
from hotloop.ir.core import Atom
from hotloop.ir.types import CODE_OF


class Transform:
    """`fn`: the user's function or another Transform; `options`: hashable, all that decides what
    is made of it. Looks like a function: name, signature, documentation."""

    title = "transform"
    compile: ClassVar[Callable[[Any], Any] | None] = None
    """How one is compiled; `hotloop.derivatives` says so."""

    def __init__(self, fn: Callable[..., Any], *options: Any,
                 signature: inspect.Signature | None = None):
        if not callable(fn):
            raise TypeError(f"{self.title} takes a function, not a {type(fn).__name__}")
        self.fn, self.options = unwrapped(fn), options
        name = getattr(fn, "__name__", type(fn).__name__)
        self.__name__ = self.__qualname__ = f"{self.title}({name})"
        self.__doc__ = getattr(fn, "__doc__", None)
        self.__signature__ = signature or inspect.signature(fn)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if CONTEXT.builder is None:
            raise UnsupportedError(
                f"{self.__name__} can't run as plain Python, and these arguments can't be compiled",
                None, "pass native, aligned NumPy arrays that do not overlap, and numbers; "
                "unset HOTLOOP_DISABLE")
        return self.traced(*args, **kwargs)

    def traced(self, *args: Any, **kwargs: Any) -> Any:
        """The meaning on tracers."""
        raise NotImplementedError

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself, traced here."""
        return function(self.fn)(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<hotloop {self.__name__}>"


def unwrapped(fn: Any) -> Any:
    """The function or Transform inside of a jitted one; methods stay with their objects."""
    inner = getattr(fn, "__wrapped__", None)
    if type(fn).__module__ == "hotloop" and inner is not None:
        return inner
    if isinstance(fn, types.MethodType):
        method = unwrapped(fn.__func__)
        return fn if method is fn.__func__ else types.MethodType(method, fn.__self__)
    return fn


# ---- arguments with tangents

class Chosen:
    """The arguments that a transform differentiates with respect to.

    `objects`: Arrays and Scalars; `atoms`: their contents now; `tree`: how they stand in the
    arguments (None where an argument has no tangent)."""

    def __init__(self, what: str, args: Sequence[Any], names: Sequence[str], strict: bool = True):
        self.trees = [flatten(x, name) for x, name in zip(args, names, strict=True)]
        self.objects: list[Any] = []
        self.names: list[str] = []
        self.where: list[list[int | None]] = []     # of each leaf, its place among the objects
        for tree in self.trees:
            found: list[int | None] = []
            for x, name in zip(tree.leaves, tree.names, strict=True):
                obj = active(what, x, name, strict)
                found.append(None if obj is None else len(self.objects))
                if obj is not None:
                    self.objects.append(obj)
                    self.names.append(name)
            self.where.append(found)
        self.atoms: list[Atom] = [value(x) for x in self.objects]

    def build(self, k: int, items: Sequence[Any], keep: bool) -> Any:
        """Argument k with `items` for its objects; other leaves are kept, or become None."""
        tree = self.trees[k]
        return tree.build([items[at] if at is not None else x if keep else None
                           for at, x in zip(self.where[k], tree.leaves, strict=True)])

    def __len__(self) -> int:
        return len(self.trees)


def active(what: str, x: Any, name: str, strict: bool) -> Any:
    """The Array or Scalar with a tangent that a leaf is; None for another leaf, which is a
    TypeError if `strict`, but for text, functions and the like."""
    if isinstance(x, Widened):
        x = narrowed(x)
    if isinstance(x, np.ndarray):
        x = lift(x)
    if type(x) in (float, complex):
        x = Scalar(value(x), PYTHON)
    if isinstance(x, np.generic) and x.dtype in CODE_OF and x.dtype.kind in "fc":
        x = Scalar(value(x), NUMPY)
    if isinstance(x, Array | Scalar):
        atom_dtype = x.dtype if isinstance(x, Array) else x.atom.dtype
        if atom_dtype.kind in "fc":
            return x
    if strict:
        raise TypeError(f"{what} needs float or complex numbers and arrays of them, but {name} is "
                        f"{kind_of(x)}: convert it, or give other arguments in argnums")
    return None


def kind_of(x: Any) -> str:
    """A value's type in words."""
    if isinstance(x, Array):
        return f"an array of {x.dtype}"
    if isinstance(x, Scalar):
        if x.kind == NUMPY:
            return f"np.{x.atom.dtype}"
        return {"i": "an int", "b": "a bool", "f": "a float", "c": "a complex"}[x.atom.dtype.kind]
    if isinstance(x, int):
        return "a bool" if isinstance(x, bool) else "an int"
    return f"a {type(x).__name__}"


__all__ = ["Chosen", "Transform", "Tree", "active", "kind_of", "unwrapped"]
