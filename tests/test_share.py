"""gpt.html in a real browser: its numbers are PyTorch's, every control works, nothing is fetched."""

import json
import re
import string
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import browsing
import checkpoint
import decoding
import gpt_numpy
import model as book
import run as running
import share
import train
from browsing import until
from records import write_records
from settings import Settings, with_size
from test_train import TINY

PAGE = Path(share.__file__).parent / "page"
ALPHABET = "".join(sorted("\n !'</>" + string.ascii_letters + "é\U0001f600"))
UGLY = "\n</script><!-- 'é\U0001f600' --> <b>and so on"
KINDS = {"rotary": "tanh", "learned": "none"}  # positions and gelu


def write_model(folder, positions="rotary", **more):
    """A checkpoint of an untrained model with no weight zero, and the record of a run."""
    sizes = {"vocab_size": len(ALPHABET), "context": 32, "n_layer": 2, "n_head": 2, "n_embd": 32}
    config = sizes | {"dropout": 0.1, "positions": positions, "gelu": KINDS[positions]} | more
    torch.manual_seed(3)
    model = book.GPT(book.Config(**config))
    for parameter in model.parameters():  # at birth the projections are zero, and hide the rest
        torch.nn.init.normal_(parameter, mean=float(parameter.ndim == 1), std=0.2)
    elsewhere = Path("/home/anna/book/day3/model.py")  # another copy of the book
    settings = with_size(Settings(steps=60, precision="float32", model=elsewhere), "tiny")
    state = {
        "model": model.state_dict(),
        "config": config,
        "alphabet": ALPHABET,
        "settings": {name: running.plain(value) for name, value in vars(settings).items()},
        "step": 60,
        "seconds": 3.0,
        "optimizers": [],
        "text_sha256": "",
        "exact": True,
    }
    checkpoint.save(folder / "gpt.pt", state)
    rows = [{"step": s, "train": 3 - s / 50, "validation": 3.1 - s / 50} for s in (0, 30, 60)]
    rows[0]["sample"] = UGLY
    baselines = {"uniform guess": 4.1, "bigram": 2.5, "Kneser-Ney 4-gram": 1.9, "7-gram": 1.85}
    last = {"step": 60, "final": 1.95, "baselines": baselines, "sample": "To be or not" * 9}
    write_records(folder, [*rows, last])
    return model.eval()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """For both kinds of positions: the model in PyTorch, and its page."""
    pairs = {}
    for positions in KINDS:
        folder = tmp_path_factory.mktemp(positions)
        model = write_model(folder, positions)
        assert share.main([str(folder / "gpt.pt")]) == 0
        pairs[positions] = model, folder / "gpt.html"
    return pairs


@pytest.fixture(scope="module")
def browser():
    if browsing.missing():
        pytest.skip(browsing.missing())
    with browsing.browser() as opened:
        yield opened


@pytest.fixture
def page(browser, made):
    with browsing.opened(browser, made["rotary"][1]) as opened:
        yield opened


def put(page, text):
    page.locator("#text").fill(text)


def slide(page, name, value):
    page.locator(f"#{name}").fill(str(value))


def says(page, name, text):
    """Wait until an element holds a text."""
    until(page, f"$({name!r}).textContent.includes({text!r})")


def torch_logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids]))[0][0]


def some_texts(context):
    generator = torch.Generator().manual_seed(5)
    for T in (1, 2, 7, context - 1, context):
        yield torch.randint(len(ALPHABET), (T,), generator=generator).tolist()
    yield [3] * context
    yield list(range(context))


@pytest.mark.parametrize("positions", KINDS)
def test_logits_in_the_browser_are_those_of_torch_and_of_day_1(browser, made, positions):
    model, path = made[positions]
    with browsing.opened(browser, path) as page:
        config = page.evaluate("page.gpt.config")
        weights = {name: value.double().numpy() for name, value in model.state_dict().items()}
        for ids in some_texts(model.config.context):
            found = np.array(page.evaluate("ids => Array.from(page.gpt.forward(ids).data)", ids))
            expected = torch_logits(model, ids).numpy()
            assert np.abs(expected).max() > 1
            np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=0, atol=1e-4)
            numpy = gpt_numpy.logits(weights, np.array([ids]), config)[0]
            np.testing.assert_allclose(found.reshape(numpy.shape), numpy, rtol=0, atol=1e-4)
        assert "Checked just now" in page.locator("#agrees").text_content()


