"""What was decided, and the records that speak for it or against it: see study/pages.py."""

import json
import statistics
from pathlib import Path

from recording import table
from runs import losses, variants

ROOT = Path(__file__).parent.parent
WHY, DAY1 = "../day2/why.md", "../day1/README.md"
EXTRAS, BENCH = "../day3/results/extras.json", "../day3/results/bench.json"


def record(path):
    return json.loads((ROOT / "resources" / path).read_text("utf-8"))


def signed(nats):
    return f"{nats:+.3f} nats"


def of_day_3():
    """Choices of model and recipe, each undone or added, on the development split; and its speed."""
    runs, bench = record(EXTRAS)["all"]["losses"], record(BENCH)
    own = statistics.mean(runs["the book's model and recipe"])
    places, adamw, normed, squared, shifted = (
        signed(statistics.mean(runs[change]) - own)
        for change in (
            "GPT-2's learned positions",
            "AdamW with cosine decay",
            "query-key norm",
            "squared ReLU",
            "a learned shift by one character",
        )
    )
    sizes = ("4 x 128", "6 x 384")
    cache, sampler = (
        [bench[f"{row} {size}"]["times faster"]["median"] for size in sizes]
        for row in ("cache", "sampling")
    )
    of = f"({', and '.join(sizes)})"
    kept = f"{cache[0]} and {cache[1]} times the symbols a second without it {of}"
    beside = f"{sampler[0]} and {sampler[1]} times nanoGPT's symbols a second {of}; it has no cache"
    faster = bench["training"]["times faster to its loss"]
    product = bench["machine"]["torch.mm, GFLOP/s"]
    half, whole = product["torch.bfloat16"], product["torch.float32"]
    counted = bench["baselines"]["losses"]["Kneser-Ney 7-gram"]
    trained = bench["minutes 2"]["loss"]["median"]
    return [
        ["rotary positions", f"GPT-2's table in their place: {places}", EXTRAS],
        ["Muon for matrices, a linear fall", f"AdamW and a cosine: {adamw}", EXTRAS],
        ["no query-key norm: GPT-2 has none", f"with it: {normed}, within the seeds", EXTRAS],
        ["GELU, as in GPT-2", f"squared ReLU: {squared}", EXTRAS],
        ["no learned shift by a character", f"with it: {shifted}, within the seeds", EXTRAS],
        ["a recipe of our own", f"at nanoGPT's loss {faster} times sooner", BENCH],
        ["a cache", kept, BENCH],
        ["a sampler of our own", beside, BENCH],
        ["bfloat16 where it pays", f"{half} against {whole} GFLOP/s, asked at the start", BENCH],
        ["7-grams as the line to cross", f"{counted:.4f} nats; 2 minutes: {trained:.4f}", BENCH],
    ]


def of_day_2():
    """Parts of a small GPT, each taken out of it, and the two orders of the norm."""
    removed, order = variants("remove one"), variants("norm order")
    healthy = statistics.mean(losses(removed["nothing"]))
    rest, scale, norm, heads, wide = (
        signed(statistics.mean(losses(removed[part])) - healthy)
        for part in (
            "the residuals",
            "the scale",
            "the layer norm",
            "three of four heads",
            "the widening, 4 to 1",
        )
    )
    pre, pre_3, post, post_3 = (
        f"{statistics.mean(losses(order[f'{kind}-norm, warm-up, {rate}'])):.3f}"
        for kind in ("pre", "post")
        for rate in (0.01, 0.03)
    )
    two = record("../day1/results/experiments.json")["heads"]["heads"]
    one, both = (f"{two[heads]['both right']['median']:.1%}" for heads in ("1", "2"))
    return [
        ["residuals", f"without: {rest}", WHY],
        ["scores over √D", f"without: {scale}", WHY],
        ["layer norm", f"without it, in three blocks: {norm}. Kept for depth", WHY],
        ["norm before the branch", f"at rate 0.01 {pre}, after it {post}", WHY],
        ["the same", f"at rate 0.03 {pre_3}, after it {post_3}. Kept because it forgives", WHY],
        ["several heads", f"one head in place of four: {heads}", WHY],
        ["the same", f"two look-ups at once: {one} right with one head, {both} with two", DAY1],
        ["M = 4 C", f"M = C: {wide}. Kept, to be GPT-2", WHY],
    ]


def decisions():
    rows = [[what, told, f"[here]({where})"] for what, told, where in of_day_3() + of_day_2()]
    return table(["decided", "measured", "record or page"], rows)


TABLES = {"decisions": decisions}
