"""What the tables cover of NumPy's public interface, and that they name only what there is."""

import numpy as np

from hotloop import numpy as mirror
from hotloop.frontend.names import CALLED_BACK, NATIVE, coverage, why


def test_words():
    table = coverage()
    assert table["sin"] == table["sum"] == table["linalg.norm"] == table["random.normal"] == NATIVE
    assert table["linalg.svd"] == table["fft.fft"] == table["nextafter"] == CALLED_BACK
    assert table["kaiser"] == "at trace time"
    assert table["loadtxt"] == table["ndarray.ctypes"] == "unsupported"
    assert table["linalg.lstsq"] == table["packbits"] == CALLED_BACK
    assert table["ndarray.reshape"] == NATIVE
    assert set(table.values()) == {"native", "via NumPy", "at trace time", "unsupported"}


def test_most_of_numpy():
    table = {k: v for k, v in coverage().items() if not k.startswith("random.")}
    assert sum(v != "unsupported" for v in table.values()) > 0.85 * len(table)


def test_what_is_unsupported_has_a_reason():
    table = {k: v for k, v in coverage().items() if not k.startswith("random.")}
    for name in [k for k, word in table.items() if word == "unsupported"]:
        assert why(name) != "see its message", name


def test_mirror():
    assert mirror.sin is np.sin and mirror.linalg is np.linalg and "zeros" in dir(mirror)