@pytest.mark.parametrize("positions", KINDS)
def test_with_a_cache_the_browser_writes_what_torch_writes(browser, made, positions):
    model, path = made[positions]
    ids = list(range(9))
    with browsing.opened(browser, path) as page:
        apart = page.evaluate(
            """ids => {
              const whole = page.gpt.forward(ids), cache = [];
              const rows = [[0, 1], [1, 4], [4, 5], [5, 9]].map(([from, to]) =>
                Array.from(page.gpt.forward(ids.slice(from, to), cache).data));
              return Math.max(...rows.flat().map((value, i) => Math.abs(value - whole.data[i])));
            }""",
            ids,
        )
        assert apart < 1e-5
        length = 3 * model.config.context  # past the end of the window, and past it again
        drawn = [int(chosen) for chosen in model.generate(torch.tensor([ids]), length, 0)]
        greedy = page.evaluate(
            "([ids, length]) => [...page.gpt.generate(ids, length, { temperature: 0 })]",
            [ids, length],
        )
        assert greedy == drawn
        put(page, ALPHABET[:9])  # and the buttons' way, which shows every step
        slide(page, "temperature", 0)
        page.evaluate(f"write({length})")
        assert page.evaluate("page.ids") == ids + drawn


def test_what_is_read_step_by_step_is_what_is_read_at_once(page):
    """Typing, deleting, changing in the middle, and running past the window."""
    texts = ["a", "ab", "abcd", "abxd", "abx", "To be or not " * 2, "To be or not " * 5, "T", ""]
    for text in texts:
        put(page, text)
        apart = page.evaluate(
            """() => {
              const fresh = new Reading(page.gpt);
              fresh.read(page.ids, page.start);
              const flat = (r) => [r.logits, r.lens, r.weights].flat(4).flatMap((row) => [...row]);
              const [a, b] = [flat(page.reading), flat(fresh)];
              if (a.length !== b.length) return "lengths differ";
              return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0);
            }"""
        )
        assert apart < 1e-5, text


def test_weights_and_lens_are_those_of_torch(page, made):
    model, _ = made["rotary"]
    put(page, "To be or not to be")
    ids = page.evaluate("page.reading.ids")
    streams = []
    hooks = [block.register_forward_hook(lambda *a: streams.append(a[2])) for block in model.blocks]
    for block in model.blocks:
        block.attention.watch = True
    torch_logits(model, ids)
    for hook in hooks:
        hook.remove()
    for layer, block in enumerate(model.blocks):
        block.attention.watch = False
        for head, expected in enumerate(block.attention.weights[0]):
            rows = page.evaluate(
                "([l, h]) => page.reading.weights[l][h].map((row) => [...row])", [layer, head]
            )
            for t, row in enumerate(rows):
                assert len(row) == t + 1  # the mask: nothing later is even there
                np.testing.assert_allclose(row, expected[t, : t + 1], atol=1e-5)
        with torch.no_grad():
            said = model.head(model.norm(streams[layer]))[0]
        lens = page.evaluate("l => page.reading.lens[l].map((row) => [...row])", layer + 1)
        np.testing.assert_allclose(lens, said, atol=1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 1.0},
        {"temperature": 0.3, "top_k": 5},
        {"temperature": 1.7, "top_p": 0.6},
        {"temperature": 0.9, "top_k": 7, "top_p": 0.8},
        {"temperature": 1.0, "top_p": 0.01},
        {"temperature": 0.5, "top_k": 1},
        {"temperature": 0.0},
        {"temperature": 1.0, "top_k": 1000, "top_p": 1.0},
    ],
)
def test_what_may_be_drawn_is_what_decoding_draws_from(page, monkeypatch, settings):
    seen = {}
    real = torch.multinomial

    def multinomial(probabilities, *more, **settings):
        seen["kept"] = probabilities / probabilities.sum()
        return real(probabilities, *more, **settings)

    monkeypatch.setattr(torch, "multinomial", multinomial)
    generator = torch.Generator().manual_seed(1)
    for logits in (torch.randn(40, generator=generator) * 3, torch.tensor([1.0, 2, 2, 0, 2, 2])):
        seen["kept"] = torch.eye(len(logits))[:1]  # the likeliest, where there is no draw
        decoding.choose(logits[None], **settings)
        found = page.evaluate(
            "([l, s]) => distribution(l, s.temperature, s.top_k ?? null, s.top_p ?? null)",
            [logits.tolist(), settings],
        )
        assert found["order"] == logits.argsort(descending=True, stable=True).tolist()
        np.testing.assert_allclose(found["kept"], seen["kept"][0], atol=1e-6)
        assert [bool(by) for by in found["removed"]] == [share == 0 for share in found["kept"]]


