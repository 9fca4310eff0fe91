"""The suite of `hotloop bench kernels`: one row a kernel, a file a field.

    elementwise reductions stencils dense products sparse particles fractals integers dynamic
    signals learning chance

`spec` says what a row is; `every` collects them. A new kernel is a function in its field's file and
a row in that file's KERNELS.
"""

import importlib

FIELDS = ("elementwise", "reductions", "stencils", "dense", "products", "sparse", "particles",
          "fractals", "integers", "dynamic", "signals", "learning", "chance")


def every():
    """All rows, in the order of FIELDS."""
    return [row for name in FIELDS
            for row in importlib.import_module(f".{name}", __name__).KERNELS]


def find(name):
    return next(row for row in every() if row.name == name)
