"""Set up and run, with nothing but Python 3.11+ and git: makes .venv, installs, does the job.

    python3 dev.py bench [options of `hotloop bench pi`]     the main job
    python3 dev.py test [options of pytest]                  the tests, ruff and mypy
    python3 dev.py test --python /path/to/python3.13         under another interpreter
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def environment(extra: str, python: str) -> Path:
    """A virtual environment for one interpreter with hotloop[extra] installed."""
    name = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True, text=True, check=True).stdout.strip()
    folder = ROOT / ".venv" / f"{extra}-{name}"
    executable = folder / "bin" / "python"
    if not executable.exists():
        print(f"making {folder}", flush=True)
        if Path(python).resolve() == Path(sys.executable).resolve():
            venv.create(folder, with_pip=True)
        else:
            subprocess.run([python, "-m", "venv", str(folder)], check=True)
    stamp = folder / "installed"
    wanted = (ROOT / "pyproject.toml").read_text() + (ROOT / "constraints.txt").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([executable, "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt",
                        "-e", f"{ROOT}[{extra}]"], check=True)
        stamp.write_text(wanted)
    return executable


def run(*command: object) -> int:
    print("$", *[Path(c).name if isinstance(c, Path) else c for c in command], flush=True)
    return subprocess.run([str(c) for c in command], cwd=ROOT).returncode


def bench(arguments: list[str]) -> int:
    python = environment("bench", sys.executable)
    return run(python, "-m", "hotloop", "bench", *(arguments or ["pi"]))


def test(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="dev.py test")
    parser.add_argument("--python", default=sys.executable)
    options, rest = parser.parse_known_args(arguments)
    python = environment("test", options.python)
    os.environ["HOTLOOP_VERIFY"] = "1"
    codes = [run(python, "-m", "ruff", "check", "."), run(python, "-m", "mypy"),
             run(python, "-m", "pytest", "-n", "2", *rest)]
    return max(codes)


def main() -> int:
    jobs = {"bench": bench, "test": test}
    if len(sys.argv) < 2 or sys.argv[1] not in jobs:
        print(__doc__)
        return 2
    return jobs[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
