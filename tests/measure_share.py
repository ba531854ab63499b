"""How fast gpt.html is in a browser: day3/results/gpt_html.json.

    python tests/measure_share.py

Untrained models of two sizes, which take as long as trained ones. Wall time, and beside it the
processor time of the page's main thread: on a machine that other programs use, the first grows
and the second hardly does.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import browsing
import recording
import settings
import share
from test_share import ALPHABET, write_model

RECORD = Path(share.__file__).parent / "results" / "gpt_html.json"
REPEATS = 15
TEXT = ("To be or not to be that is the question " * 9)[:256]
FRESH = "page.reading.forget(); $('text').value = text; refresh()"
PART = "$('text').value = text.slice(0, 200); refresh()"
TYPED = "$('text').value += 'a'; refresh()"


class Clock:
    """Wall and main-thread milliseconds of what a page does."""

    def __init__(self, page):
        self.page = page
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable")

    def thread(self):
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(m["value"] for m in metrics if m["name"] == "ThreadTime")

    def time(self, script):
        """Run it and draw a frame -> wall, thread."""
        threads, start = self.thread(), time.perf_counter()
        self.page.evaluate(
            f"text => {{ {script}; return new Promise((done) => setTimeout(done)); }}", TEXT
        )
        return 1000 * (time.perf_counter() - start), self.thread() - threads


def figures(browser, size):
    chosen = vars(settings.SIZES[size])
    sizes = {name: chosen[name] for name in ("n_layer", "n_head", "n_embd", "context")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gpt.html"
        write_model(Path(folder), vocab_size=len(ALPHABET), **sizes)
        share.write(path.with_name("gpt.pt"), path)
        megabytes = path.stat().st_size / 1e6
        paints = []
        for _ in range(REPEATS):
            with browsing.opened(browser, path) as page:
                browsing.until(page, "performance.getEntriesByType('paint').length > 1")
                paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
                paints.append(page.evaluate(paint))
        with browsing.opened(browser, path) as page:
            clock = Clock(page)
            page.evaluate("void (effect_soon = () => {})")  # it waits until nothing happens
            taken = {"a fresh text of 256 characters": [], "one character more, after 200": []}
            for _ in range(5 * REPEATS):  # until the engine has translated all of it
                clock.time(FRESH)
            for _ in range(REPEATS):
                taken["a fresh text of 256 characters"].append(clock.time(FRESH))
                clock.time(PART)
                taken["one character more, after 200"].append(clock.time(TYPED))
            page.evaluate("$('text').value = 'To be'; refresh()")
            page.evaluate("write(300)")  # once for the engine, once for the clock
            page.evaluate("$('text').value = 'To be'; refresh()")
            threads, start = clock.thread(), time.perf_counter()
            page.evaluate("write(300)")
            wall, thread = time.perf_counter() - start, (clock.thread() - threads) / 1000
    return {
        "megabytes": round(megabytes, 2),
        "context": sizes["context"],
        "first paint, ms": recording.spread(paints),
        "updates": {
            name: {
                "wall ms": recording.spread([w for w, _ in pairs]),
                "main thread ms": recording.spread([t for _, t in pairs]),
            }
            for name, pairs in taken.items()
        },
        "300 characters written": {
            "a second": round(300 / wall),
            "a second of the main thread": round(300 / thread),
        },
    }


def main():
    if browsing.missing():
        sys.exit(browsing.missing())
    with browsing.browser() as browser:
        for size in ("small", "medium"):
            row = {"repeats": REPEATS, "browser": f"chromium {browser.version}"}
            # programs that ran or waited to run, on average, when this began: 0 is an idle machine
            row |= {"load": round(os.getloadavg()[0], 1), **figures(browser, size)}
            recording.write(size, row, RECORD)
            print(size, json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
