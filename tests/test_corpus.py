"""Where the text comes from: the order of places, and a download that cannot leave a wrong file."""

import hashlib
import http.server
import threading
import time

import pytest

import corpus
import train

TEXT = b"First Citizen:\nBefore we proceed any further, hear me speak.\n" * 400


@pytest.fixture
def server():
    """A server on this machine: its `answers` are used up one a request, the last one stays."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked += 1
            answers = self.server.answers
            status, body, length = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Be quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked, server.answers = 0, [(200, TEXT, len(TEXT))]
        server.address = f"http://127.0.0.1:{server.server_port}/input.txt"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def fetch(server, path):
    corpus.download(path, server.address, hashlib.sha256(TEXT).hexdigest())


def test_a_download_is_checked_and_named_at_the_end(server, tmp_path):
    fetch(server, tmp_path / "data" / "text.txt")
    assert (tmp_path / "data" / "text.txt").read_bytes() == TEXT
    assert server.asked == 1


def test_a_broken_transfer_is_tried_three_times(server, tmp_path):
    broken = (200, TEXT[:5000], len(TEXT))
    server.answers = [broken, broken, (200, TEXT, len(TEXT))]
    fetch(server, tmp_path / "text.txt")
    assert server.asked == 3
    assert (tmp_path / "text.txt").read_bytes() == TEXT


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        ((404, b"404: Not Found", 14), 1),
        ((200, b"<html>log in to the hotel's network</html>", 42), 3),
        ((200, TEXT[:5000], len(TEXT)), 3),
        ((200, TEXT[:5000], 5000), 3),
    ],
)
def test_a_wrong_answer_leaves_no_file(server, tmp_path, answer, asked):
    server.answers = [answer]
    with pytest.raises(OSError, match="answered 404|broke off or were not"):
        fetch(server, tmp_path / "text.txt")
    assert server.asked == asked
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_network_is_not_asked_again(tmp_path):
    before = time.perf_counter()
    with pytest.raises(corpus.Unreachable, match="cannot be reached"):
        corpus.download(tmp_path / "text.txt", "http://127.0.0.1:9/input.txt")
    assert time.perf_counter() - before < 5


def test_the_order_of_places(tmp_path, monkeypatch):
    mine, other, copy = (tmp_path / name for name in ("mine.txt", "other.txt", "copy.txt"))
    for path in (mine, other, copy):
        path.write_text(path.name, encoding="utf-8")
    monkeypatch.setattr(corpus, "COPY", copy)
    monkeypatch.setenv("TINY_SHAKESPEARE", str(other))
    assert corpus.find(str(mine)) == ("mine.txt", "mine.txt")
    assert corpus.find() == ("other.txt", "other.txt")
    monkeypatch.delenv("TINY_SHAKESPEARE")
    assert corpus.find() == ("tiny Shakespeare", "copy.txt")


def test_without_any_text_the_run_goes_on_with_the_plays(tmp_path, monkeypatch, capsys):
    """Offline, the main job runs, says why, and what the grammar alone can say."""
    monkeypatch.delenv("TINY_SHAKESPEARE", raising=False)
    monkeypatch.setattr(corpus, "COPY", tmp_path / "tinyshakespeare.txt")
    monkeypatch.setattr(corpus, "PLAYS", 30_000)

    def offline(path):
        raise corpus.Unreachable("the network cannot be reached")

    monkeypatch.setattr(corpus, "download", offline)
    words = ["--size", "tiny", "--steps", "24", "--n-layer", "1", "--precision", "float32"]
    assert train.main([*words, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "the network cannot be reached" in printed
    assert corpus.ADDRESS in printed
    assert "the grammar itself" in printed
    assert "are grammatical" in printed
    assert (tmp_path / "out" / "skills.png").read_bytes().startswith(b"\x89PNG")


def test_the_real_text_is_known_by_its_checksum(shakespeare):
    name, text = corpus.find()
    assert name == "tiny Shakespeare"
    assert len(text) == corpus.SIZE
    assert len(set(text)) == 65
