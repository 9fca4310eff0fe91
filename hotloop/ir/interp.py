"""The meaning of the IR: run a Program on NumPy values, one equation after the other.

    >>> from hotloop.ir.text import parse
    >>> from hotloop.ops import OPS
    >>> run(parse("{ lambda ; a:f64[]. let b:f64[] = mul a a in (b,) }", OPS), [np.float64(3)])
    [np.float64(9.0)]

The oracle of every pass and transform, and the place where a wrong type is found out: each value
is compared with the dtype and the shape its Var promises. An op's meaning is in its row; only the
four ops with blocks are known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.errors import InternalError
from hotloop.ir.core import Atom, Block, Eqn, Lit, Program, Var, dims

Env = dict[Var, Any]


def run(program: Program, args: Sequence[Any]) -> list[Any]:
    """Results in the order of `program.outs`: fresh arrays, NumPy scalars at rank 0. Arguments have
    exactly the parameters' dtypes and are left alone; a failing check raises its exception."""
    env: Env = {}
    _bind_dims(program, args, env)
    for param, value in zip(program.params, args, strict=True):
        _bind(param, _value(value, param), env)
    with np.errstate(all="ignore"):
        _run_block(program, env)
    return [np.array(value) if isinstance(value, np.ndarray) else value
            for value in (_read(a, env) for a in program.outs)]


def _value(value: Any, param: Var) -> Any:
    """Python scalars become the NumPy scalars that equations work with."""
    return param.dtype.type(value) if isinstance(value, (bool, int, float, complex)) else value


def _bind_dims(program: Program, args: Sequence[Any], env: Env) -> None:
    bound = dims(program)
    for param, value in zip(program.params, args, strict=True):
        for dim, size in zip(param.shape, np.shape(value), strict=False):
            if dim in bound:
                env.setdefault(dim, np.int64(size))


def _bind(var: Var, value: Any, env: Env) -> None:
    env[var] = value
    if not isinstance(value, (np.ndarray, np.generic)) or value.dtype != var.dtype:
        raise InternalError(f"{var} is {value!r:.80}, not a value of type {var.type}")


def _check_shape(var: Var, env: Env) -> None:
    """Apart from `_bind`: a dimension may be a result of the same equation."""
    shape = tuple(int(env[d]) if isinstance(d, Var) else d for d in var.shape)
    if np.shape(env[var]) != shape:
        raise InternalError(f"{var} has shape {np.shape(env[var])}, not {shape} as {var.type}")


def _read(atom: Atom, env: Env) -> Any:
    return atom.value if isinstance(atom, Lit) else env[atom]


def _run_block(block: Block, env: Env) -> list[Any]:
    for param in block.params:
        _check_shape(param, env)
    for eqn in block.eqns:
        ins = [_read(a, env) for a in eqn.ins]
        if eqn.op.evaluate is None:
            results: Sequence[Any] = REGIONS[eqn.op.name](eqn, ins, env)
        else:
            result = eqn.op.evaluate(eqn.params, *ins)
            results = result if isinstance(result, tuple) else (result,)
        for out, value in zip(eqn.outs, results, strict=True):
            _bind(out, value, env)
        for out in eqn.outs:
            _check_shape(out, env)
    return [_read(a, env) for a in block.outs]


def _enter(block: Block, values: Sequence[Any], env: Env) -> list[Any]:
    for param, value in zip(block.params, values, strict=True):
        _bind(param, value, env)
    return _run_block(block, env)


def _cond(eqn: Eqn, ins: list[Any], env: Env) -> list[Any]:
    return _run_block(eqn.blocks[0] if ins[0] else eqn.blocks[1], env)


def _for(eqn: Eqn, ins: list[Any], env: Env) -> list[Any]:
    (lo, hi, step), carries = map(int, ins[:3]), ins[3:]
    until = eqn.params.get("until")
    for i in range(lo, hi, step):
        carries = _enter(eqn.blocks[0], [np.int64(i), *carries], env)
        if until is not None and carries[until]:
            break
    return carries


def _while(eqn: Eqn, carries: list[Any], env: Env) -> list[Any]:
    test, body = eqn.blocks
    while _enter(test, carries, env)[0]:
        carries = _enter(body, carries, env)
    return carries


def _call(eqn: Eqn, ins: list[Any], env: Env) -> list[Any]:
    return _enter(eqn.blocks[0], ins, env)


REGIONS = {"cond": _cond, "for": _for, "while": _while, "call": _call}