def test_chance_is_fair_and_repeats(page):
    numbers = np.array(page.evaluate("Array.from({length: 20000}, (_, i) => random_number(1, i))"))
    assert 0 <= numbers.min() and numbers.max() < 1
    counts = np.histogram(numbers, 20, (0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 45  # chi-square, 19 degrees: beyond 1 in 1000
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.03
    other = np.array(page.evaluate("Array.from({length: 20000}, (_, i) => random_number(2, i))"))
    assert abs(np.corrcoef(numbers, other)[0, 1]) < 0.03
    drawn = page.evaluate(
        "Array.from({length: 9000}, (_, i) => choose([0, Math.log(2)], 1, null, null, () => random_number(5, i)))"
    )
    assert np.mean(drawn) == pytest.approx(2 / 3, abs=0.02)


def test_sliders_grey_what_they_remove_and_hide_nothing(page):
    put(page, "To be")
    bars = page.locator("#bars li")
    V = len(ALPHABET)
    assert bars.count() == V
    assert page.locator("#bars .removed").count() == 0
    slide(page, "top-k", 5)
    assert bars.count() == V
    assert page.locator("#bars .removed").count() == V - 5
    says(page, "removed", f"5 of {V} may be drawn")
    says(page, "removed", f"{V - 5} by top-k (k)")
    slide(page, "top-p", 0.01)
    assert page.locator("#bars .removed").count() == V - 1
    says(page, "removed", "4 by top-p (p)")
    slide(page, "top-k", V)
    slide(page, "top-p", 1)
    slide(page, "temperature", 0)
    assert page.locator("#bars .removed").count() == V - 1
    says(page, "removed", f"{V - 1} by temperature 0 (t)")
    slide(page, "temperature", 1)
    says(page, "removed", f"All {V} may be drawn")
    expected = page.evaluate("Math.max(...softmax(page.reading.logits[4]))")
    shown = bars.first.locator(".number").text_content()
    assert float(shown.rstrip(" %")) == pytest.approx(100 * expected, abs=0.51)
    colours = [
        page.evaluate(f"getComputedStyle(document.querySelector('{name}')).backgroundColor")
        for name in ("#bars li:not(.removed) .bar span", "#bars .removed .bar span")
        if not slide(page, "top-k", 5)
    ]
    assert colours[0] != colours[1]


def test_writing(page):
    text, seed = page.locator("#text"), page.locator("#seed")

    def written(count, by=1):
        put(page, "To be")
        seed.fill(str(by))
        for _ in range(count):
            page.locator("#write-one").click()
            until(page, "page.writing === null")
        return text.input_value()

    assert len(written(5)) == 10
    assert written(5) == written(5)
    assert written(5) != written(5, by=2)
    one_by_one = written(5)
    put(page, "To be")
    page.evaluate("document.querySelector('#seed').value = 1")
    page.locator("#write-many").click()
    until(page, "page.writing === null")
    at_once = text.input_value()
    assert len(list(at_once)) >= 5 + 300
    assert at_once.startswith(one_by_one)
    assert "300 characters" in page.locator("#speed").text_content()
    assert "window holds 32" in page.locator("#held").text_content()
    # a slider in the middle, then stop
    put(page, "To be")
    page.evaluate("void write(1e6)")
    until(page, "page.ids.length > 40")
    slide(page, "temperature", 0)
    until(page, "page.writing.left < 1e6 - 400")
    page.evaluate("$('strip').children[3].click()")
    page.locator("#switches input").first.click()
    page.locator("#all-on").click()
    page.locator("#stop").click()
    assert page.evaluate("page.writing") is None
    assert page.locator("#stop").is_disabled()
    ids = page.evaluate("page.ids.slice(-200)")  # the likeliest each time runs in circles
    assert len(set(ids)) < 30
    # typing stops it, too
    page.evaluate("void write(1e6)")
    put(page, "Enough")
    page.wait_for_timeout(100)
    assert text.input_value() == "Enough"


def test_one_character_is_followed_everywhere(page):
    """Hover shows, a click chooses; the slider does the same from the keyboard."""
    put(page, "To be or not")
    assert "(12)" in page.locator("#position-value").text_content()
    spans = page.locator("#strip span")
    assert spans.count() == 12
    assert page.locator("#strip .masked").count() == 0
    spans.nth(3).hover()
    assert page.locator("#strip .masked").count() == 8
    assert "“b” (4) reads" in page.locator("#reads").text_content()
    page.locator("h1").hover()
    assert page.locator("#strip .masked").count() == 0
    spans.nth(5).click()
    says(page, "position-value", "“␣” (6)")
    says(page, "after", "After “␣” (6). In your text “o” follows")
    says(page, "lens-says", "After “␣” (6): embedding")
    assert page.locator("#bars .follows .symbol").text_content() == "o"
    page.locator("#position").focus()
    page.keyboard.press("ArrowLeft")
    says(page, "position-value", "“e” (5)")
    page.locator("#lens tr").first.locator("td").nth(1).click()
    says(page, "position-value", "“o” (2)")
    canvas = page.locator("#map")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.04, box["y"] + box["height"] * 0.96)
    says(page, "map-cell", "“t” (12) reads “T” (1)")
    page.mouse.move(box["x"] + box["width"] * 0.96, box["y"] + box["height"] * 0.04)
    says(page, "map-cell", "“T” (1) cannot read “t” (12): it comes later")
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.54)
    says(page, "position-value", "(7)")


