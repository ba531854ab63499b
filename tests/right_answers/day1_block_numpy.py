"""Right answers to day1/block_numpy.py, written otherwise than the book: all must pass.

A class is one answer, named exercise_<id>__<how>; it holds the functions of its exercise.
"""

import math

import numpy as np

from attention_numpy import attention, merge_heads, multi_head, padding_mask, split_heads
from block_numpy import block, feed_forward, gelu, gelu_tanh, layer_norm
from positions_numpy import embed, sinusoidal


class exercise_1_9__var:
    def layer_norm(x, gain, bias, eps=1e-5):
        mean, variance = np.mean(x, -1, keepdims=True), np.var(x, -1, keepdims=True)
        return gain * (x - mean) * (variance + eps) ** -0.5 + bias


class exercise_1_9__std:
    def layer_norm(x, gain, bias, eps=1e-5):
        std = np.sqrt(x.std(axis=-1) ** 2 + eps)
        return np.add(np.multiply((x - x.mean(axis=-1)[..., None]) / std[..., None], gain), bias)


class exercise_1_9__mean_of_the_squares_less_the_square_of_the_mean:
    def layer_norm(x, gain, bias, eps=1e-5):
        C = x.shape[-1]
        mean = x.sum(axis=-1, keepdims=True) / C
        variance = (x * x).sum(axis=-1, keepdims=True) / C - mean**2
        slope = gain / np.sqrt(variance + eps)
        return slope * x + (bias - slope * mean)


class exercise_1_9__loops:
    def layer_norm(x, gain, bias, eps=1e-5):
        out = np.zeros(x.shape)
        for place in np.ndindex(x.shape[:-1]):
            row = [float(number) for number in x[place]]
            mean = sum(row) / len(row)
            variance = sum((number - mean) ** 2 for number in row) / len(row)
            for c, number in enumerate(row):
                normal = (number - mean) / math.sqrt(variance + eps)
                out[place][c] = normal * gain[c] + bias[c]
        return out


class exercise_1_9__einsum:
    def layer_norm(x, gain, bias, eps=1e-5):
        C = len(gain)
        centred = x @ (np.eye(C) - 1 / C)
        variance = np.einsum("...c,...c->...", centred, centred) / C
        return np.einsum("...c,...,c->...c", centred, 1 / np.sqrt(variance + eps), gain) + bias


class exercise_1_9__turned:
    def layer_norm(x, gain, bias, eps=1e-5):
        x = x.T
        x = x - x.mean(axis=0)
        x = x / np.sqrt((x**2).mean(axis=0) + eps)
        return x.T * gain + bias


class exercise_1_9__length:
    def layer_norm(x, gain, bias, eps=1e-5):
        x = x - np.average(x, axis=-1)[..., np.newaxis]
        long = np.hypot(np.linalg.norm(x, axis=-1, keepdims=True), math.sqrt(x.shape[-1] * eps))
        x *= math.sqrt(x.shape[-1]) / long
        x *= gain
        x += bias
        return x


class exercise_1_10__list_comprehension:
    def gelu(x):
        shares = [0.5 * (1 + math.erf(z / 2**0.5)) for z in x.ravel()]
        return x * np.array(shares).reshape(x.shape)

    def gelu_tanh(x):
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * np.power(x, 3))))


class exercise_1_10__erfc_and_sigmoid:
    def gelu(x):
        return x * np.vectorize(math.erfc)(-x * math.sqrt(0.5)) / 2

    def gelu_tanh(x):
        # (1 + tanh z) / 2 is the sigmoid of 2 z
        return x / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x)))


class exercise_1_10__frompyfunc:
    def gelu(x):
        erf = np.frompyfunc(math.erf, 1, 1)
        return (x + x * erf(x / np.sqrt(2)).astype(float)) / 2

    def gelu_tanh(x):
        z = np.polyval([0.044715, 0, 1, 0], x) * (2 / np.pi) ** 0.5
        return x / 2 + x / 2 * np.tanh(z)


