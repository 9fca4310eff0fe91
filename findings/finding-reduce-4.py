# hotloop fuzz, reduce 4: another error
# TypeError: unsupported operand type(s) for @: 'NoneType' and 'Array' instead of ValueError:
# matmul: Input operand # does not have enough dimensions (has #, gufunc core with signature
# (n?,k),(k,m?)->(n?,m?) requires #)
# stage: trace
# hotloop 0.1.0.dev0, NumPy 2.4.6, Python 3.11.7, x86_64
#
# Traceback (most recent call last):
#   File "/work/wt-vector/hotloop/fuzz/compare.py", line 72, in outcome
#     return "value", function(*args, **kwargs)
#                     ^^^^^^^^^^^^^^^^^^^^^^^^^
#   File "<reduce-4>", line 7, in f
#     t *= np.add.at(a, np.arange(n), 1.0) @ np.diff(b)
#     ^^^^^^^^^^^
# TypeError: unsupported operand type(s) for @: 'NoneType' and 'Array'

import numpy as np

def f(a, b, m, k, x, p=3, j=None):
    n = len(a)
    t = 0
    while 4:
        t *= np.add.at(a, np.arange(n), 1.0) @ np.diff(b)

def calls():
    a = np.array([32767], 'i2')
    b = [10]
    m = 0
    yield (a, b, m, 3, 1.0)


if __name__ == "__main__":
    from hotloop.fuzz.command import replay

    raise SystemExit(replay(__file__))
