"""What is linked exists, what is listed is listed once, and the models' numbers are their makers'."""

import math
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from study import lines, pages
from study.book import Book

import shapes
from attention_numpy import split_heads
from model import Config
from positions_numpy import sinusoidal

ROOT = Path(__file__).parent.parent
RESOURCES = ROOT / "resources"
sys.path.append(str(RESOURCES))
import decisions_tables
import reading_tables
import real_models_tables as real

LIST = [(kind, entry) for kind in reading_tables.KINDS for entry in reading_tables.READING[kind]]
# host -> what the rest of an address looks like there
SHAPES = {
    "arxiv.org": r"/abs/((0[7-9]|1[0-4])\d\d\.\d{4}|\d{4}\.\d{5})",  # four digits until 2014
    "www.youtube.com": r"/watch\?v=[\w-]{11}(&list=PL[\w-]{32})?",  # alone, or in a playlist
    "github.com": r"/[\w-]+/[\w.-]+(/blob/master/[\w./-]+)?",
    "docs.pytorch.org": r"/docs/stable/generated/torch\.[\w.]+\.html",
    "docs.python.org": r"/3/[\w/]+",
    "numpy.org": r"/doc/stable/user/[\w.]+\.html",
    "doi.org": r"/10\.\d{4,5}/[\w.]+",
    "cdn.openai.com": r"/[\w/-]+\.pdf",
    "download.pytorch.org": r"/whl/cpu",
    "stats.stackexchange.com": r"/",
    "youtu.be": r"/[\w-]{11}\?t=\d+",
}
# of these any path without a question mark
SITES = [
    "jalammar.github.io", "lilianweng.github.io", "nlp.seas.harvard.edu", "amaarora.github.io",
    "jaykmody.com", "peterbloem.nl", "kellerjordan.github.io", "transformer-circuits.pub",
    "aclanthology.org", "discuss.pytorch.org", "discuss.huggingface.co", "www.eleuther.ai",
]  # fmt: skip


def addresses(text):
    return re.findall(r"https?://[^\s)\"'<>`]+", text)


def well_formed(address):
    parts = urlsplit(address)
    rest = parts.path + (f"?{parts.query}" if parts.query else "")
    known = SHAPES.get(parts.netloc) or (r"/[\w./-]*" if parts.netloc in SITES else None)
    return parts.scheme == "https" and known is not None and re.fullmatch(known, rest) is not None


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_address_is_of_the_form_of_its_site(page):
    for address in addresses(page.read_text("utf-8")):
        assert well_formed(address), address


@pytest.mark.parametrize(
    "address",
    [
        "http://arxiv.org/abs/1706.03762",
        "https://arxiv.org/pdf/1706.03762",
        "https://arxiv.org/abs/1706.0376",
        "https://www.youtube.com/watch?v=kCc8FmEb1nY&utm_source=x",
        "https://www.youtube.com/watch?v=kCc8FmEb1nY&list=x",
        "https://jalammar.github.io/illustrated-gpt2/?ref=x",
        "https://github.com/karpathy",
        "https://example.com/",
    ],
)
def test_an_address_of_another_form_is_noticed(address):
    assert not well_formed(address)


def test_nothing_is_listed_twice():
    for key in ("link", "title"):
        found = [entry[key].rstrip("/") for _, entry in LIST]
        assert len(found) == len(set(found)), sorted(found)


def test_every_day_has_something_to_read_and_every_entry_says_what_for():
    days = set(Book(ROOT).days)
    assert {day for _, entry in LIST for day in entry["days"]} == days
    for kind, entry in LIST:
        assert {"title", "by", "link", "read", "days", "code"} <= entry.keys()
        assert entry["days"] == sorted(entry["days"])
        assert kind == "video" or entry["minutes"] > 0, entry["title"]


