# exercise 3.9, further: choose
"""From the logits of the next symbol to one symbol: temperature, top-k, top-p, one draw."""

import torch


# exercise 3.9, further
def choose(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Draw one symbol a row, by the softmax of logits / temperature. logits (B, V) -> ids (B,).

    Temperature 0 takes the likeliest. Then top_k keeps the k likeliest, exactly k where some tie,
    and all where k is above V. Of what top_k leaves, whose probabilities sum to 1 again, top_p keeps
    the smallest set of the likeliest that reaches p (Holtzman et al. 2020): at least one.
    A logit of -inf is never drawn. The generator throws the dice, where one is given.
    ValueError for a temperature below 0, top_k below 1, top_p outside of (0, 1], and for logits that
    are nan or inf.
    """
    if not temperature >= 0 or (top_k is not None and top_k < 1):
        raise ValueError("temperature must be 0 or more and top_k at least 1")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is not in (0, 1]")
    if torch.isnan(logits).any() or (logits == torch.inf).any():
        raise ValueError("the logits are not finite: this model has diverged, train it again")
    order = logits.argsort(dim=-1, descending=True, stable=True)  # ties: the lower id is kept
    if temperature < 1e-6 or top_k == 1:
        return order[:, 0]
    ranked = logits.gather(-1, order)
    probabilities = ((ranked - ranked[:, :1]) / temperature).softmax(dim=-1)  # (B, V)
    if top_k is not None:
        probabilities[:, top_k:] = 0
    if top_p is not None:
        probabilities /= probabilities.sum(dim=-1, keepdim=True)
        before = probabilities.cumsum(dim=-1) - probabilities
        if top_p < 1:
            probabilities[before >= top_p] = 0
    rank = torch.multinomial(probabilities, 1, generator=generator)
    return order.gather(-1, rank)[:, 0]


def main():
    """Four symbols, each setting: the shares of 10,000 draws."""
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    logits, generator = probabilities.log().expand(10_000, -1), torch.Generator().manual_seed(0)
    print("the softmax      ", *(f"{share:6.3f}" for share in probabilities))
    for name, value in (
        ("temperature", 1.0), ("temperature", 0.5), ("temperature", 2.0), ("temperature", 0.0),
        ("top_k", 2), ("top_p", 0.9),
    ):  # fmt: skip
        drawn = choose(logits, **{name: value}, generator=generator).bincount(minlength=4)
        print(f"{name:11} {value:4}  ", *(f"{share:6.3f}" for share in drawn / len(logits)))


if __name__ == "__main__":
    import sys

    from command_line import no_arguments
    from terminal import exit_code

    no_arguments(__doc__)
    sys.exit(exit_code("decoding.py", main))