def test_the_map_is_drawn_from_the_weights_and_the_mask_is_seen(page):
    put(page, "To be or not")
    page.locator(".head").nth(3).click()
    says(page, "map-title", "Layer 2, head 2")
    pixels = page.evaluate(
        """() => { const c = $("map"); const d = c.getContext("2d").getImageData(0, 0, c.width, c.width).data;
        return Array.from({length: c.width * c.width}, (_, i) => Array.from(d.slice(4 * i, 4 * i + 3))); }"""
    )
    rows = np.array(pixels).reshape(12, 12, 3)
    weights = page.evaluate("page.reading.weights[1][1].map((row) => [...row])")
    paper, ink = (np.array(page.evaluate(f"colour('--{c}')")) for c in ("paper", "ink"))
    for t, row in enumerate(weights):
        for s, share_ in enumerate(row):
            expected = paper + (ink - paper) * share_**0.5
            assert np.abs(rows[t, s] - expected).max() < 2
        assert np.abs(rows[t, t + 1 :] - paper).sum(axis=-1).all() if t < 11 else True


def test_switching_heads_off_changes_loss_and_text_and_all_on_brings_both_back(page, made):
    model, _ = made["rotary"]
    put(page, "To be or not to be")
    until(page, "$('loss-whole').textContent === nats(page.reading.loss)")
    whole = page.locator("#loss-whole").text_content()
    until(page, "$('text-now').textContent.length > 60")
    assert page.locator("#loss-now").text_content() == whole
    assert page.locator("#text-now").text_content() == page.locator("#text-whole").text_content()
    boxes = page.locator("#switches input")
    assert boxes.count() == 4
    boxes.nth(1).click()
    boxes.nth(2).click()
    says(page, "heads-off", "2 heads are off")
    until(page, "$('text-now').textContent !== $('text-whole').textContent")
    assert page.locator(".head.off").count() == 2
    now = page.locator("#loss-now").text_content()
    assert now.split(",")[0] != whole
    assert page.locator("#loss-whole").text_content() == whole
    # the same in PyTorch: what a head brings to `project` is zero
    ids = page.evaluate("page.reading.ids")
    hooks = []
    for block, head in ((model.blocks[0], 1), (model.blocks[1], 0)):

        def without(_, inputs, head=head):
            x = inputs[0].clone()
            x[..., head * 16 : head * 16 + 16] = 0
            return (x,)

        hooks.append(block.attention.project.register_forward_pre_hook(without))
    found = page.evaluate("page.reading.logits.map((row) => [...row])")
    np.testing.assert_allclose(found, torch_logits(model, ids), atol=1e-4)
    for hook in hooks:
        hook.remove()
    page.locator("#all-on").click()
    says(page, "heads-off", "All heads are on")
    until(page, "$('text-now').textContent === $('text-whole').textContent")
    assert page.locator("#loss-now").text_content() == whole
    assert boxes.nth(1).is_checked()


