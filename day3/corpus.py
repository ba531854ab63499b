"""Where the text comes from: a file of yours, tiny Shakespeare, or the plays of a grammar."""

import hashlib
import os
from pathlib import Path

HERE = Path(__file__).parent
COPY = HERE / "data" / "tinyshakespeare.txt"
ADDRESS = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
)
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SIZE = 1_115_394  # characters, each of one byte
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
    return "tiny Shakespeare", read(COPY)


def plays():
    import grammar

    return grammar.plays(PLAYS, seed=0)


def name_of(path):
    return "tiny Shakespeare" if is_shakespeare(path) else path.name


def is_shakespeare(path):
    try:
        return path.stat().st_size == SIZE and digest(path.read_bytes()) == SHA256
    except OSError:
        return False


def digest(data):
    return hashlib.sha256(data).hexdigest()


def read(path):
    """The text of a UTF-8 file, with line ends as they are in the file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}: give --data the path of a text") from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder: give --data the path of a text file") from None
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
    beside = path.with_suffix(f".{os.getpid()}.part")
    try:
        for _ in range(3):
            try:
                with requests.get(address, stream=True, timeout=(4.5, 30)) as response:
                    if response.status_code != 200:
                        raise Unreachable(f"its server answered {response.status_code}")
                    parts = response.iter_content(16_384)
                    with open(beside, "wb") as file:
                        file.writelines(track(parts, "tiny Shakespeare", total=SIZE / 16_384))
            except (requests.ConnectTimeout, requests.exceptions.SSLError) as error:
                raise Unreachable("the network cannot be reached") from error
            except requests.ConnectionError as error:
                if "NewConnection" in repr(error) or "NameResolution" in repr(error):
                    raise Unreachable("the network cannot be reached") from error
                continue
            except requests.RequestException:
                continue
            if digest(beside.read_bytes()) == sha256:
                os.replace(beside, path)
                return
        raise Unreachable("three downloads broke off or were not the text")
    finally:
        beside.unlink(missing_ok=True)
