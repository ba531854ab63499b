"""A real browser for the tests of gpt.html: Debian's chromium, driven by playwright."""

import shutil
import time
from contextlib import contextmanager
from pathlib import Path

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing():
    """Why there is no browser here, in one sentence; nothing where there is one."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "needs a browser: pip install -r requirements-maintain.txt brings playwright"
    if not chromium():
        return "needs a browser: install chromium, on Debian with apt-get install chromium"
    return ""


def chromium():
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def browser():
    """A headless chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


def until(page, expression, limit=60):
    """Wait for something to be true on the page; AssertionError after so many seconds.

    playwright's own wait needs eval, which the page's policy forbids.
    """
    end = time.monotonic() + limit
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never came true: {expression}"
        page.wait_for_timeout(20)


@contextmanager
def opened(browser, path, width=1440, height=900, scheme="light"):
    """The page at a path, once it has read its text; every request but for itself is blocked.

    At its end nothing may have been asked for, and nothing said on the console.
    """
    address = Path(path).absolute().as_uri()
    told, asked = [], []
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
    )
    context.set_default_timeout(60_000)

    def judge(route):
        if route.request.url == address:
            return route.continue_()
        asked.append(route.request.url)
        return route.abort()

    context.route("**/*", judge)
    page = context.new_page()
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(address)
    until(page, "document.body.dataset.ready")
    yield page
    assert asked == []
    assert told == []
    context.close()
