"""Checks of day4-5/autograd.py. What each part is for stands in study/naming.py."""

from collections import Counter

import numpy as np

from autograd import Tensor, gradients, unbroadcast


class Graph(Tensor):
    """The end of a graph, shown as the formula that it was made by; it knows its leaves' names."""

    def __init__(self, tensor, formula, names="xy"):
        super().__init__(tensor.value, tensor.ways)
        self.formula, self.names = formula, names

    def __repr__(self):
        return self.formula


FORMULAS = {
    "x * y": lambda x, y: x * y,
    "x * x + y": lambda x, y: x * x + y,
    "x + x": lambda x, y: x + x,
    "y - x": lambda x, y: y - x,
    "(x + y) * (x + y + x)": lambda x, y: (x + y) * (x + y + x),
    "z = x * y; z * z + z": lambda x, y: again(x * y),
    "z = x * y; 2 * z + (z + 1)**3 * x": lambda x, y: far_and_near(x * y, x),
    "x / y": lambda x, y: x / y,
    "exp(x) * log(y)": lambda x, y: x.exp() * y.log(),
    "y**3": lambda x, y: y**3,
}
TABLES = {
    "sum(x * y)": lambda x, y: (x * y).sum(),
    "sum((x + y)**2)": lambda x, y: ((x + y) ** 2).sum(),
    "mean(softmax(x * y) * x)": lambda x, y: ((x * y).softmax() * x).mean(),
    "sum(x / (y * y + 1)) + mean(y)": lambda x, y: (x / (y * y + 1)).sum() + y.mean(),
    "sum(x * x)": lambda x, y: (x * x).sum(),
    "z = x - y; sum(z * z * mean(z))": lambda x, y: centred(x - y),
}
SHAPES = [((2, 3), (3,)), ((2, 3), (2, 1)), ((3,), (4, 1, 3)), ((2, 3), ()), ((1, 3), (2, 1))]


def again(z):
    return z * z + z


def far_and_near(z, x):
    return 2 * z + (z + 1) ** 3 * x


def centred(z):
    return (z * z * z.mean()).sum()


def graph(formula, x, y, names="xy"):
    """A call of gradients on the graph of a formula, for two of its nodes."""
    x, y = Tensor(x), Tensor(y)
    made = (FORMULAS | TABLES | {"x @ y": Tensor.__matmul__})[formula](x, y)
    out = Graph(made, formula, names)
    nodes = {"x": x, "y": y, "z": out.ways[-1][0], "the end": out}
    return "gradients", out, [nodes[name] for name in names]


def doubled(times):
    """A call of gradients on x, doubled so many times; the walk stops at the 1,000th way back.

    There are two ways a doubling, but 2**times roads: who walks each of them never arrives.
    """
    node, walked = Tensor(3.0), 0
    leaves = [node, Tensor(2.0)]

    def way_back(first):
        def back(g):
            nonlocal walked
            walked = 0 if first else walked + 1
            if walked == 1000:
                raise RuntimeError(f"1,000 ways back were walked, and there are {2 * times}")
            return g

        return back

    for n in range(times):  # the ways of the end are walked first, and count from 0 again
        backs = (way_back(n == times - 1), way_back(False))
        node = Tensor(2 * node.value, tuple((node, back) for back in backs))
    return "gradients", Graph(node, f"x, doubled {times} times: z = z + z"), leaves


