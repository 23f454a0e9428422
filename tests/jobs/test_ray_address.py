import socket
import threading
from contextlib import contextmanager, suppress

import pytest
from toy_study import make_study

from fuzzyseg.cli.main import main
from fuzzyseg.errors import InputError
from fuzzyseg.io import write_image
from fuzzyseg.jobs import ray_address
from fuzzyseg.jobs.ray_address import cluster_address

SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))  # an empty frame of RFC 9113, 6.5


@contextmanager
def listening(answer=None):
    """A port that takes one connection and says this, or nothing; yields its address."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)

        def serve():
            with server.accept()[0] as connection:
                connection.recv(1)
                if answer is not None:
                    connection.sendall(answer)
                with suppress(ConnectionError):
                    while connection.recv(100):  # until the other side has enough
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.fixture(autouse=True)
def no_cluster_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))


def test_what_greets_as_ray_does_is_taken():
    with listening(SETTINGS) as address:
        assert cluster_address(address) == address
    with listening(SETTINGS) as address:
        assert cluster_address(f"ray://{address}") == f"ray://{address}"
    assert cluster_address(None) is None


def test_a_port_that_is_silent_is_no_cluster(monkeypatch):
    monkeypatch.setattr(ray_address, "_ANSWERS_S", 0.2)
    with listening() as address, pytest.raises(InputError, match="no answer there"):
        cluster_address(address)


def test_a_port_of_something_else_is_no_cluster():
    with (
        listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address,
        pytest.raises(InputError, match="found something else there"),
    ):
        cluster_address(address)


def test_a_cluster_that_is_gone_is_not_waited_for(tmp_path, monkeypatch):
    """`ray start` wrote it down, and nobody deleted that."""
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:1")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:1, found no answer"):
        cluster_address(None)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:2")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:2, found no answer"):
        cluster_address(None)


@pytest.mark.parametrize("command", ["batch", "simulate", "reproduce"])
def test_an_address_that_answers_nothing_is_one_line(command, tmp_path, capsys):
    pytest.importorskip("ray", reason='needs Ray: pip install "fuzzyseg[ray]"')
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "a.nii.gz", make_study().spect)
    given = [str(tmp_path / "in")] if command == "batch" else []
    call = [command, *given, "-o", str(tmp_path / "out"), "--engine", "ray"]
    for address in ("127.0.0.1:1", "nonsense"):
        assert main([*call, "--address", address]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "no answer there" in said