def readings():
    """(day, link, minutes) of every row of the days' own reading; its heading says the sum, if any."""
    for page in sorted(ROOT.glob("day*/*.md")):
        for part in page.read_text("utf-8").split("\n## Reading")[1:]:
            head, _, section = part.split("\n## ")[0].partition("\n")
            rows = re.findall(r"^\| (\d+) \| \[[^]]+\]\(([^)]+)\)", section, re.MULTILINE)
            told = re.search(r"\((\d+) min\)", head)
            assert told is None or int(told[1]) == sum(int(minutes) for minutes, _ in rows), page
            yield from ((page.parent.name[3:], link, int(minutes)) for minutes, link in rows)


ALONE = {"FlashAttention": 45}  # minutes that the list asks for, and no table of a day


def test_minutes_and_days_are_those_of_the_days():
    """Whatever a day asks to read is listed, with all minutes that the days ask for."""
    asked, days, listed = {}, {}, {entry["link"]: entry for _, entry in LIST}
    for day, link, minutes in readings():
        asked[link] = asked.get(link, 0) + minutes
        days.setdefault(link, set()).add(day)
    paper = listed["https://arxiv.org/abs/1706.03762"]
    assert asked.pop(paper["link"]) < paper["minutes"]  # the rest is in the guide: see below
    assert len(asked) >= 20
    for link, minutes in asked.items():
        entry = listed[link]
        assert entry["minutes"] == minutes + ALONE.get(entry["title"], 0), entry["title"]
        assert set(entry["days"]) == days[link], entry["title"]


def test_minutes_of_the_two_papers_are_those_of_the_plan_and_of_the_guide():
    minutes = {entry["title"]: entry.get("minutes") for _, entry in LIST}
    gpt_1 = minutes["Improving Language Understanding by Generative Pre-Training (GPT-1)"]
    both, whole = Book(ROOT).tasks["4.a"].minutes, minutes["Attention Is All You Need"]
    first = sum(m for day, link, m in readings() if day == "1" and "1706.03762" in link)
    assert whole + gpt_1 == first + both
    guide = " ".join((RESOURCES / "papers" / "README.md").read_text("utf-8").split())
    assert f"{whole} minutes, of which Day 1 has taken {first}." in guide
    assert sum(map(int, re.findall(r"\*\*Pass \d, (\d+) minutes\.", guide))) == whole
    assert f"language_understanding_paper.pdf), {gpt_1} minutes." in guide


