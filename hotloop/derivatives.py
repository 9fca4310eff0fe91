"""Derivatives and batches of plain NumPy functions: `grad`, `jvp`, `vmap` and their like.

    loss = lambda w, x, y: np.mean((np.tanh(x @ w) - y) ** 2)
    hotloop.grad(loss)(w, x, y)              # an array like w

Each gives a function that is compiled at its first call, as by `jit`, and may itself be
differentiated, batched, jitted or called in a jitted function. docs/transforms.md is the guide.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from hotloop.frontend.builder import CONTEXT
from hotloop.frontend.custom import CustomJvp, CustomVjp
from hotloop.frontend.derivatives import Argnums, Checkpoint, Grad, Jvp
from hotloop.frontend.derivatives import stop_gradient as traced_stop
from hotloop.frontend.halves import Linear
from hotloop.frontend.jacobians import Jacobian
from hotloop.frontend.lanes import Vmap, frozen
from hotloop.frontend.registry import call
from hotloop.frontend.transform import Transform, unwrapped
from hotloop.runtime.jit import another, jit
from hotloop.runtime.recent import Recent, light

_made = Recent()
"""(The function, the compiled one) for a function, the transform and its options."""

_kept = Recent()
"""What was compiled, also for functions that are made again each time (a lambda)."""


def _function(kind: type[Transform], fn: Callable[..., Any], *options: Any) -> Any:
    """The compiled function of a transform; while tracing, the transform itself."""
    if CONTEXT.builder is not None:
        return kind(fn, *options)
    key = id(fn), kind, options
    known = _made.get(key)
    if known is None or known[0] is not fn:
        known = fn, _compiled(kind(_as_function(fn), *options))
        _made.put(key, known, light(fn))
    return known[1]


def _compiled(made: Any) -> Any:
    jitted = another(made) if _kept else jit(made)
    found = jitted._specializations
    _kept.put(id(found), found, light(made))
    return jitted


def _as_function(fn: Any) -> Any:
    """A bound method as a function that holds the object, whose attributes are then inputs; what
    has no Python code as a function that calls it."""
    fn = unwrapped(fn)
    if isinstance(fn, np.ufunc | types.BuiltinFunctionType):
        def call(*args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)
    elif isinstance(fn, types.MethodType):
        method, owner = fn.__func__, fn.__self__

        def call(*args: Any, **kwargs: Any) -> Any:
            return method(owner, *args, **kwargs)
        call.__signature__ = inspect.signature(fn)      # type: ignore[attr-defined]
    else:
        return fn
    call.__name__, call.__doc__ = fn.__name__, fn.__doc__
    return call


def _argnums(argnums: Any) -> Argnums:
    if isinstance(argnums, int | str):
        return argnums
    wanted = tuple(argnums)
    if not wanted or not all(isinstance(k, int | str) for k in wanted):
        raise TypeError(f"argnums is a position, a name or a tuple of these, not {argnums!r}")
    return wanted


# ---- gradients

def grad(fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False,
         holomorphic: bool = False) -> Any:
    """The gradient of a function that returns one real number.

    argnums
        the argument to differentiate with respect to, by position or name, or a tuple of such: the
        result is then a tuple. An argument may be a float or complex number or array, or a tuple,
        list, dict, NamedTuple or dataclass of them
    has_aux
        `fun` returns (number, other results); the result is (gradient, other results)
    holomorphic
        `fun` is a holomorphic function: of complex numbers, to one complex number. The result is
        its derivative; of a function that is not holomorphic, what `grad` of its real part is

    The gradient has the type of the argument: an array of its shape and dtype for an array, a float
    for a float. It is computed in reverse mode, by transposing the linearized program (Frostig and
    others, Decomposing reverse-mode automatic differentiation, 2021); what is saved and what is
    computed again is a minimum cut (`hotloop.transforms.residuals`).

    Raises TypeError if an argument is no float or complex number, or the result no real number (no
    complex one, with `holomorphic`),
    and `hotloop.errors.UnsupportedError` where `fun` does something that has no derivative.

    >>> import hotloop
    >>> hotloop.grad(lambda x: x ** 3)(2.0)
    12.0
    >>> hotloop.grad(lambda z: z ** 3, holomorphic=True)(1.0 + 1.0j)
    6j
    """
    return _function(Grad, fun, _argnums(argnums), bool(has_aux), False, bool(holomorphic))


def value_and_grad(fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False,
                   holomorphic: bool = False) -> Any:
    """(value, gradient) at once; with `has_aux` ((value, other results), gradient). Arguments and
    errors are those of `grad`.

    >>> import hotloop
    >>> hotloop.value_and_grad(lambda x: x ** 3)(2.0)
    (8.0, 12.0)
    """
    return _function(Grad, fun, _argnums(argnums), bool(has_aux), True, bool(holomorphic))


# ---- directions

def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """(value, derivative along `tangents`) of `fun(*primals)`, in forward mode.

    `primals` and `tangents` are tuples of arguments; a tangent has the type of its argument (None
    where an argument is not differentiable). The derivative has the structure of the value, None
    for ints and the like, with the shapes and dtypes of the value. With `has_aux`: (value,
    derivative, other results). Raises TypeError or ValueError if a tangent has another structure,
    shape or kind than its argument, UnsupportedError as `grad`.

    >>> import hotloop
    >>> hotloop.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    made = _function(Jvp, fun, bool(has_aux))
    return made(tuple(primals), tuple(tangents))


