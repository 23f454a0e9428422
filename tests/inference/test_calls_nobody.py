"""No engine asks for a name or opens a connection: in a namespace where the test sees it.

A name server of the test's own is the only one there, so questions of compiled code are seen
too; that it sees them is tested first.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
from tiny_models import write_tiny
from toy_study import write_study

# Run with its arguments as root of a namespace of users, mounts and network.
INSIDE = """
import ctypes, fcntl, json, pathlib, runpy, socket, struct, subprocess, sys, threading

resolver, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
resolver.write_text("nameserver 127.0.0.1\\noptions timeout:1 attempts:1\\n")
subprocess.run(["mount", "--bind", str(resolver), "/etc/resolv.conf"], check=True)
lo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(lo, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
asked = []
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))

def listen():
    while True:
        question, sender = server.recvfrom(512)
        asked.append(repr(question[12:]))
        server.sendto(question[:2] + b"\\x81\\x83" + question[4:], sender)  # no such name

threading.Thread(target=listen, daemon=True).start()

def guard(event, arguments):
    if event == "socket.getaddrinfo" or event == "socket.gethostbyname":
        asked.append(f"{event} {arguments[0]}")
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        asked.append(f"{event} {arguments[1]}")

sys.addaudithook(guard)
code = 0
if command[0] == "native":  # the resolver of the C library, past Python's own
    ctypes.CDLL(None).gethostbyname(b"fuzzyseg.invalid")
else:
    from fuzzyseg.cli.main import main
    code = main(command)
import time; time.sleep(1.0)  # what is sent from a thread
print(json.dumps({"code": code, "asked": asked}))
"""


def isolated(folder, *command):
    """Run a command where nobody can be reached; return what was asked for."""
    words = ["unshare", "-rnm", sys.executable, "-c", INSIDE, str(folder / "resolv.conf"), *command]
    home = folder / "home"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in {"CI", "XDG_CACHE_HOME"}}
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=300,
        env=environment | {"HOME": str(home), "MPLCONFIGDIR": mpl.get_cachedir()},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # ONNX Runtime stores an identifier and a queue there at once, and sends much later.
    assert not [path for path in home.rglob("*") if path.name in {"Microsoft", "intel"}]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(autouse=True)
def _permitted():
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs unshare, of util-linux")
    tried = subprocess.run(
        [unshare, "-rnm", "mount", "--bind", "/etc/hosts", "/etc/resolv.conf"],
        capture_output=True, check=False,
    )  # fmt: skip
    if tried.returncode or not Path("/etc/resolv.conf").exists():
        pytest.skip(f"needs a network namespace: {tried.stderr.decode().strip()}")


def test_the_guard_sees_compiled_code(tmp_path):
    assert "fuzzyseg" in str(isolated(tmp_path, "native")["asked"])


@pytest.mark.parametrize("engine", ["torch", "openvino", "onnxruntime"])
def test_segment_calls_nobody(engine, tmp_path):
    if engine != "torch":
        pytest.importorskip(engine)
    write_tiny(tmp_path)
    write_study(tmp_path)
    found = isolated(
        tmp_path, "segment", str(tmp_path / "spect.nii.gz"), "-o", str(tmp_path / "out"),
        "--model", str(tmp_path / "spect"), "--engine", engine, "--quiet",
    )  # fmt: skip
    assert found == {"code": 0, "asked": []}
    assert (tmp_path / "out" / "labels.nii.gz").exists()


def test_export_calls_nobody(tmp_path):
    pytest.importorskip("onnx")
    write_tiny(tmp_path)
    found = isolated(tmp_path, "export", str(tmp_path / "spect"), "-o", str(tmp_path / "m.onnx"))
    assert found == {"code": 0, "asked": []}
    assert (tmp_path / "m.onnx").exists()
