"""Where the text comes from: a file of yours, tiny Shakespeare, or the plays of a grammar."""

import hashlib
import os
import queue
import threading
from pathlib import Path

HERE = Path(__file__).parent
COPY = HERE / "data" / "tinyshakespeare.txt"
ADDRESS = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
)
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SIZE = 1_115_394  # characters, each of one byte
SHAKESPEARE = "tiny Shakespeare"
GRAMMAR = "the grammar plays"
PLAYS = 1_100_000  # characters of them, about as many


class Unreachable(OSError):
    """The network gave no copy; the message says why."""


def find(data=None):
    """The name and the text to train on.

    `data` is a file of any UTF-8 text, or "grammar". Without it: the file that the variable
    TINY_SHAKESPEARE names, the copy in day3/data, a download to there, and where none of these can
    be had the grammar plays, with a sentence that says so.
    ValueError or OSError, in one sentence, for a file that is missing, empty or not UTF-8.
    """
    if data == "grammar":
        return GRAMMAR, plays()
    if data or os.environ.get("TINY_SHAKESPEARE"):
        path = Path(data or os.environ["TINY_SHAKESPEARE"]).expanduser()
        return name_of(path), read(path)
    if not COPY.exists():
        try:
            download(COPY)
        except OSError as error:
            print(
                f"No copy of tiny Shakespeare ({error}), so this run reads the grammar plays: "
                f"to have Shakespeare, save {ADDRESS} as {COPY}.",
                flush=True,
            )
            return GRAMMAR, plays()
    return SHAKESPEARE, read(COPY)


def plays():
    import grammar

    return grammar.plays(PLAYS, seed=0)


def name_of(path):
    return SHAKESPEARE if is_shakespeare(path) else path.name


def is_shakespeare(path):
    try:
        return path.stat().st_size == SIZE and digest(path.read_bytes()) == SHA256
    except OSError:
        return False


def digest(data):
    return hashlib.sha256(data).hexdigest()


def read(path):
    """The text of a UTF-8 file, with line ends as they are in the file."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give --data the path of a text file")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        source = "--data" if os.environ.get("TINY_SHAKESPEARE") != str(path) else "TINY_SHAKESPEARE"
        raise ValueError(f"there is no file {path}: give {source} the path of a text") from None
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8, then try again"
        ) from None
    if len(text) < 2:
        raise ValueError(f"{path} is empty: give --data a text, a megabyte of it if you can")
    return text


def download(path, address=ADDRESS, sha256=SHA256):
    """Fetch tiny Shakespeare, check it, and only then give it its name.

    An unreachable network costs at most 5 s and is not asked again; a transfer that breaks off is
    tried three times. Unreachable, an OSError, where there is nothing to be had.
    """
    import requests
    from rich.progress import track

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    try:
        for _ in range(3):
            with ask(address) as response:
                if response.status_code != 200:
                    raise Unreachable(f"its server answered {response.status_code}")
                parts = response.iter_content(16_384)
                try:
                    with open(beside, "wb") as file:
                        file.writelines(track(parts, "tiny Shakespeare", total=SIZE / 16_384))
                except requests.RequestException:
                    continue
            if digest(beside.read_bytes()) == sha256:
                os.replace(beside, path)
                return
        raise Unreachable("three downloads broke off or were not the text")
    finally:
        beside.unlink(missing_ok=True)


def ask(address, seconds=5):
    """The beginning of a server's answer, or Unreachable after so many seconds, whatever hangs."""
    import requests

    box: queue.SimpleQueue = queue.SimpleQueue()

    def get():
        try:
            box.put(requests.get(address, stream=True, timeout=30))
        except requests.RequestException as error:
            box.put(error)

    # names are looked up without a time limit, so the waiting is done outside
    threading.Thread(target=get, daemon=True).start()
    try:
        answer = box.get(timeout=seconds)
    except queue.Empty:
        raise Unreachable("the network does not answer") from None
    if isinstance(answer, Exception):
        raise Unreachable("the network cannot be reached") from answer
    return answer