def vjp(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(value, pullback): `pullback(cotangent)` is a tuple of cotangents of the primals.

    A cotangent has the structure, shapes and dtypes of the value; those of primals that are not
    differentiable are None. With `has_aux`: (value, pullback, other results). `fun` runs once, and
    `pullback` any number of times. Raises TypeError or ValueError if a cotangent does not fit,
    UnsupportedError as `grad`.

    >>> import hotloop
    >>> value, pullback = hotloop.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pullback(1.0)
    (3.0, 2.0)
    """
    return _function(Linear, fun, False, bool(has_aux))(*primals)


def linearize(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(value, pushforward): `pushforward(*tangents)` is the derivative along tangents, as `jvp`,
    without computing `fun` again. Shapes, dtypes and errors are those of `jvp`.

    >>> import hotloop
    >>> value, pushforward = hotloop.linearize(lambda x: x * x, 3.0)
    >>> pushforward(1.0)
    6.0
    """
    return _function(Linear, fun, True, bool(has_aux))(*primals)


# ---- Jacobians

def jacfwd(fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Any:
    """The Jacobian by forward mode, a column at a time: for functions of few numbers.

    For a result of shape (m,) and an argument of shape (n,) it has shape (m, n); trees of results
    give trees of trees. Arguments and errors as for `grad`; the results may be arrays.

    >>> import hotloop, numpy as np
    >>> hotloop.jacfwd(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return _function(Jacobian, fun, _argnums(argnums), bool(has_aux), True)


def jacrev(fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Any:
    """The Jacobian by reverse mode, a row at a time: for functions with few results. Otherwise as
    `jacfwd`.

    >>> import hotloop, numpy as np
    >>> hotloop.jacrev(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return _function(Jacobian, fun, _argnums(argnums), bool(has_aux), False)


def hessian(fun: Callable[..., Any], argnums: Any = 0) -> Any:
    """The second derivatives of a function that returns one real number: forward over reverse.

    For an argument of shape (n,) it has shape (n, n); for trees it is a tree of trees, as `jacfwd`
    of the gradient is. Arguments and errors as for `grad`. It costs n gradients.

    >>> import hotloop, numpy as np
    >>> hotloop.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return jacfwd(_gradient(fun, _argnums(argnums)), argnums)


def hvp(fun: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The product of the Hessian of `fun` at `primals` with `tangents`: a tuple like `primals`.

    Forward over reverse (Pearlmutter, Fast exact multiplication by the Hessian, 1994), at a few
    times the cost of a gradient. `primals` and `tangents` as for `jvp`; all primals must be
    differentiable, TypeError otherwise. Results have the shapes and dtypes of the primals.

    >>> import hotloop
    >>> hotloop.hvp(lambda x: x ** 3, (2.0,), (1.0,))
    (12.0,)
    """
    primals = tuple(primals)
    return jvp(_gradient(fun, tuple(range(len(primals)))), primals, tangents)[1]


def _gradient(fun: Callable[..., Any], argnums: Argnums) -> Any:
    """The gradient as a function to be transformed further, the same one for the same function."""
    return unwrapped(_function(Grad, fun, argnums, False, False, False))


# ---- batches

def vmap(fun: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0,
         axis_size: int | None = None) -> Any:
    """`fun` on each row of its arguments, the results stacked.

    in_axes
        the axis along which an argument is batched, None for one that all lanes share; an entry
        for each argument, or one for all. An entry may be a tree like the argument. Keyword
        arguments are batched along axis 0
    out_axes
        where the lanes stand in the results: an int, or a tree like the result; None for a result
        that is the same in all lanes
    axis_size
        the number of lanes, if no argument tells

    `fun` sees rows as in `for row in x`: numbers of a vector are NumPy scalars, and stores to a row
    are stores to `x`. Each lane draws its own random numbers. Raises ValueError if sizes of batched
    axes differ, UnsupportedError if lanes give results of different sizes or change what they
    share.

    >>> import hotloop, numpy as np
    >>> hotloop.vmap(lambda x, y: x @ y, in_axes=(0, None))(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    return _function(Vmap, fun, frozen(in_axes), frozen(out_axes), axis_size)


# ---- hints and rules

def checkpoint(fun: Callable[..., Any], schedule: str | int | None = None,
               slots: int | None = None) -> Any:
    """`fun`, of which derivatives save the arguments only: what is inside is computed again. It
    costs time and saves memory.

    schedule
        how the `for` loops of `fun` whose numbers of trips are known when they begin are saved:
        "sqrt": the state (all that the loop changes) at sqrt(n) of its n trips, and what the trips
        between two of these need, once for each; they are computed twice. An int k: k * n ** (1/k)
        states, the loop is computed k times. "binomial": `slots` states, wherever they are of most
        use. The rest of `fun` is saved as usual
    slots
        how many states "binomial" has in memory at a time (and that of the trip where it is). n
        trips are then advanced least often: r * n - C(slots + r, r - 1) times, with the
        smallest r for which C(slots + r, r) >= n, and each once more when its derivative is
        computed. With 10 slots r is 4 for 1000 trips, 8 for 40000

    Arguments and results are those of `fun`. Raises ValueError for another schedule. A `while`, a
    loop with `break` or one that changes the size of an array is left as it is. The binomial
    schedule is Griewank and Walther's (Revolve, ACM TOMS 26, 2000).

    >>> import hotloop
    >>> hotloop.grad(hotloop.checkpoint(lambda x: x ** 3))(2.0)
    12.0
    >>> def power(x):
    ...     y = 1.0
    ...     for _ in range(100):
    ...         y = y * x
    ...     return y
    >>> hotloop.grad(hotloop.checkpoint(power, schedule="sqrt"))(1.0)
    100.0
    >>> hotloop.grad(hotloop.checkpoint(power, schedule="binomial", slots=5))(1.0)
    100.0
    """
    if schedule == "binomial":
        if type(slots) is not int or slots < 1:
            raise ValueError(f"the binomial schedule takes a number of slots, not {slots!r}")
        return _function(Checkpoint, fun, 1, slots)
    named: dict[Any, int] = {None: 1, "sqrt": 2}
    levels = named.get(schedule, schedule)
    if not isinstance(levels, int) or not 1 <= levels <= 8:
        raise ValueError("schedule is 'sqrt', 'binomial' or a number of levels up to 8, "
                         f"not {schedule!r}")
    if slots is not None:
        raise ValueError("slots belong to the schedule 'binomial'")
    return _function(Checkpoint, fun, levels, 0)


def stop_gradient(x: Any) -> Any:
    """`x`, a number, array or container of them, as a constant to derivatives: of the same type,
    shape and dtype.

    >>> import hotloop
    >>> hotloop.grad(lambda x: x * hotloop.stop_gradient(x))(3.0)
    3.0
    """
    return x if CONTEXT.builder is None else traced_stop(x)


def custom_jvp(fun: Callable[..., Any]) -> CustomJvp:
    """A function with a derivative of its own: `f.defjvp(rule)`, where
    `rule(primals, tangents)` gives (value, tangent) and is linear in the tangents. Both are tuples
    with an entry for each argument; a tangent has its shape and dtype, that of an int is None.
    Reverse mode transposes the rule. Calling it without a rule differentiates `fun`; a tangent that
    does not fit the value is a TypeError.

    >>> import hotloop, numpy as np
    >>> @hotloop.custom_jvp
    ... def log1pexp(x):
    ...     return np.log(1 + np.exp(x))
    >>> @log1pexp.defjvp
    ... def rule(primals, tangents):
    ...     x, = primals
    ...     return log1pexp(x), tangents[0] / (1 + np.exp(-x))
    >>> float(hotloop.grad(log1pexp)(0.0))
    0.5
    """
    return CustomJvp(fun)


def custom_vjp(fun: Callable[..., Any]) -> CustomVjp:
    """A function with a reverse mode of its own: `f.defvjp(forward, backward)`, where
    `forward(*primals)` gives (value, saved) and `backward(saved, cotangent)` a tuple of the
    primals' cotangents, of the primals' shapes and dtypes (None for those without). It has no
    forward mode: `jvp` and `jacfwd` raise UnsupportedError.

    >>> import hotloop, numpy as np
    >>> @hotloop.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda saved, ct: (np.clip(ct, -1.0, 1.0),))
    >>> float(hotloop.grad(lambda x: 5.0 * clipped(x))(2.0))
    1.0
    """
    return CustomVjp(fun)


Transform.compile = staticmethod(_compiled)

for _own in (grad, value_and_grad, jvp, vjp, linearize, jacfwd, jacrev, hessian, hvp, vmap,
             checkpoint, stop_gradient, custom_jvp, custom_vjp):
    call(_own)(_own)            # in compiled code: called as they are, on tracers