ARXIV, OPENAI = "https://arxiv.org/abs/", "https://cdn.openai.com/"
YOUTUBE, GITHUB = "https://www.youtube.com/watch?v=", "https://github.com/"
TORCH = "https://docs.pytorch.org/docs/stable/generated/torch.nn."
# title -> address, and the places that are to be read, where they are named
NAMED = {
    "Attention Is All You Need": (ARXIV + "1706.03762", "equation 1"),
    "Improving Language Understanding by Generative Pre-Training (GPT-1)": (
        OPENAI + "research-covers/language-unsupervised/language_understanding_paper.pdf",
        "sections 3 and 4.1",
    ),
    "Language Models are Unsupervised Multitask Learners (GPT-2)": (
        OPENAI + "better-language-models/language_models_are_unsupervised_multitask_learners.pdf",
        "section 2.3",
    ),
    "Language Models are Few-Shot Learners (GPT-3)": (ARXIV + "2005.14165", "table 2.1"),
    "BERT": (ARXIV + "1810.04805", "section 3"),
    "Exploring the Limits of Transfer Learning (T5)": (
        ARXIV + "1910.10683",
        "sections 2.1 and 3.2",
    ),
    "LLaMA": (ARXIV + "2302.13971", "section 2.2"),
    "RoFormer": (ARXIV + "2104.09864", "section 3.2 to equation 34"),
    "Train Short, Test Long (ALiBi)": (ARXIV + "2108.12409", "section 3"),
    "GQA": (ARXIV + "2305.13245", "figure 2"),
    "Switch Transformers": (ARXIV + "2101.03961", "section 2"),
    "FlashAttention": (ARXIV + "2205.14135", "section 3.1"),
    "DeepSeek-V2": (ARXIV + "2405.04434", "section 2.1"),
    "DeepSeek-V3 Technical Report": (ARXIV + "2412.19437", "section 2"),
    "DeepSeek-R1": (ARXIV + "2501.12948", "section 2"),
    "Chain-of-Thought Prompting": (ARXIV + "2201.11903", "figure 1"),
    "Training Verifiers to Solve Math Word Problems": (ARXIV + "2110.14168", "section 4"),
    "Training Compute-Optimal Large Language Models (Chinchilla)": (ARXIV + "2203.15556", ""),
    "LoRA": (ARXIV + "2106.09685", "section 4"),
    "QLoRA": (ARXIV + "2305.14314", "section 3"),
    "Formal Algorithms for Transformers": (ARXIV + "2207.09238", ""),
    "The Illustrated Transformer": ("https://jalammar.github.io/illustrated-transformer/", ""),
    "The Illustrated GPT-2": ("https://jalammar.github.io/illustrated-gpt2/", ""),
    "Attention? Attention!": ("https://lilianweng.github.io/posts/2018-06-24-attention/", ""),
    "The Annotated Transformer": ("https://nlp.seas.harvard.edu/annotated-transformer/", ""),
    "The Annotated GPT-2": ("https://amaarora.github.io/posts/2020-02-18-annotatedGPT2.html", ""),
    "GPT in 60 Lines of NumPy": ("https://jaykmody.com/blog/gpt-from-scratch/", ""),
    "Transformers from Scratch": ("https://peterbloem.nl/blog/transformers", ""),
    "Let's build GPT: from scratch, in code, spelled out": (YOUTUBE + "kCc8FmEb1nY", ""),
    "Attention in transformers, visually explained": (YOUTUBE + "eMlx5fFNoYc", ""),
    "Transformer Neural Networks, explained": (YOUTUBE + "TQQlZhbC5ps", ""),
    "Stanford CS229": (
        YOUTUBE + "jGwO_UgTS7I&list=PLoROMvodv4rMiGQp3WXShtMGgzqpfVfbU",
        f"lecture 2]({YOUTUBE}4b4MUYve_U8)",
    ),
    "nanoGPT": (GITHUB + "karpathy/nanoGPT/blob/master/model.py", "330 lines"),
    "minGPT": (GITHUB + "karpathy/minGPT/blob/master/mingpt/model.py", ""),
    "nanochat": (GITHUB + "karpathy/nanochat", ""),
    "transformers": (GITHUB + "huggingface/transformers", ""),
    "torch.nn.Transformer": (TORCH + "Transformer.html", ""),
}


def test_what_the_guide_names_is_listed():
    """The list has no other witness: a link that leads to another paper is well formed, too."""
    found = {entry["title"]: (entry["link"], entry["read"]) for _, entry in LIST}
    for title, (link, place) in NAMED.items():
        assert title in found, title
        assert found[title][0] == link, title
        assert re.search(rf"{re.escape(place)}(?!\.?\d)", found[title][1]), (title, place)


def test_an_entry_names_the_exercises_above_its_lines():
    named = {entry["title"]: reading_tables.exercises(entry["code"]) for _, entry in LIST}
    assert named["The Illustrated Transformer"] == "1.2"
    assert named["RoFormer"] == "3.2"
    assert named["Google's Neural Machine Translation System"] == "5.6"
    assert named["LoRA"] == ""
    assert reading_tables.exercises(["day3/model.py: attention"]) == ""  # another file's name
    tasks, page = Book(ROOT).tasks, (RESOURCES / "README.md").read_text("utf-8")
    assert sum(map(bool, named.values())) > 20
    for _, entry in LIST:
        numbers = named[entry["title"]]
        assert set(filter(None, numbers.split(", "))) <= tasks.keys()
        row = next(
            line for line in page.splitlines() if f"[{entry['title']}]({entry['link']})" in line
        )
        assert row.split(" | ")[4] == numbers, entry["title"]


def test_no_paper_is_copied_here():
    git = ["git", "-C", str(ROOT), "ls-files", "resources"]
    told = subprocess.run(git, check=False, capture_output=True, text=True)
    if told.returncode or not told.stdout:
        pytest.skip("the book is not a clone here")
    assert not [name for name in told.stdout.split() if name.endswith((".pdf", ".ps", ".djvu"))]


