"""A recurrent network or attention: how far a gradient reaches, and what length costs.

Nothing is trained: this is what each starts from.
Letters: T positions, C channels.

    python day1/rnn_or_attention.py     a few seconds
"""

import time
import tracemalloc

import numpy as np

import pictures
from attention_numpy import attention
from learning import Dot, gather, gather_gradient
from recording import rounded, slope, spread

C, FAR = 32, 256
DISTANCES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
LENGTHS, WIDTH = (128, 256, 512, 1024, 2048), 64
FITTED = 3  # slopes are those of the three longest


def orthogonal(rng, n):
    """A matrix that turns and keeps lengths, gain 1: (n, n)."""
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    return q * np.sign(np.diag(r))


def uniform(rng, n):
    """As torch.nn.RNN starts: uniform within 1 / sqrt(n)."""
    return rng.uniform(-1, 1, size=(n, n)) / np.sqrt(n)


STARTS = {"RNN, orthogonal": orthogonal, "RNN, uniform": uniform}


def rnn(x, w_x, w_h):
    """h_t = tanh(x_t w_x + h_(t-1) w_h): x (T, C) -> every state (T, C). Elman 1990."""
    states = np.zeros_like(x)
    h = np.zeros(x.shape[-1])
    for t, x_t in enumerate(x):
        h = states[t] = np.tanh(x_t @ w_x + h @ w_h)
    return states


def rnn_reach(rng, start):
    """Norm of d(state n steps on) / d(first input) for every distance n in DISTANCES."""
    x, w_x, w_h = rng.normal(size=(FAR + 1, C)), uniform(rng, C), start(rng, C)
    states = rnn(x, w_x, w_h)
    slopes = 1 - states**2  # of tanh
    jacobian, norms = w_x * slopes[0], []
    for t in range(1, FAR + 1):
        jacobian = jacobian @ w_h * slopes[t]
        norms.append(np.linalg.norm(jacobian))
    return [norms[n - 1] for n in DISTANCES]


def attention_jacobians(rng, T):
    """Norm of d(last output) / d(input) for every input but the last: (T - 1,)."""
    params = {f"w_{name}": rng.normal(size=(C, C)) / np.sqrt(C) for name in "qkvo"}
    memory = np.repeat(rng.normal(size=(1, T, C)), C, axis=0)  # a copy for each output channel
    kept = gather(memory[:, -1:], memory, params, 1, Dot())
    _, d_memory, _ = gather_gradient(np.eye(C)[:, None], kept, params, Dot())
    return np.linalg.norm(d_memory[:, :-1], axis=(0, 2))


def attention_reach(rng):
    """Norms for every distance: the first of n + 1 words, and one of FAR + 1 words n back."""
    growing = [attention_jacobians(rng, n + 1)[0] for n in DISTANCES]
    # the words n back differ by chance: average over sentences
    fixed = np.mean([attention_jacobians(rng, FAR + 1) for _ in range(20)], axis=0)
    return growing, [fixed[FAR - n] for n in DISTANCES]


def shortest(function, repeats=5):
    """The shortest of some times, in seconds."""
    times = []
    for _ in range(repeats):
        before = time.perf_counter()
        function()
        times.append(time.perf_counter() - before)
    return min(times)


def peak(function):
    """The most memory that NumPy's arrays took while it ran, in MiB."""
    tracemalloc.start()
    function()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


def costs(rng):
    """Seconds and MiB for one sentence of every length."""
    w_x, w_h = uniform(rng, WIDTH), orthogonal(rng, WIDTH)
    found = {"RNN, s": [], "attention, s": [], "RNN, MiB": [], "attention, MiB": []}
    for T in LENGTHS:
        x = rng.normal(size=(T, WIDTH))
        ways = {"RNN": lambda x=x: rnn(x, w_x, w_h), "attention": lambda x=x: attention(x, x, x)}
        for name, way in ways.items():
            found[f"{name}, s"].append(shortest(way))
            found[f"{name}, MiB"].append(peak(way))
    return found


def record(seeds):
    """Reach at the start, costs, and their slopes."""
    reach = {
        name: spread([rnn_reach(np.random.default_rng(seed), start) for seed in seeds])
        for name, start in STARTS.items()
    }
    growing, fixed = zip(*(attention_reach(np.random.default_rng(seed)) for seed in seeds))
    reach |= {"attention, first of n + 1 words": spread(growing)}
    reach |= {f"attention, {FAR + 1} words": spread(fixed)}
    found = costs(np.random.default_rng(seeds[0]))
    slopes = {n: rounded(slope(LENGTHS[-FITTED:], y[-FITTED:])) for n, y in found.items()}
    return {
        "seeds": list(seeds),
        "distances": list(DISTANCES),
        "gradient norm": reach,
        "lengths": list(LENGTHS),
        "costs": {name: rounded(values) for name, values in found.items()},
        "slopes": slopes,
        "steps one after the other": {"RNN": list(LENGTHS), "attention": [1] * len(LENGTHS)},
    }


def line(row):
    far = {name: found["median"][-1] for name, found in row["gradient norm"].items()}
    reach = ", ".join(f"{name} {value:.1e}" for name, value in far.items())
    return f"gradient at distance {row['distances'][-1]}: {reach}; slopes {row['slopes']}"


def draw(row):
    title = "An untrained RNN forgets what is far; attention reaches every word alike"
    figure, axes = pictures.panels(title, height=4.2)
    for n, (name, found) in enumerate(row["gradient norm"].items()):
        pictures.line(axes, row["distances"], found, n, name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(row["distances"], row["distances"])
    axes.set(xlabel="distance n, words", yscale="log", ylim=(1e-18, 10))
    axes.set_ylabel("norm of d(last output) / d(word n back)")
    axes.legend(loc="lower left", fontsize=9)
    pictures.save(figure, "rnn")

    title = "Attention costs the square of the length; the RNN its length, step after step"
    figure, (left, right) = pictures.panels(title, columns=2)
    for panel, unit in ((left, "s"), (right, "MiB")):
        for n, name in enumerate(("RNN", "attention")):
            label = f"{name}: T to the power {row['slopes'][f'{name}, {unit}']:.2f}"
            pictures.line(panel, row["lengths"], row["costs"][f"{name}, {unit}"], n, label)
        panel.set_xscale("log", base=2)
        panel.set_xticks(row["lengths"], row["lengths"])
        panel.set(xlabel="T, words", yscale="log")
        panel.legend(fontsize=9)
    left.set_ylabel("seconds")
    right.set_ylabel("memory at its most, MiB")
    pictures.save(figure, "length")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
