// The model for the third time: Day 1 wrote it in NumPy, day3/model.py in PyTorch. The names and
// their order are those of day3/model.py. Only running, no training: there are no gradients here.
// Letters: T query positions, S key positions, C channels, H heads, D = C / H channels of a head,
// V symbols, L layers. There is one sequence, so B is 1 and left out.
// `weights` holds every parameter under its name in PyTorch, "blocks.0.norm_1.gain" -> Matrix.

/** Give every position mean 0 and variance 1 over its channels, then a learned scale and shift. */
class LayerNorm {
  constructor(weights, name) {
    this.gain = weights[`${name}.gain`].data;
    this.bias = weights[`${name}.bias`].data;
  }

  forward(x) {
    const [T, C] = x.shape;
    const out = new Matrix(T, C);
    for (let t = 0; t < T; t++) {
      const row = x.row(t), normed = out.row(t);
      let mean = 0, variance = 0;
      for (let c = 0; c < C; c++) mean += row[c] / C;
      for (let c = 0; c < C; c++) variance += ((row[c] - mean) * (row[c] - mean)) / C;
      const scale = 1 / Math.sqrt(variance + 1e-5);
      for (let c = 0; c < C; c++) {
        normed[c] = (row[c] - mean) * scale * this.gain[c] + this.bias[c];
      }
    }
    return out;
  }
}

/** Turn each pair of neighbouring channels by an angle that grows with the position. */
class PositionalEncoding {
  constructor(context, D) {
    this.cos = new Matrix(context, D / 2);
    this.sin = new Matrix(context, D / 2);
    for (let i = 0; i < D / 2; i++) {
      const speed = Math.fround(10000 ** ((-2 * i) / D)); // float32, as in PyTorch
      for (let t = 0; t < context; t++) {
        this.cos.row(t)[i] = Math.cos(Math.fround(t * speed));
        this.sin.row(t)[i] = Math.sin(Math.fround(t * speed));
      }
    }
  }

  /** x (T, C), the heads side by side, the first row at position `start` -> (T, C). */
  forward(x, start = 0) {
    const [T, C] = x.shape;
    const out = new Matrix(T, C), pairs = this.cos.shape[1];
    for (let t = 0; t < T; t++) {
      const row = x.row(t), turned = out.row(t);
      const cos = this.cos.row(start + t), sin = this.sin.row(start + t);
      for (let c = 0; c < C; c += 2) {
        const i = (c / 2) % pairs;
        turned[c] = row[c] * cos[i] - row[c + 1] * sin[i];
        turned[c + 1] = row[c] * sin[i] + row[c + 1] * cos[i];
      }
    }
    return out;
  }
}

/**
 * Every position gathers from itself and its past, H times side by side.
 * `cache` holds the keys and values of earlier positions and grows.
 * The weights of the last call stay in `weights`: head, query -> a share for each visible key.
 * A head in `off` adds nothing.
 */
class MultiHeadAttention {
  constructor(config, weights, name) {
    this.H = config.n_head;
    this.query_key_value = new Linear(weights, `${name}.query_key_value`);
    this.project = new Linear(weights, `${name}.project`);
    const D = config.n_embd / config.n_head;
    this.rotate = config.positions === "rotary" ? new PositionalEncoding(config.context, D) : null;
    this.weights = null;
    this.off = new Set();
  }

  forward(x, cache) {
    const qkv = this.query_key_value.forward(x); // (T, 3 C)
    let [q, k, v] = qkv.chunk(3); // (T, C) each, the heads side by side
    const start = cache.k ? cache.k.shape[0] : 0;
    if (this.rotate) [q, k] = [this.rotate.forward(q, start), this.rotate.forward(k, start)];
    if (cache.k) [k, v] = [cache.k.above(k), cache.v.above(v)]; // (S, C)
    [cache.k, cache.v] = [k, v];
    const out = this.attend(q, k, v); // (T, C)
    return this.project.forward(out);
  }