LINK = re.compile(r"\[([^]]*)\]\(([^()\s]+\.py)#[^)]*\)")


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_line_is_linked_by_a_name_alone(page):
    """A number that nobody looks up goes wrong with the next edit."""
    for text, target in LINK.findall(page.read_text("utf-8")):
        assert re.fullmatch(r"`[\w.]+`", text), (text, target)


def test_a_line_is_that_of_the_name(tmp_path):
    file = tmp_path / "some.py"
    text = (
        "x = 1\n\n\nclass A:\n    size: int = 3\n\n    @property\n    def f(self):\n        y = 2\n"
    )
    file.write_text(text)
    for name, number in (("x", 1), ("A", 4), ("A.size", 5), ("A.f", 8)):
        assert lines.line(file, name) == number
    page = "[`A.f`](some.py#L3), [`x`](some.py), `[x](some.py#L9)`"
    assert lines.with_lines(page, tmp_path) == page.replace("#L3", "#L8")
    for name in ("B", "A.g", "f", "x.y"):
        with pytest.raises(ValueError, match="does not define"):
            lines.line(file, name)
    with pytest.raises(ValueError, match="does not exist"):
        lines.line(tmp_path / "none.py", "x")


def test_a_renamed_function_breaks_the_page():
    with pytest.raises(ValueError, match="soft_max"):
        pages.rendered("[`soft_max`](../day1/attention_numpy.py#L1)", RESOURCES)


def test_what_cannot_be_rendered_is_told_in_a_sentence(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="no block 'reading: song': see TABLES"):
        pages.rendered("<!-- begin: reading: song -->\n<!-- end -->", RESOURCES)
    monkeypatch.setitem(pages.blocks(), "broken", lambda: {}["minutes"])
    with pytest.raises(ValueError, match="'broken' needs 'minutes'"):
        pages.block("broken")
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "song_tables.py").write_text("import json; json.loads('{')")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    with pytest.raises(ValueError, match="^song_tables.py reads a file that is broken: Expecting"):
        pages.blocks.__wrapped__()
    (tmp_path / "list.toml").write_text("[[paper]\n")
    monkeypatch.setattr(reading_tables, "ROOT", tmp_path)
    with pytest.raises(ValueError, match="^list.toml: .*line 1"):
        reading_tables.listed("list.toml")


def test_lines_of_pages_define_the_names():
    """By another way than the renderer's: the text of the line itself."""
    count = 0
    for page in pages.PAGES:
        found = re.findall(r"\[`([\w.]+)`\]\(([^()\s]+\.py)#L(\d+)\)", page.read_text("utf-8"))
        for name, target, number in found:
            line = (page.parent / target).read_text("utf-8").splitlines()[int(number) - 1]
            last = name.split(".")[-1]
            assert re.match(rf"\s*((def|class) {last}\b|{last}\b.*(=|:))", line), (name, line)
            count += 1
    assert count > 100


def test_the_formula_counts_our_model_and_published_ones():
    own = real.ours()
    config = Config(own["V"], own["T"], own["L"], own["H"], own["C"])
    assert real.parameters(**own) == shapes.parameters(config)
    learned = Config(own["V"], own["T"], own["L"], own["H"], own["C"], positions="learned")
    assert real.parameters(**own | {"positions": "learned"}) == shapes.parameters(learned)
    models = {model["name"]: model for model in real.MODELS}
    assert real.parameters(**models["GPT-2"]) == 124_439_808  # nanoGPT's, and ours in nanogpt.md
    small = {"L": 32, "C": 4096, "H": 32, "G": 32, "M": 11008}  # LLaMA 7B as released
    assert real.parameters(**models["LLaMA 65B"] | small) == 6_738_415_616
    for name, model in models.items():
        if name != "GPT-2" and "matrices" in model:  # its paper counted wrongly
            assert real.counted(model) == pytest.approx(model["published"], rel=0.01), name


