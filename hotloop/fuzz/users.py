"""Inputs for a function of the user's, from example arguments, annotations or defaults.

    case = user_case(["model.py", "step", "np.zeros((3, 4)), 0.5"], seed=7)

Varied: sizes (equal ones stay equal; also 0 and 1), memory layouts, values with NaN, infinities and
the extremes of integers, numbers. Dtypes, ranks and everything else stay as in the example.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import random
import sys
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hotloop.fuzz import inputs, kinds
from hotloop.fuzz.cases import Case

EXAMPLES: dict[Any, Any] = {
    float: 0.5, int: 3, bool: True, complex: 1 + 2j, np.ndarray: np.zeros(5), str: "a"}
NUMBERS = {float: ("0.0", "-0.0", "1.0", "-2.5", "0.75", "inf", "nan", "1e300", "3.0"),
           int: ("0", "1", "-1", "2", "3", "7", "100", "2**40"), bool: ("True", "False"),
           complex: ("0j", "(1+2j)", "(-0.5-1j)")}


@functools.cache
def module(file: str) -> Any:
    """The user's file, imported once under its own name."""
    path = Path(file).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{file} can't be imported")
    made = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = made
    spec.loader.exec_module(made)
    return made


def function(file: str, name: str) -> Callable[..., Any]:
    """The Python function `name` of a file, without `jit`. Raises ValueError if there is none."""
    found: Any = module(file)
    for part in name.split("."):
        found = getattr(found, part, None)
    found = getattr(found, "__wrapped__", found)
    if not callable(found):
        raise ValueError(f"{file} has no function {name}")
    return found


def example(file: str, name: str, args: str | None) -> list[Any]:
    """Example arguments: `args` evaluated in the module, else by annotations and defaults.

    Raises ValueError naming the argument that nothing is known of."""
    if args:
        return list(eval(f"({args},)", {"np": np, **vars(module(file))}))
    found = []
    called = function(file, name)
    hints = typing.get_type_hints(called)
    for parameter in inspect.signature(called).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        hint = hints.get(parameter.name)
        if hint is None and parameter.default is not parameter.empty:
            found.append(parameter.default)
            continue
        value = of_annotation(hint)
        if value is None:
            raise ValueError(f"what is the argument {parameter.name} of {name}? Annotate it, or "
                             f"give example arguments: --args 'np.zeros(3), 2.0'")
        found.append(value)
    return found


def of_annotation(hint: Any) -> Any:
    """An example of an annotation's type, None if it is none of numbers and arrays."""
    dtypes = [d for a in typing.get_args(hint) for d in (*typing.get_args(a), a)
              if isinstance(d, type) and issubclass(d, np.generic)]
    if typing.get_origin(hint) is np.ndarray:
        return np.zeros(5, dtypes[0] if dtypes else float)
    if isinstance(hint, type) and issubclass(hint, np.generic):
        return hint(1)
    return EXAMPLES.get(hint) if isinstance(hint, type) else None


def varied(rnd: random.Random, value: Any, sizes: dict[int, int]) -> str:
    """The text of an argument like `value`."""
    if isinstance(value, np.ndarray):
        code = value.dtype.str[1:].replace("b1", "?")
        shape = tuple(sizes.setdefault(d, rnd.choice(inputs.SIZES)) for d in value.shape)
        if code not in inputs.DTYPES:
            raise ValueError(f"arrays of dtype {value.dtype} can't be made up")
        if not shape:
            return f"np.array({inputs.number(rnd, code, True)}, '{code}')"
        return inputs.laid_out(rnd, inputs.array(rnd, code, shape), shape)
    if isinstance(value, np.generic):
        code = value.dtype.str[1:].replace("b1", "?")
        return f"np.{type(value).__name__}({inputs.number(rnd, code, rnd.random() < 0.2)})"
    if type(value) in NUMBERS:
        usual = repr(value) if rnd.random() < 0.5 else None
        return usual or rnd.choice(NUMBERS[type(value)])
    if isinstance(value, tuple | list):
        parts = ", ".join(varied(rnd, v, sizes) for v in value)
        return f"[{parts}]" if isinstance(value, list) else f"({parts},)"
    return repr(value)


def user_case(place: Sequence[str], seed: int) -> Case:
    """`place`: file, name, text of example arguments (or ""). Raises ValueError."""
    file, name, args = place
    rnd = random.Random(f"{name}:{seed}")
    lines = []
    for _ in range(rnd.choice((1, 2, 3))):
        sizes: dict[int, int] = {1: 1} if rnd.random() < 0.8 else {}
        values = [varied(rnd, v, sizes) for v in example(file, name, args or None)]
        lines.append(f"    yield ({''.join(v + ', ' for v in values)})")
    text = (f"{kinds.HEAD}from hotloop.fuzz.users import function\n{inputs.UNALIGNED}\n"
            f"f = function({str(Path(file).resolve())!r}, {name!r})\n\n\ndef calls():\n"
            + "\n".join(lines) + "\n")
    return Case(text, name, seed)