class exercise_1_10__loops:
    def gelu(x):
        out = np.empty_like(x)
        for place, z in np.ndenumerate(x):
            out[place] = z * (math.erf(z / math.sqrt(2)) + 1) * 0.5
        return out

    def gelu_tanh(x):
        out = np.empty_like(x)
        for place, z in np.ndenumerate(x):
            bent = math.tanh(0.7978845608028654 * (z + 0.044715 * z**3))
            out[place] = z * (bent + 1) * 0.5
        return out


class exercise_1_10__select:
    def gelu(x):
        area = np.array([math.erf(abs(z) / math.sqrt(2)) / 2 for z in x.flat]).reshape(x.shape)
        return np.select([x > 0, x < 0], [x * (0.5 + area), x * (0.5 - area)], 0.0)

    def gelu_tanh(x):
        area = np.tanh(math.sqrt(2 / math.pi) * (np.abs(x) + 0.044715 * np.abs(x) ** 3)) / 2
        return x * np.where(x > 0, 0.5 + area, 0.5 - area)


class exercise_1_10__tanh_twice_another_convention:
    def gelu(x):
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3.0)))

    def gelu_tanh(x):
        return gelu(x)


class exercise_1_11__einsum:
    def feed_forward(x, w1, b1, w2, b2):
        hidden = gelu(np.einsum("...c,cm->...m", x, w1) + b1)
        return np.einsum("...m,mc->...c", hidden, w2) + b2


class exercise_1_11__dot:
    def feed_forward(x, w1, b1, w2, b2):
        out = np.dot(x, w1)
        out = gelu(np.add(out, b1))
        out = np.dot(out, w2)
        return np.add(out, b2)


class exercise_1_11__each_position:
    def feed_forward(x, w1, b1, w2, b2):
        flat = x.reshape(-1, x.shape[-1])
        out = [w2.T @ gelu(w1.T @ row + b1) + b2 for row in flat]
        return np.array(out).reshape(x.shape)


class exercise_1_11__each_hidden_number:
    def feed_forward(x, w1, b1, w2, b2):
        out = np.broadcast_to(b2, x.shape).copy()
        for m in range(len(b1)):
            number = gelu((x * w1[:, m]).sum(axis=-1, keepdims=True) + b1[m])
            out += number * w2[m]
        return out


class exercise_1_11__biases_as_rows:
    def feed_forward(x, w1, b1, w2, b2):
        def linear(x, w, b):
            ones = np.ones((*x.shape[:-1], 1))
            return np.concatenate([x, ones], axis=-1) @ np.concatenate([w, b[None]])

        return linear(gelu(linear(x, w1, b1)), w2, b2)


class exercise_1_11__tanh_another_convention:
    def feed_forward(x, w1, b1, w2, b2):
        return gelu_tanh(x @ w1 + b1) @ w2 + b2


class exercise_1_12__two_branches:
    def block(x, params, H, mask=None, norm="pre"):
        w = [params["attention.w_" + name] for name in ("q", "k", "v", "o")]
        mlp = [params["feed_forward." + name] for name in ("w1", "b1", "w2", "b2")]
        norm_1 = params["norm_1.gain"], params["norm_1.bias"]
        norm_2 = params["norm_2.gain"], params["norm_2.bias"]
        if norm == "pre":
            y = layer_norm(x, *norm_1)
            x = x + multi_head(y, y, *w, H, mask)[0]
            return x + feed_forward(layer_norm(x, *norm_2), *mlp)
        if norm == "post":
            x = layer_norm(x + multi_head(x, x, *w, H, mask)[0], *norm_1)
            return layer_norm(x + feed_forward(x, *mlp), *norm_2)
        raise ValueError("pre or post")


class exercise_1_12__identities:
    def block(x, params, H, mask=None, norm="pre"):
        assert norm in ("pre", "post")

        def normal(number, x):
            return layer_norm(x, params[f"norm_{number}.gain"], params[f"norm_{number}.bias"])

        def same(number, x):
            return x

        before, after = (normal, same) if norm == "pre" else (same, normal)
        read = before(1, x)
        update, _ = multi_head(
            read,
            read,
            params["attention.w_q"],
            params["attention.w_k"],
            params["attention.w_v"],
            params["attention.w_o"],
            H,
            mask,
        )
        x = after(1, np.add(update, x))
        own = {k.split(".")[1]: v for k, v in params.items() if k.startswith("feed_forward.")}
        return after(2, np.add(feed_forward(before(2, x), **own), x))


