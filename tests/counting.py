"""What a Program does, in elements: a measure of its work that no busy machine changes.

    work(program, args)     # Counter(float=..., int=..., load=..., store=..., fill=..., call=...)

Counted are elements computed, loaded one by one, stored, and filled with a constant; movement of
arrays costs nothing, as in compiled code.
"""

from collections import Counter

import numpy as np

from hotloop.ir import interp
from hotloop.ops import linalg, shape
from hotloop.ops.table import Effect, Generate, Map, Move, Reduce, Reserve, Scan, Update


def work(program, args):
    counted = Counter()

    def run_block(block, env):
        for eqn in block.eqns:
            ins = [interp._read(a, env) for a in eqn.ins]
            if eqn.op.evaluate is None:
                results = interp.REGIONS[eqn.op.name](eqn, ins, env)
            else:
                results = eqn.op.evaluate(eqn.params, *ins)
                results = results if isinstance(results, tuple) else (results,)
                count(counted, eqn, ins, results)
            env.update(zip(eqn.outs, results, strict=True))
        return [interp._read(a, env) for a in block.outs]

    plain, interp._run_block = interp._run_block, run_block
    try:
        interp.run(program, args)
    finally:
        interp._run_block = plain
    return counted


def count(counted, eqn, ins, results):
    kind, size = eqn.op.lowering, sum(int(np.size(r)) for r in results)
    if isinstance(kind, Map):
        counted["float" if eqn.outs[0].dtype.kind in "fc" else "int"] += size
    elif isinstance(kind, Update):
        counted["store"] += int(np.size(ins[1]))
    elif isinstance(kind, Reduce | Scan):
        counted["float"] += int(np.size(ins[0]))
    elif eqn.op is linalg.matmul:
        counted["float"] += 2 * size * np.shape(ins[0])[-1]
    elif eqn.op is shape.broadcast and np.shape(ins[0]) == () and eqn.outs[0].shape:
        counted["fill"] += size
    elif isinstance(kind, Move | Generate):
        counted["load"] += 0 if eqn.outs[0].shape else 1
    elif isinstance(kind, Reserve):
        counted["fill"] += int(np.size(results[1]) - np.size(ins[0]))
    elif not isinstance(kind, Effect):
        counted["call"] += sum(int(np.size(x)) for x in ins)