def test_what_two_papers_say_of_their_cost_comes_out():
    models = {model["name"]: model for model in real.MODELS}
    # Brown et al. 2020, table D.1; Llama Team 2024, section 3.2
    assert real.training_flop(models["GPT-3"]) == pytest.approx(3.14e23, rel=0.01)
    assert real.training_flop(models["Llama 3 405B"]) == pytest.approx(3.8e25, rel=0.01)
    text = " ".join((RESOURCES / "real_models.md").read_text("utf-8").split())
    for model, least, most in (("GPT-3", 1, 2), ("Llama 3 405B", 30, 40)):
        assert least < models[model]["symbols"] / real.counted(models[model]) < most
    assert "fewer than two" in text
    assert "more than thirty" in text
    training_text = 1_003_854  # characters of tiny Shakespeare's first nine tenths, as in notes.md
    assert 3 < real.ours()["symbols"] / training_text < 7
    assert "several times over" in text


def test_sizes_are_those_of_the_tables_of_their_papers():
    """What the count of parameters does not see: how C is dealt out to heads, and the cache."""
    models = {model["name"]: model for model in real.MODELS}
    for name, H, G, C in (
        ("GPT-2", 12, 12, 768),
        ("GPT-3", 96, 96, 12288),  # table 2.1
        ("LLaMA 65B", 64, 64, 8192),  # table 2
        ("Llama 3 405B", 128, 8, 16384),  # table 3
    ):
        assert [models[name][letter] for letter in "HGC"] == [H, G, C], name
        assert C / H == (64 if name == "GPT-2" else 128)
    last = models["DeepSeek-V3"]  # section 4.2
    assert [last[letter] for letter in "LCHD"] == [61, 7168, 128, 128]
    assert last["cached"] == 512 + 64
    page = (RESOURCES / "real_models.md").read_text("utf-8")
    assert f"| {real.short(2 * 61 * (512 + 64))} |\n" in page


def test_the_verdicts_on_the_decisions_are_those_of_the_numbers():
    runs = decisions_tables.record(decisions_tables.EXTRAS)["all"]["losses"]
    own = runs["the book's model and recipe"]
    for change in ("query-key norm", "a learned shift by one character"):
        assert min(runs[change]) < max(own)
        assert min(own) < max(runs[change])
    bench = decisions_tables.record(decisions_tables.BENCH)
    for size in ("4 x 128", "6 x 384"):  # the same text, sooner
        assert bench[f"cache {size}"]["equal"] is True
        assert bench[f"cache {size}"]["times faster"]["low"] > 1
    rows = {(what, told.split(":")[0]): told for what, told, _ in decisions_tables.of_day_2()}
    for what in ("layer norm", "several heads", "M = 4 C"):  # kept although the other way is better
        assert any("-0." in told for (name, _), told in rows.items() if name == what), what
    at = [told for told in rows.values() if told.startswith("at rate")]
    (pre, post), (pre_3, post_3) = (map(float, re.findall(r"\d\.\d{3}", told)) for told in at)
    assert post < pre  # at the smaller rate the paper's order is the better one
    assert pre_3 < min(pre, post_3)  # at the larger one ours is at its best


def test_short_numbers():
    wanted = {None: "", 65: "65", 801_664: "802 k", 124_439_808: "124 M", 671e9: "671 B"}
    wanted |= {15.6e12: "15.6 T", 3.14e23: "3.1 · 10^23"}
    assert {number: real.short(number) for number in wanted} == wanted


def test_the_map_needs_what_the_plan_has_and_reads_what_is_listed():
    book = Book(ROOT)
    known = set(book.tasks) | set(book.days)
    for topic in reading_tables.MAP["topic"]:
        assert set(topic["needs"]) <= known, topic["name"]
        assert topic["minutes"] > 0
        assert all(reading_tables.known(title) for title in topic["first"])
    names = [topic["name"] for topic in reading_tables.MAP["topic"]]
    assert len(names) == len(set(names))
    with pytest.raises(KeyError):
        reading_tables.known("A Paper That Is Not Listed")


def test_the_map_links_a_page_when_it_exists(monkeypatch, tmp_path):
    monkeypatch.setattr(reading_tables, "ROOT", tmp_path)
    assert "### Tokens\n" in reading_tables.topics()
    (tmp_path / "day4-5").mkdir()
    (tmp_path / "day4-5" / "tokens.md").write_text("")
    assert "### [Tokens](tokens.md)\n" in reading_tables.topics()