class exercise_1_12__by_hand:
    def block(x, params, H, mask=None, norm="pre"):
        def p(name):
            return params[name]

        def normal(x, number):
            mean = x.mean(-1, keepdims=True)
            x = (x - mean) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
            return x * p(f"norm_{number}.gain") + p(f"norm_{number}.bias")

        def gather(x):
            B, T, C = x.shape
            q, k, v = (
                (x @ p(f"attention.w_{name}")).reshape(B, T, H, -1).transpose(0, 2, 1, 3)
                for name in "qkv"
            )
            scores = np.einsum("bhtd,bhsd->bhts", q, k) / math.sqrt(C // H)
            if mask is not None:
                scores = np.where(mask, scores, -1e30)
            shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
            shares /= shares.sum(axis=-1, keepdims=True)
            return np.einsum("bhts,bhsd->bthd", shares, v).reshape(B, T, C) @ p("attention.w_o")

        def think(x):
            hidden = gelu(x @ p("feed_forward.w1") + p("feed_forward.b1"))
            return hidden @ p("feed_forward.w2") + p("feed_forward.b2")

        match norm:
            case "pre":
                x = x + gather(normal(x, 1))
                x = x + think(normal(x, 2))
            case "post":
                x = normal(x + gather(x), 1)
                x = normal(x + think(x), 2)
            case _:
                raise ValueError(norm)
        return x


class exercise_1_12__each_sentence_alone:
    def block(x, params, H, mask=None, norm="pre"):
        B, T = x.shape[:2]
        if mask is not None:
            mask = np.broadcast_to(mask, (B, H, T, T))
        out = np.empty(x.shape)
        for b in range(B):
            stream = x[b].copy()
            for half in ("attention", "feed_forward"):
                number = 1 if half == "attention" else 2
                norms = params[f"norm_{number}.gain"], params[f"norm_{number}.bias"]
                read = layer_norm(stream, *norms) if norm == "pre" else stream.copy()
                if half == "attention":
                    q, k, v = (
                        split_heads((read @ params[f"attention.w_{name}"])[None], H)
                        for name in "qkv"
                    )
                    heads, _ = attention(q, k, v, None if mask is None else mask[b : b + 1])
                    stream += merge_heads(heads)[0] @ params["attention.w_o"]
                else:
                    weights = [params[f"{half}.{name}"] for name in ("w1", "b1", "w2", "b2")]
                    stream += feed_forward(read, *weights)
                if norm == "post":
                    stream = layer_norm(stream, *norms)
            out[b] = stream
        return out


class exercise_1_12__tanh_another_convention:
    def block(x, params, H, mask=None, norm="pre"):
        def sublayers():
            yield lambda x: multi_head(
                x, x, *(params[f"attention.w_{n}"] for n in "qkvo"), H, mask
            )[0]
            yield (
                lambda x: (
                    gelu_tanh(x @ params["feed_forward.w1"] + params["feed_forward.b1"])
                    @ params["feed_forward.w2"]
                    + params["feed_forward.b2"]
                )
            )

        for number, f in enumerate(sublayers(), 1):
            own = params[f"norm_{number}.gain"], params[f"norm_{number}.bias"]
            x = x + f(layer_norm(x, *own)) if norm == "pre" else layer_norm(x + f(x), *own)
        return x


class exercise_1_13__counting:
    def encoder(ids, params, H, lengths, pool="mean"):
        T = ids.shape[1]
        x = embed(ids, params["embedding"])
        x += sinusoidal(T, x.shape[2])
        mask, number = padding_mask(lengths, T), 0
        while f"blocks.{number}.norm_1.gain" in params:
            own = {}
            for name, value in params.items():
                parts = name.split(".", 2)
                if parts[0] == "blocks" and parts[1] == str(number):
                    own[parts[2]] = value
            x = block(x, own, H, mask=mask, norm="pre")
            number += 1
        x = layer_norm(x, params["norm.gain"], params["norm.bias"])
        words = np.arange(T) < lengths[:, None]
        if pool == "first":
            sentence = x[:, 0, :]
        elif pool == "mean":
            sentence = np.einsum("btc,bt->bc", x, words / words.sum(axis=1, keepdims=True))
        elif pool == "max":
            sentence = np.max(np.where(words[:, :, None], x, -1e9), axis=1)
        else:
            raise ValueError("first, mean or max")
        return sentence @ params["head.w"] + params["head.b"]


class exercise_1_13__each_sentence_alone:
    def encoder(ids, params, H, lengths, pool="mean"):
        L = 1 + max(int(name.split(".")[1]) for name in params if name.startswith("blocks"))
        logits = []
        for row, length in zip(ids, lengths, strict=True):
            x = params["embedding"][row[:length]]
            x = (x + sinusoidal(length, x.shape[1]))[None]
            for layer in range(L):
                start = f"blocks.{layer}."
                own = {k[len(start) :]: v for k, v in params.items() if k.startswith(start)}
                x = block(x, own, H)
            x = layer_norm(x, params["norm.gain"], params["norm.bias"])[0]
            pooled = {"first": x[0], "mean": x.mean(axis=0), "max": x.max(axis=0)}[pool]
            logits.append(pooled @ params["head.w"] + params["head.b"])
        return np.array(logits)


class exercise_1_13__masked_arrays:
    def encoder(ids, params, H, lengths, pool="mean"):
        ways = {
            "first": lambda x: x[:, 0].data,
            "mean": lambda x: x.mean(axis=1).data,
            "max": lambda x: x.max(axis=1).data,
        }
        if pool not in ways:
            raise ValueError(f"no way to pool: {pool}")
        T = ids.shape[-1]
        mask = np.arange(T)[None, None, None, :] < np.reshape(lengths, (-1, 1, 1, 1))
        x = np.take(params["embedding"], ids, axis=0)
        x = x + sinusoidal(T, params["embedding"].shape[1])[None]
        blocks = {}
        for name in params:
            if name.startswith("blocks."):
                _, number, rest = name.split(".", maxsplit=2)
                blocks.setdefault(int(number), {})[rest] = params[name]
        for _, own in sorted(blocks.items()):
            x = block(x, own, H, np.broadcast_to(mask, (len(ids), H, T, T)))
        x = layer_norm(x, gain=params["norm.gain"], bias=params["norm.bias"])
        padding = np.broadcast_to(~mask[:, 0, 0, :, None], x.shape)
        return np.add(ways[pool](np.ma.array(x, mask=padding)) @ params["head.w"], params["head.b"])


class exercise_1_13__nan:
    def encoder(ids, params, H, lengths, pool="mean"):
        T, C = ids.shape[1], params["embedding"].shape[1]
        x = embed(ids, params["embedding"]) + sinusoidal(T, C)
        x[np.arange(T) >= lengths[:, None]] = 0  # what the padding holds is never heard
        count = sum(name.endswith(".attention.w_q") for name in params)
        for i in range(count):
            names = ["attention.w_" + n for n in "qkvo"]
            names += ["feed_forward." + n for n in ("w1", "b1", "w2", "b2")]
            names += [f"norm_{n}.{part}" for n in (1, 2) for part in ("gain", "bias")]
            x = block(x, {n: params[f"blocks.{i}.{n}"] for n in names}, H, padding_mask(lengths, T))
        x = layer_norm(x, params["norm.gain"], params["norm.bias"])
        x = np.where(np.arange(T)[:, None] < lengths[:, None, None], x, np.nan)
        pools = {"first": lambda x, axis: x[:, 0], "mean": np.nanmean, "max": np.nanmax}
        return pools[pool](x, axis=1) @ params["head.w"] + params["head.b"]
