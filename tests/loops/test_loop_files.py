"""File tests: tests/files/loops/*.hl. A file says which passes run, the Loops before and after.

    # what is shown
    run: fuse contract
    kernel f
      ...
    ->
    kernel f
      ...

`pytest --update-golden` rewrites the part behind the arrow; read the diff.
"""

from pathlib import Path

import pytest

from hotloop import config
from hotloop.loops.expr import fresh_table
from hotloop.loops.pipeline import PASSES, optimize
from hotloop.loops.text import parse, show
from hotloop.loops.verify import verify

FILES = sorted((Path(__file__).parents[1] / "files" / "loops").glob("*.hl"))
RUN = {**{name: run for name, run, _ in PASSES}, "all": optimize}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_file(path, request, monkeypatch):
    monkeypatch.setattr(config, "stream", 4096)            # not what this machine's caches say
    head, _, rest = path.read_text().partition("run:")
    names, _, body = rest.partition("\n")
    before, _, expected = body.partition("\n->\n")
    with fresh_table():
        kernel = parse(before.strip() + "\n")
        verify(kernel)
        for name in names.split():
            kernel = RUN[name](kernel)
            verify(kernel)
        found = show(kernel)
    if request.config.getoption("--update-golden"):
        path.write_text(f"{head}run:{names}\n{before.strip()}\n->\n{found}")
    else:
        assert found.strip() == expected.strip()


def test_every_pass_has_a_file():
    used = {name for path in FILES for name in
            path.read_text().partition("run:")[2].splitlines()[0].split()}
    assert {name for name, _, _ in PASSES} <= used