def in_order(out):
    """Every node after all that were made of it."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent, _ in node.ways:
                visit(parent)
            order.append(node)

    visit(out)
    return order[::-1]


def counted_down(out):
    """Every node as soon as all that were made of it have spoken."""
    waiting, order = Counter(p for node in in_order(out) for p, _ in node.ways), [out]
    for node in order:
        for parent, _ in node.ways:
            waiting[parent] -= 1
            order += [] if waiting[parent] else [parent]
    return order


class exercise_4_8:
    title = "autograd's way back"
    minutes = 45
    returns = ("the first gradient", "the second gradient")
    shows = "the first gradient"
    hints = (
        (
            "Draw a small graph in which one node is used twice. How many roads lead back to it, and "
            "when does it know all of its gradient? Then stretch a row over a table: who used it?"
        ),
        (
            "A node may pass on what it has only when all that were made of it have spoken. Until "
            "then it collects. What was stretched on the way forward adds up on the way back."
        ),
        (
            "An order first: each node once, after all that were made of it (visit parents first, turn "
            "the list round). Then total[parent] grows by unbroadcast(...). unbroadcast sums the axes "
            "in front, then those of length 1, which stay."
        ),
        (
            "total = {out: np.ones(out.value.shape)}; for node in order: for parent, back in node.ways: "
            "total[parent] = total.get(parent, 0) + unbroadcast(back(total[node]), parent.value.shape)."
        ),
    )

    advice = (
        (
            r"maximum recursion depth",
            "A walk that comes back to nodes it has seen, or a function that calls itself without an end?",
        ),
        (
            r"ways back were walked",
            "Every road is walked on its own: 2**40 of them. A node that collects first speaks once.",
        ),
        (
            r"KeyError",
            (
                "Nothing stands here for this Tensor. A first part needs a 0 to be added to. Or is it not "
                "its turn yet? And for a leaf that the end was not made of: what is its gradient?"
            ),
        ),
        (
            r"'(int|float)' object has no",
            "A plain number is no array. Does the walk begin with an array of the end's shape?",
        ),
        (
            r"read-only",
            (
                "Two nodes hold the same array, and += changes it for both. Add with a = a + b: that makes "
                "a new one."
            ),
        ),
    )

    def calls(rng):
        for formula in FORMULAS:
            yield graph(formula, 3.0, 2.0)
        for n, formula in enumerate(TABLES):
            x, y = SHAPES[n % len(SHAPES)]
            yield graph(formula, rng.normal(size=x), rng.normal(size=y))
            yield graph(formula, rng.normal(size=(3, 2)), rng.normal(size=(3, 2)))
        yield doubled(40)
        yield graph("z = x * y; z * z + z", 3.0, 2.0, "zx")
        yield graph("x * x + y", 3.0, 2.0, ("the end", "x"))
        yield graph("x @ y", rng.normal(size=(1, 3)), rng.normal(size=(3, 1)))
        yield "unbroadcast", np.ones((2, 3)), (3,)
        yield "unbroadcast", np.array([[1.0, 2], [3, 4]]), (2, 1)
        for shape in ((), (1,), (4,), (3, 1), (1, 4), (2, 1, 4), (2, 3, 4), (1, 1, 1)):
            yield "unbroadcast", rng.normal(size=(2, 3, 4)), shape
        yield "unbroadcast", rng.normal(size=(3, 3)), (3,)
        yield "unbroadcast", rng.normal(size=()), ()

    def random_call(rng):
        if rng.random() < 0.3:
            full = rng.integers(1, 5, size=rng.integers(1, 5))
            shape = np.where(rng.random(len(full)) < 0.4, 1, full)[rng.integers(len(full) + 1) :]
            return "unbroadcast", rng.normal(size=full), tuple(int(n) for n in shape)
        if rng.random() < 0.5:
            formula = [*FORMULAS][rng.integers(len(FORMULAS))]
            return graph(formula, *(rng.random(2) + 0.5))
        x, y = SHAPES[rng.integers(len(SHAPES))]
        formula = [*TABLES][rng.integers(len(TABLES))]
        if formula.startswith("mean(softmax") and not x:
            x = (3,)
        return graph(formula, rng.normal(size=x), rng.normal(size=y))

    def refusals(rng):
        x = Tensor(np.ones(3))
        yield "gradients", x * 2, [x, x]

    class steps:
        def start(out):
            return np.ones(out.value.shape)

        def order(out):
            return in_order(out)

        def above(total, node):
            return total[node]

        def collect(total, parent, part):
            total[parent] = total.get(parent, 0) + part

        def give(total, leaf):
            return total.get(leaf, np.zeros(leaf.value.shape))

        def result(found):
            return tuple(found)

        def leading(g, shape):
            return g.sum(axis=tuple(range(g.ndim - len(shape))))

        def stretched(g, shape):
            axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
            return g.sum(axis=axes, keepdims=True)

    def whole(steps):
        def unbroadcast(g, shape):
            return steps.stretched(steps.leading(g, shape), shape)

        def gradients(out, leaves):
            if out.value.size != 1:
                raise ValueError(f"a gradient is that of one number, not of {out.value.shape}")
            total = {out: steps.start(out)}
            for node in steps.order(out):
                for parent, back in node.ways:
                    part = unbroadcast(back(steps.above(total, node)), parent.value.shape)
                    steps.collect(total, parent, part)
            return steps.result(steps.give(total, leaf) for leaf in leaves)

        return {"unbroadcast": unbroadcast, "gradients": gradients}

    class properties:
        def unbroadcast__shape(f, result, g, shape):
            if np.shape(result) != shape:
                return f"The result has the shape {np.shape(result)}, and {shape} is asked for."

        def unbroadcast__nothing_is_lost(f, result, g, shape):
            if abs(np.sum(result) - g.sum()) > 1e-9:
                return (
                    f"The numbers of g add up to {g.sum():.4g}, those of the result to "
                    f"{np.sum(result):.4g}. None may be lost or counted twice."
                )

        def gradients__differences(f, result, out, leaves):
            right = gradients(out, leaves)
            for name, got, wanted in zip(out.names, result, right, strict=True):
                if np.shape(got) == wanted.shape and not np.allclose(got, wanted, 1e-7, 1e-9):
                    place = np.unravel_index(np.abs(got - wanted).argmax(), wanted.shape)
                    where = f"{name}[{', '.join(map(str, place))}]" if place else name
                    return (
                        f"Moving {where} a little changes the end by {wanted[place]:.4g} times that. "
                        f"Your gradient says {np.asarray(got)[place]:.4g}."
                    )

    class slips:
        def collect__last(total, parent, part):
            """A node that was used twice keeps only what came last: = instead of +=. What is used in
            two places collects from both."""
            total[parent] = part

        def collect__first(total, parent, part):
            """A node that was used twice keeps only what came first. What is used in two places
            collects from both."""
            total.setdefault(parent, part)

        def collect__product(total, parent, part):
            """A node that was used twice multiplies what comes back. Along one road slopes multiply;
            where roads meet they add up."""
            total[parent] = total.get(parent, 1) * part

        def order__breadth_first(out):
            """A node passes its gradient on as soon as it is reached, before all that were made of it
            have spoken. What comes in later is lost. In which order may nodes speak?"""
            order = [out]
            for node in order:
                order += [p for p, _ in node.ways if p not in order]
            return order

        def order__depth_first(out):
            """A node passes on what it has as soon as the walk has reached it. What another road brings
            later stays there and goes no further. What must have spoken before a node may?"""
            order, stack = [], [out]
            while stack:
                node = stack.pop()
                if node not in order:
                    order.append(node)
                    stack += [p for p, _ in reversed(node.ways)]
            return order

        def order__one_step(out):
            """Only the end of the graph passes its gradient on. Those that it was made of were made
            of something, too."""
            return [out]

        def start__value(out):
            """The walk begins with the value of the end. By how much does the end grow when the end
            itself grows by 1?"""
            return out.value

        def start__zero(out):
            """All gradients are 0. Does the walk begin with 0, or is what the nodes collected taken away
            before it is given back? By how much does the end grow when the end itself grows by 1?"""
            return np.zeros(out.value.shape)

        def start__number(out):
            """The walk begins with a plain 1. The end may be a table of one number, of the shape
            (1, 1): its gradient has that shape, too."""
            return np.ones(())

        def above__one(total, node):
            """Each node passes on its own slope alone, as if 1 came from above. Along a road slopes
            multiply: hand on what the node has collected."""
            return np.ones(node.value.shape)

        def above__value(total, node):
            """Each node hands on its value instead of its gradient. Which of the two runs
            backwards?"""
            return node.value

        def give__unused(total, leaf):
            """A leaf that the end was not made of has no entry: KeyError. What is its gradient?"""
            if leaf not in total:
                raise KeyError(leaf)
            return total[leaf]

        def give__none(total, leaf):
            """A leaf that the end was not made of gives None. Its gradient is an array as well: what
            does the end do when that leaf moves?"""
            return total.get(leaf)

        def give__number(total, leaf):
            """A leaf that the end was not made of gives a plain 0. Its gradient has the shape of the
            leaf, as always."""
            return total.get(leaf, np.float64(0))

        def give__beginnings(total, leaf):
            """Only what was made of nothing keeps its gradient. A list of leaves may name any Tensor
            of the graph, and the end itself."""
            kept = {} if leaf.ways else total
            return kept.get(leaf, np.zeros(leaf.value.shape))

        def result__turned(found):
            """The gradients come in the other order. The first belongs to the first leaf."""
            return tuple(found)[::-1]

        def result__list(found):
            """A list comes back. The docstring asks for a tuple: tuple(...) makes one of it."""
            return list(found)

        def gradients__every_road_again(out, leaves):
            """A node passes on all that it has, again at each visit: its first part travels twice. It
            may pass on once, when all that were made of it have spoken."""
            total = {out: np.ones(out.value.shape)}

            def walk(node):
                for parent, back in node.ways:
                    part = unbroadcast(back(total[node]), parent.value.shape)
                    total[parent] = total.get(parent, 0) + part
                    walk(parent)

            walk(out)
            return tuple(total.get(leaf, np.zeros(leaf.value.shape)) for leaf in leaves)

        def gradients__every_road(out, leaves):
            """Every road is walked on its own. What comes out is right, but x doubled 40 times has
            2**40 roads. A node that first collects from all its roads has to speak only once."""
            total = {}

            def walk(node, g):
                total[node] = total.get(node, 0) + g
                for parent, back in node.ways:
                    walk(parent, unbroadcast(back(g), parent.value.shape))

            walk(out, np.ones(out.value.shape))
            return tuple(total.get(leaf, np.zeros(leaf.value.shape)) for leaf in leaves)

        def gradients__queue_again(out, leaves):
            """A node speaks each time that it is reached, and what it has passed on already is passed
            on again. It may speak once, when all that were made of it have spoken."""
            total, queue = {out: np.ones(out.value.shape)}, [out]
            for node in queue:
                for parent, back in node.ways:
                    part = unbroadcast(back(total[node]), parent.value.shape)
                    total[parent] = total.get(parent, 0) + part
                    queue.append(parent)
            return tuple(total.get(leaf, np.zeros(leaf.value.shape)) for leaf in leaves)

        def gradients__stack_again(out, leaves):
            """A node speaks each time that the walk meets it, and what it has passed on already is
            passed on again. It may speak once, when all that were made of it have spoken."""
            total, stack = {out: np.ones(out.value.shape)}, [out]
            while stack:
                node = stack.pop()
                for parent, back in node.ways:
                    part = unbroadcast(back(total[node]), parent.value.shape)
                    total[parent] = total.get(parent, 0) + part
                    stack.append(parent)
            return tuple(total.get(leaf, np.zeros(leaf.value.shape)) for leaf in leaves)

        def gradients__not_unbroadcast(out, leaves):
            """A gradient has kept the stretched shape: unbroadcast is not called. A gradient has the
            shape of what it belongs to."""
            total = {out: np.ones(out.value.shape)}
            for node in in_order(out):
                for parent, back in node.ways:
                    total[parent] = total.get(parent, 0) + back(total[node])
            return tuple(total.get(leaf, np.zeros(leaf.value.shape)) for leaf in leaves)

        def leading__none(g, shape):
            """Axes in front that the shape does not have are still there. An array without them was
            used once for each of their places."""
            return g

        def leading__behind(g, shape):
            """The last axes were summed away. Broadcasting puts new axes in front."""
            return g.sum(axis=tuple(range(len(shape), g.ndim)))

        def leading__mean(g, shape):
            """The axes in front were averaged. An array that was used many times collects from all of
            them: it adds up."""
            return g.mean(axis=tuple(range(g.ndim - len(shape))))

        def leading__one(g, shape):
            """Only one axis in front was summed. There may be several that the shape does not
            have."""
            return g.sum(axis=0) if g.ndim > len(shape) else g

        def leading__first(g, shape):
            """Of the axes in front only the first place is left. All of them used the array."""
            return g[(0,) * (g.ndim - len(shape))]

        def stretched__none(g, shape):
            """An axis of length 1 was stretched, and was not summed back. How long is that axis in the
            shape?"""
            return g

        def stretched__lost(g, shape):
            """An axis of length 1 was summed, and has gone. keepdims=True leaves it in its place."""
            return g.sum(axis=tuple(axis for axis, size in enumerate(shape) if size == 1))

        def stretched__mean(g, shape):
            """A stretched axis was averaged. An array that was used many times collects from all of
            them: it adds up."""
            axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
            return g.mean(axis=axes, keepdims=True)

        def stretched__first(g, shape):
            """Of a stretched axis only the first place is left. All of them used the array."""
            return g[tuple(slice(0, 1) if size == 1 else slice(None) for size in shape)]

        def stretched__last_axis(g, shape):
            """Only the last axis is looked at. Any axis of the shape may have the length 1."""
            return g.sum(axis=-1, keepdims=True) if shape and shape[-1] == 1 else g

        class averaged:
            """All axes that were stretched or put in front were averaged. An array that was used many
            times collects from all of them: it adds up."""

            def leading(g, shape):
                return g.mean(axis=tuple(range(g.ndim - len(shape))))

            def stretched(g, shape):
                axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
                return g.mean(axis=axes, keepdims=True)

        def unbroadcast__reshaped(g, shape):
            """g was only given another shape, and that works for equal sizes alone. What was
            stretched must add up."""
            return g.reshape(shape)

    class variants:
        def order__counted(out):
            return counted_down(out)