def test_a_line_of_a_topic_is_linked_when_it_is_written(monkeypatch, tmp_path):
    assert reading_tables.code(["day4-5/none.py: f"]) == ""
    assert "not built" in pages.block("reading: paper")
    with pytest.raises(ValueError, match="does not exist"):  # elsewhere a missing file is a mistake
        pages.rendered(reading_tables.code(["day3/none.py: f"]), RESOURCES)
    (tmp_path / "day4-5").mkdir()
    (tmp_path / "day4-5" / "encoder_decoder.py").write_text("")
    monkeypatch.setattr(reading_tables, "ROOT", tmp_path)
    link = "[`DecoderLayer`](../../day4-5/encoder_decoder.py#L)"
    assert link in reading_tables.two_stacks()


def test_every_level_has_three_steps():
    levels = [step["level"] for step in reading_tables.MAP["step"]]
    assert list(dict.fromkeys(levels)) == ["beginner", "intermediate", "advanced", "research"]
    assert all(levels.count(level) >= 3 for level in levels)


def test_a_file_of_the_resources_is_used():
    """No list without a page, no page without a link from another one."""
    text = "".join(page.read_text("utf-8") for page in pages.PAGES)
    for path in RESOURCES.rglob("*.md"):
        name = path.relative_to(RESOURCES).as_posix()
        assert name == "README.md" or f"{name})" in text, name
    source = "".join(path.read_text("utf-8") for path in RESOURCES.glob("*_tables.py"))
    for path in RESOURCES.glob("*.toml"):
        assert path.name in source, path.name


def terms():
    text = (RESOURCES / "glossary.md").read_text("utf-8")
    return re.findall(r"^- \*\*(.+?)\*\*: (.+(?:\n  .+)*)", text, re.MULTILINE)


def test_the_terms_are_sorted_and_each_stands_once():
    names = [name for name, _ in terms()]
    assert [name.lower() for name in names] == sorted({name.lower() for name in names})


def test_every_term_is_linked_and_used():
    others = [page for page in pages.PAGES if page.name != "glossary.md"]
    text = " ".join(" ".join(page.read_text("utf-8").lower().split()) for page in others)
    for name, told in terms():
        assert "](" in told, f"{name} leads nowhere"
        assert re.search(rf"\b{re.escape(name.lower())}", text), f"no page says {name}"
        assert len(told.split("](")[0].split()) < 40, name


def folded():
    """Number of a question -> its answer, without markup."""
    text = (RESOURCES / "papers" / "README.md").read_text("utf-8")
    found = re.findall(
        r"^(\d+)\. (?:(?!^\d+\. ).)*?<summary>answer</summary>(.*?)</details>",
        text,
        re.MULTILINE | re.DOTALL,
    )
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    return {int(number): " ".join(answer.split()) for number, answer in found}


