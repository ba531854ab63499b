"""What inside.py prints: each measure of a model as a small table."""

import math
import statistics

import numpy as np

import ablation
import copying
import evaluate
import firing
import heads
import lens
import symbols as table_of_symbols
from lens import visible

LENGTH = 500  # characters of each text that is written to compare the ways


def shown(number):
    """Two digits, or a dash where there was nothing to measure: a text without lines, say."""
    return "-" if math.isnan(number) else f"{number:.2f}"


def the_model(model, state, path, x, y):
    c, loss = model.config, ablation.mean_loss(model, x, y)
    return (
        f"{path}, step {state['step']}: {c.n_layer} layers of {c.n_head} heads, {c.n_embd} "
        f"channels, a context of {c.context}.\nAll of this is measured on {x.numel():,} characters "
        f"of the validation split; loss {loss:.3f} nats."
    )


def heads_seen(model, x, y, alphabet):
    """Scores, spread, and what is lost without each head."""
    found, even = heads.scores(model, x, alphabet.symbols)
    weights, _ = heads.attention_weights(model, x)
    spread = heads.entropy(weights)[1]
    missed = ablation.heads_missed(model, lambda m: ablation.mean_loss(m, x, y))
    names = ["before", "first", "same", "word", "w.start", "l.start", "induct.", "spread"]
    lines = [
        "What each head looks at, as a share of its weight: the character before, the first of the",
        "window, earlier ones that are the same, the present word, its start, that of the line;",
        "induction, on random text that repeats. How far it spreads: entropy, as a share of the most.",
        "What the loss rises by without it, in nats. Last line: a head that reads all keys equally.",
        f"{'':6}" + "".join(f"{name:>8}" for name in [*names, "without"]),
    ]
    for layer, rises in enumerate(missed):
        for head, rise in enumerate(rises):
            numbers = [found[kind][layer, head] for kind in heads.KINDS] + [spread[layer, head]]
            cells = "".join(f"{shown(number.item()):>8}" for number in numbers)
            lines.append(f"{f'{layer + 1}.{head + 1}':6}{cells}{rise.item():+8.3f}")
    cells = "".join(f"{shown(even[kind]):>8}" for kind in heads.KINDS)
    lines.append(f"{'equal':6}{cells}{1:8.2f}")
    apart = ", ".join(f"{d:.2f}" for d in heads.difference(weights).tolist())
    return "\n".join([*lines, f"Share of weight that two heads of a layer put elsewhere: {apart}."])


def feed_forwards(model, x, y):
    """What each feed-forward is worth, and how many of its units fire."""
    rows = firing.statistics(model, x)
    missed = ablation.feed_forwards_missed(model, lambda m: ablation.mean_loss(m, x, y))
    lines = [f"{'feed-forward':14}{'without':>9}{'outputs that fire':>19}{'silent units':>14}"]
    for layer, rise in enumerate(missed.tolist()):
        row = rows[f"blocks.{layer}.feed_forward.bent"]
        name, silent = f"layer {layer + 1}", f"{len(row['silent'])} of {row['units']}"
        lines.append(f"{name:14}{rise:+9.3f}{row['active']:19.1%}{silent:>14}")
    return "\n".join(lines)


def layers(model, x, y):
    losses, shares = lens.by_layer(model, x, y)
    lines = ["The loss if each layer had to answer, and how often its answer is the final one."]
    names = ["embedding", *(f"layer {n}" for n in range(1, len(losses)))]
    for name, loss, share in zip(names, losses.tolist(), shares.tolist()):
        lines.append(f"{name:12}{loss:8.3f}{share:8.1%}")
    return "\n".join(lines)


def positions(model, x, y):
    lines = ["Loss by how many characters the model has before it."]
    for first, last, loss in lens.binned(lens.by_position(model, x, y)):
        lines.append(f"{f'{first}' if first == last else f'{first}-{last}':12}{loss:8.3f}")
    return "\n".join(lines)