def test_the_run_is_shown_and_its_texts_are_only_texts(page):
    assert page.locator("h1").text_content().startswith("A GPT of 0.03 M parameters, trained on")
    assert page.locator("#samples pre").first.text_content() == UGLY.strip()
    assert page.locator("#samples figcaption").all_text_contents() == [
        "Before the first step",
        "After 60 steps",
    ]
    command = page.locator("#command").text_content()
    assert command == "python day3/train.py --size tiny --steps 60 --seed 1 --precision float32"
    assert page.locator("#curve line.baseline").count() == 4
    labels = page.locator("#curve text").all_text_contents()
    assert "Kneser-Ney 4-gram 1.900" in labels
    heights = [
        box["y"]
        for text in page.locator("#curve text", has_text="gram").all()
        if (box := text.bounding_box())
    ]
    assert min(np.diff(sorted(heights))) >= 12  # no label lies on another
    assert page.locator("#numbers tr").count() == 3
    page.locator("summary").click()
    assert page.locator("#numbers").is_visible()
    assert page.locator("#text").input_value() == ("To be or not" * 9)[:24]


@pytest.mark.parametrize(
    ("text", "sentence", "read"),
    [
        ("", "The text is empty", 0),
        ("To {be}", "never seen “{” “}”, and reads the text without them", 5),
        ("##", "Nothing is left to read", 0),
        ("so\U0001f600é!", "", 5),
        ("a" * 1_000_000, "1,000,000 characters are too many: the last 10,000 are kept", 21),
        ("ab" * 20, "", 23),
    ],
)
def test_bad_input_is_a_sentence_and_the_page_goes_on(page, text, sentence, read):
    put(page, text)
    message = page.locator("#message").text_content()
    assert sentence in message if sentence else message == ""
    assert page.evaluate("page.reading.ids.length") == read
    held = page.locator("#held").text_content()
    assert held.startswith(f"The model reads the last {read} of ") == (len(text) > 32)
    page.locator("#map").click(force=True)
    page.locator("#write-one").click()
    until(page, "page.writing === null")
    page.locator(".head").nth(1).click()
    page.locator("#switches input").first.click()
    slide(page, "position", 1)
    page.wait_for_timeout(400)
    put(page, "To be")
    assert page.locator("#message").text_content() == ""
    assert page.locator("#strip span").count() == 5


