# exercise 4.8, further: gradients by walking a graph backwards
"""Automatic differentiation in reverse, over NumPy arrays: a small PyTorch.

A Tensor keeps its value, and for each Tensor that it was made of the way back: a function from its
own gradient to that one's. `gradients` walks these ways from the end to the beginning.

    python day4-5/autograd.py     a small graph, its values and its gradients
"""

from collections import Counter

import numpy as np


class Tensor:
    """An array that remembers what it was made of. Plain numbers and arrays may join in."""

    __array_ufunc__ = None  # array + Tensor is for Tensor to work out, not for NumPy

    def __init__(self, value, ways=()):
        """ways: pairs of a Tensor and the function from the gradient of self to its gradient."""
        self.value, self.ways = np.asarray(value, dtype=float), ways

    def __repr__(self):
        return f"Tensor({self.value.item() if self.value.size == 1 else self.value.shape})"

    def __add__(self, other):
        other = lift(other)
        ways = (self, lambda g: g), (other, lambda g: g)
        return Tensor(self.value + other.value, ways)

    def __mul__(self, other):
        other = lift(other)
        ways = (self, lambda g: g * other.value), (other, lambda g: g * self.value)
        return Tensor(self.value * other.value, ways)

    def __pow__(self, power):
        """power is a number."""
        ways = ((self, lambda g: g * power * self.value ** (power - 1)),)
        return Tensor(self.value**power, ways)

    def __matmul__(self, other):
        other = lift(other)
        if self.value.ndim < 2 or other.value.ndim < 2:
            raise ValueError("@ takes matrices, or stacks of them: give a vector a second axis")
        ways = (
            (self, lambda g: g @ other.value.swapaxes(-1, -2)),
            (other, lambda g: self.value.swapaxes(-1, -2) @ g),
        )
        return Tensor(self.value @ other.value, ways)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lift(other)

    def __truediv__(self, other):
        return self * lift(other) ** -1

    def __rsub__(self, other):
        return lift(other) - self

    def __rtruediv__(self, other):
        return lift(other) / self

    def __rmatmul__(self, other):
        return lift(other) @ self

    __radd__, __rmul__ = __add__, __mul__

    def __getitem__(self, place):
        def back(g):
            whole = np.zeros(self.value.shape)
            np.add.at(whole, place, g)  # one entry may be taken twice
            return whole

        return Tensor(self.value[place], ((self, back),))

    def exp(self):
        value = np.exp(self.value)
        return Tensor(value, ((self, lambda g: g * value),))

    def log(self):
        return Tensor(np.log(self.value), ((self, lambda g: g / self.value),))

    def relu(self):
        value = np.maximum(self.value, 0)
        return Tensor(value, ((self, lambda g: g * (self.value > 0)),))

    def sum(self, axis=None, keepdims=False):
        def back(g):
            return np.broadcast_to(g if keepdims else opened(g, axis), self.value.shape)

        return Tensor(self.value.sum(axis, keepdims=keepdims), ((self, back),))

    def mean(self, axis=None, keepdims=False):
        total = self.sum(axis, keepdims)
        return total * (total.value.size / self.value.size)

    def max(self, axis=None, keepdims=False):
        value = self.value.max(axis, keepdims=True)
        best = self.value == value

        def back(g):  # shared out where several are the largest
            return best / best.sum(axis, keepdims=True) * (g if keepdims else opened(g, axis))

        value = value if keepdims else self.value.max(axis)
        return Tensor(value, ((self, back),))

    def reshape(self, *shape):
        ways = ((self, lambda g: g.reshape(self.value.shape)),)
        return Tensor(self.value.reshape(*shape), ways)

    def swapaxes(self, a, b):
        ways = ((self, lambda g: g.swapaxes(a, b)),)
        return Tensor(self.value.swapaxes(a, b), ways)

    def softmax(self):
        """Over the last axis; the largest score cancels, so it counts as a constant."""
        shares = (self - self.value.max(axis=-1, keepdims=True)).exp()
        return shares / shares.sum(axis=-1, keepdims=True)


def lift(x):
    return x if isinstance(x, Tensor) else Tensor(x)


def opened(g, axis):
    """Put the axes that a sum has closed back, with the length 1."""
    return g if axis is None else np.expand_dims(g, axis)


# exercise 4.8, further
def unbroadcast(g, shape):
    """Undo broadcasting: the gradient g of an array that was stretched -> of this shape.

    An array (3, 1) or (1,) that joined one of (2, 3, 4) was used many times over.
    """
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    stretched = [axis for axis, size in enumerate(shape) if size == 1]
    return g.sum(axis=tuple(stretched), keepdims=True)


# exercise 4.8, further
def gradients(out, leaves):
    """The gradient of `out`, a Tensor of one number, for each Tensor of a list: a tuple of arrays.

    For every (parent, back) of node.ways, back(gradient of node) is that node's part of the
    gradient of parent, before unbroadcast. Each way is walked once: a chain of 40 doublings has 80
    ways, and more roads than time. Zeros for a leaf that out was not made of.
    ValueError where out is not one number.
    """
    if out.value.size != 1:
        raise ValueError(
            f"a gradient is that of one number, not of {out.value.shape}: sum it first"
        )
    waiting, found = Counter(), [out]  # how often a node was used: so many parts it waits for
    for node in found:  # which grows on the way
        for parent, _ in node.ways:
            if not waiting[parent]:
                found.append(parent)
            waiting[parent] += 1
    total, ready = {out: np.ones(out.value.shape)}, [out]
    for node in ready:
        for parent, back in node.ways:
            part = unbroadcast(back(total[node]), parent.value.shape)
            total[parent] = total.get(parent, 0) + part
            waiting[parent] -= 1
            if not waiting[parent]:
                ready.append(parent)
    return tuple(total.get(leaf, np.zeros(leaf.value.shape)) for leaf in leaves)


def example():
    """loss = (w x + b)² + w, in which w is used twice: the nodes of its graph by name."""
    w, x, b = Tensor(2), Tensor(3), Tensor(-5)
    product = w * x
    y = product + b
    square = y**2
    nodes = {"w": w, "x": x, "b": b, "w x": product, "y = w x + b": y, "y²": square}
    return nodes | {"loss": square + w}


def main():
    """The example, small enough for pen and paper."""
    nodes = example()
    print(f"{'node':12} {'value':>6} {'gradient':>9}")
    slopes = gradients(nodes["loss"], nodes.values())
    for (name, node), slope in zip(nodes.items(), slopes, strict=True):
        print(f"{name:12} {node.value:6.0f} {slope:9.0f}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
