"""Importing this module fills the tables of `registry` with all that NumPy, math and Python name."""

from hotloop.frontend import (
    math_names,
    numpy_arrays,
    numpy_create,
    numpy_einsum,
    numpy_elementwise,
    numpy_join,
    numpy_methods,
    numpy_products,
    numpy_reduce,
    numpy_select,
    numpy_shape,
    python_names,
)

__all__ = [
    "math_names", "numpy_arrays", "numpy_create", "numpy_einsum", "numpy_elementwise",
    "numpy_join", "numpy_methods", "numpy_products", "numpy_reduce", "numpy_select",
    "numpy_shape", "python_names",
]
