"""`.venv` is made once for each Python and filled once for each version of the pins."""

import subprocess
from pathlib import Path

import pytest

from config.install import install

pytestmark = pytest.mark.xdist_group("install")  # one venv for all of them: making one takes seconds


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that pins nothing, installed, in a folder with a space in its name."""
    root = tmp_path_factory.mktemp("by hand")
    (root / "requirements.txt").write_text("# nothing\n")
    install("requirements.txt", root=root)
    return root


def test_what_is_installed_is_left_alone(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert (root / ".venv" / "bin" / "python").exists()
    install("requirements.txt", root=root)
    assert capfd.readouterr().out == ""


def test_other_pins_are_installed(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (root / "requirements.txt").write_text("# still nothing\n")
    install("requirements.txt", root=root)
    assert capfd.readouterr().out == "Installing what requirements.txt pins.\n"


def test_what_has_no_hash_is_refused_and_tried_again(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (root / "other.txt").write_text("django==5.2\n")
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            install("other.txt", root=root)
        assert "Hashes are required" in capfd.readouterr().err


def test_the_venv_of_another_python_is_made_anew(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (root / ".venv" / "made-by").write_text("/usr 3.10")
    install("requirements.txt", root=root)
    assert capfd.readouterr().out.startswith("Creating .venv")
