"""Makes `.venv` hold what a requirements file pins; does nothing where it does already.

The Makefile runs this with the machine's own Python before anything is installed: standard library only.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def install(requirements: str, *, root: Path = ROOT) -> None:
    """Into a .venv of the Python that runs this; one of another Python is made anew."""
    venv = root / ".venv"
    made_by = venv / "made-by"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if Path(sys.prefix) != venv and _read(made_by) != f"{sys.base_prefix} {version}":
        print(f"Creating .venv with Python {version}.", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
    made_by.write_text(f"{sys.base_prefix} {version}")

    installed = venv / f"installed-{requirements}"
    pins = hashlib.sha256((root / requirements).read_bytes()).hexdigest()
    if _read(installed) == pins:
        return
    print(f"Installing what {requirements} pins.", flush=True)
    subprocess.run(
        [
            *(str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            # The pins are complete. An older pip that looks for dependencies meets “coverage[toml]>=7” before the pin of
            # coverage, takes a newer release than was pinned, and has no hash for it.
            *("--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(root / requirements)),
        ],
        check=True,
    )
    installed.write_text(pins)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    try:
        install(sys.argv[1])
    except subprocess.CalledProcessError as failure:
        sys.exit(f"This did not work, see above: {subprocess.list2cmdline(failure.cmd)}")
