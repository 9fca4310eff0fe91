"""File tests: tests/files/passes/*.hl. A file says which passes run, the Program before and after.

    # what is shown
    run: fold dce
    { lambda ; ... }
    ->
    { lambda ; ... }

`pytest --update-golden` rewrites the part behind the arrow; read the diff.
"""

from pathlib import Path

import pytest

from hotloop.ir.text import parse, show
from hotloop.ir.verify import verify
from hotloop.ops import OPS
from hotloop.passes.pipeline import PASSES, optimize

FILES = sorted((Path(__file__).parents[1] / "files" / "passes").glob("*.hl"))
RUN = {**dict(PASSES), "all": optimize}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_file(path, request):
    head, _, rest = path.read_text().partition("run:")
    names, _, body = rest.partition("\n")
    before, _, expected = body.partition("\n->\n")
    program = parse(before, OPS)
    verify(program)
    for name in names.split():
        program = RUN[name](program)
        verify(program)
    found = show(program)
    if request.config.getoption("--update-golden"):
        path.write_text(f"{head}run:{names}\n{before.strip()}\n->\n{found}\n")
    else:
        assert found == expected.strip()


def test_every_pass_has_a_file():
    used = {name for path in FILES for name in
            path.read_text().partition("run:")[2].splitlines()[0].split()}
    assert {name for name, _ in PASSES if not name.endswith("again")} <= used