def test_every_control_has_a_name_and_is_reached_by_tab_with_a_visible_focus(page):
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("input, textarea, button, summary")]
          .filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).length"""
    )
    assert unnamed == 0
    page.evaluate("$('stop').disabled = false")
    reached, plain = [], []
    page.locator("h1").click()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, seen = page.evaluate(
            """() => { const e = document.activeElement, box = e.closest(".head") ?? e;
            return [e.id || e.name || e.tagName + (e.ariaLabel ?? ""), getComputedStyle(box).outlineStyle]; }"""
        )
        if name.startswith("BODY"):
            break
        reached.append(name)
        if seen == "none":
            plain.append(name)
    assert plain == []
    controls = page.evaluate(
        """() => [...document.querySelectorAll("input:not([type=radio]), textarea, button, summary")]
          .map((e) => e.id || e.tagName + (e.ariaLabel ?? ""))"""
    )
    assert set(controls) | {"head", "lens-box", "command"} == set(reached)
    # one of the heads by arrow, a switch by space, a slider by arrow
    page.locator("input[name=head]").first.focus()
    page.keyboard.press("ArrowRight")
    says(page, "map-title", "Layer 1, head 2")
    page.locator("#switches input").first.focus()
    page.keyboard.press("Space")
    says(page, "heads-off", "1 head is off")
    page.locator("#temperature").focus()
    page.keyboard.press("Home")
    says(page, "temperature-value", "0.00")
    page.locator("#write-one").focus()
    before = len(page.locator("#text").input_value())
    page.keyboard.press("Enter")
    until(page, f"$('text').value.length > {before}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_fits_both_widths_and_both_schemes(browser, made, width, scheme):
    with browsing.opened(browser, made["rotary"][1], width, 800, scheme) as page:
        put(page, "To be or not to be " * 3 + "w" * 60)
        page.locator("summary").click()
        wide = page.evaluate(
            """() => [...document.querySelectorAll("body *")].filter((e) => !e.closest("#lens-box") &&
              e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.id || e.tagName)"""
        )
        assert wide == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for name in ("text", "quiet", "mark", "wrong"):
            assert contrast(page, name, "paper") >= 4.5, name
        assert contrast(page, "text", "panel") >= 4.5
        assert contrast(page, "quiet", "mask-line") >= 4.5  # a masked character
        assert (luminance(page, "paper") > 0.5) == (scheme == "light")
        too_small = page.evaluate(
            """() => [...document.querySelectorAll("button, input:not([type=radio])")]
              .map((e) => (e.closest("label") ?? e).getBoundingClientRect().height)
              .filter((height) => height < 24).length"""
        )
        assert too_small == 0


def luminance(page, name):
    parts = np.array(page.evaluate(f"colour('--{name}')")) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(page, one, other):
    """Of two colours, 1 to 21. Web Content Accessibility Guidelines 2.2, 1.4.3."""
    high, low = sorted((luminance(page, one), luminance(page, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_page_whose_weights_were_changed_says_so(browser, made, tmp_path):
    text = made["rotary"][1].read_text("utf-8")
    start = text.index('type="text/plain">') + len('type="text/plain">')
    (tmp_path / "gpt.html").write_text(text[:start] + "PPPP" * 100 + text[start + 400 :], "utf-8")
    with browsing.opened(browser, tmp_path / "gpt.html") as page:
        assert "do not trust" in page.locator("#agrees").text_content()


def test_a_page_of_many_symbols_checks_itself(browser, tmp_path, monkeypatch):
    """It compares more logits than a function takes arguments."""
    monkeypatch.setitem(globals(), "ALPHABET", "".join(map(chr, range(0x4E00, 0x4E00 + 4500))))
    write_model(tmp_path)
    assert share.main([str(tmp_path / "gpt.pt")]) == 0
    with browsing.opened(browser, tmp_path / "gpt.html") as page:
        assert "Checked just now" in page.locator("#agrees").text_content()


def test_the_file_holds_everything_and_lets_nothing_in_or_out(made):
    text = made["rotary"][1].read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r'\ssrc="|href="(?!data:)|fetch\(|XMLHttpRequest|import\(', text)
    for script in PAGE.glob("*.js"):
        assert script.read_text("utf-8") in text, script.name


def test_model_js_has_the_parts_of_model_py_in_their_order():
    python = re.findall(
        r"^class (\w+)", (PAGE.parent / "model.py").read_text("utf-8"), re.MULTILINE
    )
    script = re.findall(r"^class (\w+)", (PAGE / "model.js").read_text("utf-8"), re.MULTILINE)
    assert script == [name for name in python if name != "Config"]


def test_float16_would_not_keep_the_promise(made):
    model, _ = made["rotary"]
    ids = torch.arange(32)[None]
    with torch.no_grad():
        expected = model(ids)[0]
        half = book.GPT(model.config).eval()
        half.load_state_dict({k: v.half().float() for k, v in model.state_dict().items()})
        assert (half(ids)[0] - expected).abs().max() > share.TOLERANCE


OWN = "from model import *\nimport model\n\n\n"
FOREIGN = {
    "extra parameters": (
        "class GPT(model.GPT):\n    def __init__(self, config):\n"
        "        super().__init__(config)\n        self.scale = nn.Parameter(torch.ones(1))\n"
    ),
    "other logits": (
        "class GPT(model.GPT):\n    def forward(self, *a, **k):\n"
        "        logits, loss = super().forward(*a, **k)\n        return logits * 1.01, loss\n"
    ),
    "other activation": "model.FeedForward.forward = lambda s, x: s.project(s.widen(x).relu())\n",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_another_model_is_refused_in_a_sentence(tmp_path, capsys, name, monkeypatch):
    write_model(tmp_path)
    own = tmp_path / "my_model.py"
    own.write_text(OWN + FOREIGN[name], "utf-8")
    monkeypatch.setattr(book.FeedForward, "forward", book.FeedForward.forward)
    if name == "extra parameters":
        state = checkpoint.load(tmp_path / "gpt.pt")
        state["model"]["scale"] = torch.ones(1)
        checkpoint.save(tmp_path / "gpt.pt", state)
    refused(tmp_path, capsys, ["--model", str(own)], "computes as day3/model.py does")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda s: s["settings"].update(model="/elsewhere/mine.py"), "give it with --model"),
        (
            lambda s: s["model"].update({"norm.scale": s["model"].pop("norm.gain")}),
            "is not the model",
        ),
        (lambda s: s["model"]["norm.gain"].fill_(torch.nan), "not finite"),
        (lambda s: s.pop("alphabet"), "another program"),
    ],
)
def test_a_checkpoint_that_cannot_be_shown_is_refused(tmp_path, capsys, spoil, sentence):
    write_model(tmp_path)
    state = torch.load(tmp_path / "gpt.pt", weights_only=True)
    spoil(state)
    checkpoint.save(tmp_path / "gpt.pt", state)
    refused(tmp_path, capsys, [], sentence)
    assert share.main([str(tmp_path / "none.pt")]) == 2


def test_what_is_sent_to_a_friend_does_not_say_where_it_was_kept(tmp_path):
    state = {"settings": vars(with_size(Settings(steps=9, precision="float32"), "tiny"))}
    state |= {"text_sha256": "", "step": 9, "seconds": 1.0}
    for model, word in {
        "/home/anna/book/my/day3/model.py": " --model my/day3/model.py",
        "/home/anna/book/day3/model.py": "",
        "/home/anna/mine.py": " --model mine.py",
    }.items():
        state["settings"] |= {
            "model": model,
            "data": "/home/anna/diary.txt",
            "out": "/home/anna/run",
        }
        run = share.the_run(state, [], 1000)
        start = "python day3/train.py --size tiny --steps 9 --seed 1 --data diary.txt"
        assert run["command"] == f"{start}{word} --precision float32"
        assert "anna" not in str(run)


def refused(folder, capsys, words, sentence):
    capsys.readouterr()
    assert share.main([str(folder / "gpt.pt"), *words]) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not list(folder.glob("*.html*"))


def test_without_a_record_the_page_opens_all_the_same(browser, tmp_path):
    write_model(tmp_path)
    (tmp_path / "metrics.jsonl").unlink()
    assert share.main([str(tmp_path / "gpt.pt"), "--out", str(tmp_path / "mine.html")]) == 0
    with browsing.opened(browser, tmp_path / "mine.html", 360) as page:
        assert "No record of the run" in page.locator("#recorded").text_content()
        assert page.locator("#text").input_value()


def test_a_run_ends_with_its_page_and_never_fails_by_it(tmp_path, small_text, capsys, monkeypatch):
    words = [*TINY, "--steps", "12", "--data", str(small_text), "--out", str(tmp_path)]
    assert train.main(words) == 0
    assert "gpt.html" in capsys.readouterr().out
    about = re.search(r'json">(.*?)</script>', (tmp_path / "gpt.html").read_text("utf-8"))[1]
    run = json.loads(about)["run"]
    assert [sample["step"] for sample in run["samples"]] == [0, 1, 3, 6, 12]
    assert "--data plays.txt" in run["command"]  # where its owner keeps it is nobody's business
    assert str(small_text.parent) not in about
    assert len(run["records"]) == 13
    assert "Kneser-Ney 7-gram" in run["baselines"]

    def broken(*_):
        raise RuntimeError("no room for a page")

    monkeypatch.setattr(share, "write", broken)
    assert train.main(words) == 0
    assert "no gpt.html: no room for a page" in capsys.readouterr().out
    assert not (tmp_path / "gpt.html").exists()


def test_scripts_are_plain_javascript():
    """Each file on its own, where there is a JavaScript engine to ask."""
    import shutil

    if not shutil.which("node"):
        pytest.skip("needs node, which reads the scripts one by one")
    for script in PAGE.glob("*.js"):
        subprocess.run(["node", "--check", script], check=True)