  /** q (T, C), k and v (S, C): the queries are the last T of the S positions -> (T, C). */
  attend(q, k, v) {
    const [T, C] = q.shape;
    const S = k.shape[0], H = this.H, D = C / H;
    const out = new Matrix(T, C);
    const asked = q.data, keys = k.data, values = v.data, gathered = out.data;
    this.weights = [];
    for (let h = 0; h < H; h++) {
      this.weights.push([]);
      for (let t = 0; t < T; t++) {
        const visible = S - T + t + 1; // the mask: a query sees no key behind its own position
        const query = t * C + h * D;
        const scores = new Float32Array(visible);
        for (let s = 0; s < visible; s++) {
          const key = s * C + h * D;
          let product = 0;
          for (let d = 0; d < D; d++) product += asked[query + d] * keys[key + d];
          scores[s] = product / Math.sqrt(D);
        }
        const weights = softmax(scores);
        this.weights[h].push(weights);
        if (this.off.has(h)) continue;
        for (let s = 0; s < visible; s++) {
          const value = s * C + h * D;
          for (let d = 0; d < D; d++) gathered[query + d] += weights[s] * values[value + d];
        }
      }
    }
    return out;
  }
}

/** Each position alone: widen four times, bend, narrow. */
class FeedForward {
  constructor(config, weights, name) {
    this.widen = new Linear(weights, `${name}.widen`);
    this.project = new Linear(weights, `${name}.project`);
    this.gelu = config.gelu;
  }

  forward(x) {
    return this.project.forward(gelu(this.widen.forward(x), this.gelu));
  }
}

/** Gather, then think; each adds to the residual stream. */
class TransformerBlock {
  constructor(config, weights, name) {
    this.norm_1 = new LayerNorm(weights, `${name}.norm_1`);
    this.attention = new MultiHeadAttention(config, weights, `${name}.attention`);
    this.norm_2 = new LayerNorm(weights, `${name}.norm_2`);
    this.feed_forward = new FeedForward(config, weights, `${name}.feed_forward`);
  }

  forward(x, cache) {
    x = add(x, this.attention.forward(this.norm_1.forward(x), cache));
    return add(x, this.feed_forward.forward(this.norm_2.forward(x)));
  }
}

/** A language model: ids (T,) in, logits (T, V) for the symbol that follows each of them. */
class GPT {
  constructor(config, weights) {
    this.config = config;
    this.embedding = weights["embedding.weight"];
    this.position = config.positions === "learned" ? weights["position.weight"] : null;
    this.blocks = Array.from(
      { length: config.n_layer },
      (_, layer) => new TransformerBlock(config, weights, `blocks.${layer}`),
    );
    this.norm = new LayerNorm(weights, "norm");
    this.head = new Linear(weights, "embedding"); // tied: one table reads and writes the symbols
    this.streams = []; // of the last call, before the first block and after each: see lens()
  }

  /** `cache` is an empty list, or what an earlier call left in it: then ids go on from there. */
  forward(ids, cache = []) {
    if (!cache.length) cache.push(...this.blocks.map(() => ({})));
    const start = cache[0].k ? cache[0].k.shape[0] : 0;
    let x = new Matrix(ids.length, this.config.n_embd); // (T, C)
    ids.forEach((id, t) => x.row(t).set(this.embedding.row(id)));
    if (this.position) {
      const rows = ids.map((_, t) => this.position.row(start + t));
      rows.forEach((row, t) => row.forEach((value, c) => (x.row(t)[c] += value)));
    }
    this.streams = [x];
    this.blocks.forEach((block, layer) => {
      x = block.forward(x, cache[layer]);
      this.streams.push(x);
    });
    return this.head.forward(this.norm.forward(x)); // (T, V)
  }

  /** The logit lens: what the head would say after each layer, had the model ended there. */
  lens() {
    return this.streams.map((x) => this.head.forward(this.norm.forward(x)));
  }

  /**
   * Go on from ids, one symbol a step. Only the last `context` symbols count. When the window is
   * full, it starts afresh with its newer half: a cached key has seen what a sliding window would
   * have lost. `random` gives numbers from 0 to 1.
   */
  *generate(ids, length, options = {}) {
    const { temperature = 1, top_k = null, top_p = null, random = Math.random } = options;
    const { context } = this.config;
    let window = ids.slice(-context);
    let cache = [], fresh = window;
    for (let i = 0; i < length; i++) {
      const logits = this.forward(fresh, cache);
      const chosen = choose(logits.row(fresh.length - 1), temperature, top_k, top_p, random);
      yield chosen;
      fresh = [chosen];
      window = [...window, chosen];
      if (window.length > context) {
        window = window.slice(-Math.max(1, Math.floor(context / 2)));
        [cache, fresh] = [[], window];
      }
    }
  }
}

function add(x, y) {
  return new Matrix(...x.shape, x.data.map((value, i) => value + y.data[i]));
}
