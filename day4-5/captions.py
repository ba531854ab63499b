"""Real sentences to translate: captions of photographs in English and French, Multi30k.

Elliott et al. 2016 and 2017, github.com/multi30k/dataset: 29,000 pairs, a megabyte, downloaded once
and checked. Whoever wrote the captions keeps the rights: to study, not to pass on.

    python day4-5/captions.py [N]     the first N pairs, 29,000 without; then train on what it wrote:
    python day4-5/translate.py --data day4-5/out/captions.tsv --steps 1500 --n-embd 128 --dropout 0.2
"""

import gzip
import hashlib
import http.client
import sys
import urllib.request
from pathlib import Path

COMMIT = "a3d2e0d26b56f3846f66a952536ffed4e401d05a"
ADDRESS = f"https://raw.githubusercontent.com/multi30k/dataset/{COMMIT}/data/task1/raw"
SHA256 = {
    "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "train.fr.gz": "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
}
PATH = Path(__file__).parent / "out" / "captions.tsv"


def lines(name, address=ADDRESS, sha256=SHA256):
    """The lines of one file. ValueError where it cannot be had, or is not the file that we know."""
    try:
        with urllib.request.urlopen(f"{address}/{name}", timeout=30) as answer:
            data = answer.read()
    except (OSError, http.client.HTTPException) as error:  # the second: the server hung up
        raise ValueError(f"{address}/{name} cannot be read ({error}): are you online?") from None
    if hashlib.sha256(data).hexdigest() != sha256[name]:
        raise ValueError(f"{name} is not the file that we know: nothing was written, try again")
    return gzip.decompress(data).decode("utf-8").splitlines()


def write(path=PATH, n=29_000, **where):
    """Write the first n pairs, with a tab between the sentences -> how many there are."""
    pairs = list(zip(*(lines(name, **where) for name in SHA256), strict=True))[:n]
    path.parent.mkdir(exist_ok=True)
    clean = (" ".join(side.split()) for pair in pairs for side in pair)
    rows = [f"{english}\t{french}\n" for english, french in zip(clean, clean, strict=True)]
    path.write_text("".join(rows), encoding="utf-8")
    return len(rows)


def main(pairs: int = 29_000, /):
    if pairs < 1:
        raise ValueError(f"give the number of pairs, at least 1, not {pairs}")
    print(f"{write(n=pairs):,} pairs in {PATH}")


if __name__ == "__main__":
    import tyro

    from terminal import exit_code

    sys.exit(exit_code("captions.py", lambda: tyro.cli(main, description=__doc__)))