def embeddings(untrained, model, symbols):
    """Probes beside their controls, neighbours beside chance, and some neighbours by name."""
    before, after = (m.embedding.weight.detach().double().numpy() for m in (untrained, model))
    lines = [
        "Linear probe of the embeddings, each symbol left out once (half right is chance):",
        f"{'':24}{'trained, 95 %':>22}{'untrained':>11}{'shuffled, at most':>20}",
    ]
    for question in table_of_symbols.possible(symbols):
        share, low, high = table_of_symbols.probed(after, symbols, question)
        control = table_of_symbols.probed(before, symbols, question)[0]
        deals = table_of_symbols.shuffled(after, symbols, question, np.random.default_rng(0))
        interval = f"{share:.0%} ({low:.0%} to {high:.0%})"
        lines.append(f"{question:24}{interval:>22}{control:11.0%}{max(deals):20.0%}")
    lines.append("The nearest other symbol:" + f"{'trained':>21}{'untrained':>11}{'chance':>20}")
    measures = {"is of its kind": table_of_symbols.same_kind}
    measures["is itself in the other case"] = table_of_symbols.own_case
    for name, measure in measures.items():
        (now, chance), (then, _) = (measure(table, symbols) for table in (after, before))
        if not np.isnan(now):
            lines.append(f"{name:28}{now:18.0%}{then:11.0%}{chance:20.0%}")
    near = table_of_symbols.cosines(after).argsort(axis=1)[:, ::-1][:, :3]
    some = [s for s in "aebtAR .,\n" if s in symbols] or list(symbols[:8])
    named = (
        f"{visible(s)}: " + " ".join(visible(symbols[i]) for i in near[symbols.index(s)])
        for s in some
    )
    return "\n".join([*lines, "Three nearest of  " + "   ".join(named)])


def ways_of_writing(model, alphabet, source, unseen, prompts=2):
    """One text after each of some prompts, in every way, beside real text of the same length."""
    vocabulary = set(copying.words(source))
    starts = [len(unseen) * n // (prompts + 1) for n in range(1, prompts + 1)]
    rows = {"real text": [unseen[s : s + LENGTH] for s in starts]}
    rows["real, words shuffled"] = [copying.shuffled(text) for text in rows["real text"]]
    seconds: dict[str, float] = {}
    for way in copying.WAYS:
        texts, taken = zip(
            *(
                copying.written(model, alphabet, unseen[max(0, s - 32) : s], LENGTH, n, way)
                for n, s in enumerate(starts)
            )
        )
        rows[way], seconds[way] = list(texts), statistics.mean(taken) * 1000 / LENGTH
    names = ["distinct 1", "distinct 2", "repeated", "known", "copied", "loss", "seconds"]
    lines = [
        f"Ways of writing, {prompts} texts of {LENGTH} characters each. Distinct: words, pairs of words;",
        f"repeated: pieces of {copying.WINDOW} characters that came before; known: words that stand in the",
        "training text; copied: longest piece that does, in characters; loss under the model, nats;",
        "seconds for 1000 characters.",
        f"{'':21}" + "".join(f"{name:>11}" for name in names),
    ]
    for name, texts in rows.items():
        found = [copying.measures(text, source, vocabulary) for text in texts]
        keys = ("distinct 1", "distinct 2", "repeated", "known words")
        cells = [shown(statistics.mean(row[key] for row in found)) for key in keys]
        cells.append(" ".join(str(row["copied"]) for row in found))
        ids = (alphabet.encode(text) for text in texts)
        loss = statistics.mean(evaluate.loss(model, each, model.config.context) for each in ids)
        cells += [f"{loss:.2f}", f"{seconds[name]:.1f}" if name in seconds else ""]
        lines.append(f"{name:21}" + "".join(f"{cell:>11}" for cell in cells))
    return "\n".join(lines)