def test_the_answers_on_the_papers_are_computed():
    answers = folded()
    q, k = np.random.default_rng(0).normal(size=(2, 100_000, 64))
    deviation = (q * k).sum(axis=-1).std()
    assert deviation == pytest.approx(8, rel=0.01)
    assert answers[3].startswith(f"{deviation:.0f} and {deviation / math.sqrt(64):.0f}:")
    x, w = np.random.default_rng(1).normal(size=(512, 512)), np.eye(512)
    third = split_heads((x @ w)[None], 8)[0, 2]
    np.testing.assert_array_equal(third, x @ w[:, 128:192])
    assert answers[5].startswith("Columns 128 to 191")
    waves = sinusoidal(10_000, 512)
    ratio = math.sqrt((waves**2).mean()) * math.sqrt(512)
    assert answers[9].startswith(f"1, and {math.sqrt((waves**2).mean()):.3f}")
    assert round(ratio) == 16
    assert "sixteen times" in answers[9]
    assert f"10000^(510/512) = {10000 ** (510 / 512):.0f}" in answers[10]
    rates = [512**-0.5 * min(step**-0.5, step * 4000**-1.5) for step in range(1, 10_000)]
    assert f"{max(rates):.6f}, at step {rates.index(max(rates)) + 1}:" in answers[12]
    smooth = torch.full((37_000,), 0.1 / 37_000)
    smooth[7] += 0.9
    target = torch.tensor([7])
    least = F.cross_entropy(smooth.log()[None], target, label_smoothing=0.1)
    assert answers[13].startswith(f"{least:.3f} nats")
    nudged = smooth.log()[None] + 0.1 * torch.randn(
        1, 37_000, generator=torch.Generator().manual_seed(0)
    )
    assert F.cross_entropy(nudged, target, label_smoothing=0.1) > least
    with torch.device("meta"):
        stacks = torch.nn.Transformer(512, 8, 6, 6, 2048, batch_first=True)
    # torch norms each stack once more, which the paper does not
    count = sum(p.numel() for p in stacks.parameters()) - 2 * 2 * 512
    table = 37_000 * 512
    numbers = [f"{n / 1e6:.1f}" for n in (count + table, table, count)]
    wanted = f"{numbers[0]} million: {numbers[1]} in the table, {numbers[2]} in the stacks"
    assert answers[14].startswith(wanted)
    config = Config(40_000, 512, 12, 12, 768, positions="learned")
    assert answers[20].startswith(f"{shapes.parameters(config) / 1e6:.1f} million")
    assert "1,536" in answers[20]


def test_the_reading_of_the_papers_has_every_part():
    text = (RESOURCES / "papers" / "README.md").read_text("utf-8")
    for section in ("2", "3.1", "3.2.1", "3.2.2", "3.2.3", "3.3", "3.4", "3.5", "4", "5", "6"):
        assert f"### Section {section}: " in text, section
    proved = re.findall(r"\[`(test_\w+)`\]", text)
    assert len(proved) == len(set(proved)) > 12
    tasks = Book(ROOT).tasks
    for check in re.findall(r"`study check ([\d.]+)`", text):
        assert check in tasks, check


def parts_of_the_paper():
    """The text of every section, and of every part of sections 5 and 6 that stands in bold."""
    text = (RESOURCES / "papers" / "README.md").read_text("utf-8").split("## GPT-1")[0]
    flags = re.MULTILINE | re.DOTALL
    sections = dict(re.findall(r"^### Section ([\d.]+): (.*?)(?=^###)", text, flags))
    for number in ("5", "6"):
        sections |= dict(
            re.findall(r"^\*\*(.+?)\.\*\*\s(.*?)(?=^\*\*|\Z)", sections[number], flags)
        )
    return {name: " ".join(told.split()) for name, told in sections.items()}


def test_every_part_of_the_paper_has_its_line_and_its_proof_or_says_that_we_have_none():
    parts = parts_of_the_paper()
    for name in ("3.1", "3.2.3", "3.4", "5.1, batches by length", "5.3, the schedule",
                 "5.4, dropout", "6.1, how it writes", "6.2, other sizes"):  # fmt: skip
        assert re.search(r"\]\(\.\./\.\./day4-5/\w+\.py#L", parts[name]), name
        assert "[`test_" in parts[name], name
    code = "".join(path.read_text("utf-8") for path in ROOT.glob("day4-5/*.py"))
    for number in re.findall(r"\bExercise (\d\.\d)", " ".join(parts.values())):
        assert re.search(rf"^ *# exercise {number}$", code, re.MULTILINE), number
    for name in ("5.4, label smoothing", "6.3, parsing"):
        assert re.search("not(hing)? in this book", parts[name], re.IGNORECASE), name


def test_what_the_paper_has_and_we_have_not_is_still_missing():
    """When somebody builds it, this is red, and the page and the glossary have to be told."""
    code = {
        path: path.read_text("utf-8")
        for path in ROOT.glob("day*/*.py")
        if path.name != "optim_numpy.py"
    }
    for word in ("label_smoothing", "inverse_square_root", "AveragedModel", "constituency"):
        assert not [path.name for path, text in code.items() if word in text], word
