"""A plain function as a Program and the values of its parameters, in canonical form."""

import copy
import inspect

import numpy as np

from hotloop.entry.paths import Scope
from hotloop.frontend.trace import trace
from hotloop.frontend.traced import ARRAY
from hotloop.ir.verify import verify
from hotloop.passes.pipeline import canonical


def traced(function, args, prepare=canonical):
    """(Program, values): what `ir.interp.run` takes."""
    args = copy.deepcopy(args)
    found = trace(function, args, {})
    bound = inspect.signature(function).bind(*args)
    bound.apply_defaults()
    scope = Scope(dict(bound.arguments))
    values = []
    for given in found.inputs:
        x = scope.fetch(given.path, given.owner)
        values.append(np.array(x) if given.kind == ARRAY else given.dtype.type(x))
    program = prepare(found.program)
    verify(program)
    return program, values
