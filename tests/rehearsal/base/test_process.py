"""The emulator as a process: on loopback only, told clearly when it fails, never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labkit.errors import UserError
from labkit.rehearsal.emulator import Emulator
from tests.rehearsal.base.conftest import Cloud


def gone(pid: int, *, seconds: float = 10) -> bool:
    """Whether a process ends in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_port_in_use_is_told_before_anything_starts() -> None:
    """GIVEN a port that is taken WHEN the emulator shall use it THEN one message names it and says what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(UserError, match=f"port {port} on 127.0.0.1 cannot be used.*Give another one"),
            Emulator(port=port),
        ):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1"])
def test_nothing_but_loopback_is_allowed(host: str) -> None:
    """GIVEN another address WHEN asked for THEN it is refused, naming what is allowed."""
    with pytest.raises(UserError, match=r"allowed: 127\.0\.0\.1"):
        Emulator(host=host)


def test_it_listens_on_loopback_alone(cloud: Cloud) -> None:
    """GIVEN a running emulator WHEN its sockets are read THEN each listens on 127.0.0.1."""
    port = int(cloud.emulator.url.rpartition(":")[2])
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = {one[1].split(":")[0] for one in listening if one[3] == "0A" and int(one[1].split(":")[1], 16) == port}
    assert addresses == {"0100007F"}


def test_the_environment_leads_to_the_emulator_and_is_restored(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN variables of a real account and of a proxy WHEN rehearsing THEN none is left, and afterwards all are back."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    before = dict(os.environ)

    with cloud.emulator.as_environment():
        assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "https_proxy"} & os.environ.keys()
        assert os.environ["AWS_ENDPOINT_URL"].startswith("http://localhost:")
        assert os.environ["AWS_CONFIG_FILE"] == os.environ["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
        assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"

    assert dict(os.environ) == before


def test_a_child_that_dies_is_told_with_its_last_words() -> None:
    """GIVEN a running emulator WHEN its process is killed THEN the next look tells the end of its log, which is then removed."""
    with Emulator() as emulator:
        with emulator.log.open("a") as log:
            log.write("the last words\n")
        os.kill(emulator.pid, signal.SIGKILL)
        assert gone(emulator.pid)
        with pytest.raises(UserError, match=r"(?s)ended half-way \(exit code -9\).*the last words") as told:
            emulator.get("clock")
        assert str(emulator.log) in str(told.value)
    assert not emulator.log.parent.exists()


def test_a_child_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIVEN an installation in which moto is missing WHEN started THEN the message holds the reason."""
    (tmp_path / "moto.py").write_text("raise ImportError('moto is not there')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("labkit.rehearsal.emulator._python_path", lambda: f"{tmp_path}:{os.getcwd()}")
    with pytest.raises(UserError, match=r"(?s)did not start.*moto is not there"), Emulator():
        pass


# A run of tests in the background of a shell ignores Ctrl-C, and what it starts inherits that.
PARENT = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from labkit.rehearsal.emulator import Emulator
with Emulator() as emulator:
    print(emulator.pid, emulator.log.parent, flush=True)
    time.sleep(60)
"""


def parent_with_child() -> tuple[subprocess.Popen[str], int, Path]:
    """A process that runs an emulator, with the emulator's process id and its work folder."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    child, folder = parent.stdout.readline().split()
    return parent, int(child), Path(folder)


def test_the_child_ends_with_its_parent() -> None:
    """GIVEN a parent that is killed without warning WHEN it is gone THEN its emulator and the work folder go too."""
    parent, child, folder = parent_with_child()
    assert folder.exists()
    parent.kill()
    parent.communicate()
    assert gone(child, seconds=60)
    assert not folder.exists()


def test_ctrl_c_leaves_no_child() -> None:
    """GIVEN a parent with an emulator WHEN it gets Ctrl-C THEN it ends, and the emulator with it."""
    parent, child, _ = parent_with_child()
    parent.send_signal(signal.SIGINT)
    parent.communicate(timeout=60)
    assert parent.returncode != 0
    assert gone(child, seconds=0.5)
