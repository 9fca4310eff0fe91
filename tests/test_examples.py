"""The scripts of examples/, in small: their losses fall, and they draw."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
NEEDS = {"digits": ("sklearn",), "co2": ("statsmodels", "scipy"), "carbon": ("statsmodels",)}
SMALL = {"digits": {"epochs": 2}, "co2": {"steps": 3, "every": 4}, "carbon": {"steps": 3}}


def test_all_are_run():
    assert {path.stem for path in FOLDER.glob("*.py")} == NEEDS.keys()
    assert all(len(path.read_text().splitlines()) < 120 for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("name", NEEDS)
def test_example(name, tmp_path):
    for module in ("matplotlib", *NEEDS[name]):
        pytest.importorskip(module)
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    losses, _ = script.main(**SMALL[name], picture=str(tmp_path / "picture.png"))
    assert losses[-1] < 0.9 * losses[0]
    assert (tmp_path / "picture.png").stat().st_size > 5000
