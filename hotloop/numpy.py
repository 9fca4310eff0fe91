"""NumPy's own namespace: `from hotloop import numpy as np` for those who want it explicit.

    >>> from hotloop import numpy as np
    >>> np.sin is __import__("numpy").sin
    True

Every name is NumPy's object itself, so code means the same compiled and not compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy


def __getattr__(name: str) -> Any:
    return getattr(_numpy, name)


def __dir__() -> list[str]:
    return dir(_numpy)
