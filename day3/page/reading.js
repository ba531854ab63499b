// What the model makes of a text, kept from one keystroke to the next.

/**
 * For each position t of the window: logits[t] (V,), lens[layer][t] (V,) with layer 0 the
 * embedding, weights[layer][head][t] a share for each visible key, losses[t] in nats of the
 * character that follows. What a text shares with the one before it is not computed again: keys
 * and values of the past do not depend on what comes later.
 */
class Reading {
  constructor(gpt) {
    this.gpt = gpt;
    this.forget();
  }

  forget() {
    const { n_layer, n_head } = this.gpt.config;
    this.ids = [];
    this.start = 0;
    this.cache = [];
    this.logits = [];
    this.lens = Array.from({ length: n_layer + 1 }, () => []);
    this.weights = Array.from({ length: n_layer }, () => Array.from({ length: n_head }, () => []));
  }

  read(ids, start) {
    if (start !== this.start) this.forget();
    const window = ids.slice(start);
    let same = 0;
    while (same < this.ids.length && this.ids[same] === window[same]) same++;
    this.cut(same);
    [this.ids, this.start] = [window, start];
    if (same === window.length) return;
    this.keep(this.gpt.forward(window.slice(same), this.cache));
  }

  /** Forget all positions from `length` on. */
  cut(length) {
    if (!length) return this.forget();
    for (const cache of this.cache) {
      cache.k = cache.k.first(length);
      cache.v = cache.v.first(length);
    }
    for (const list of [this.logits, ...this.lens, ...this.weights.flat()]) list.length = length;
  }

  keep(logits) {
    const rows = (matrix) => Array.from({ length: matrix.shape[0] }, (_, t) => matrix.row(t));
    this.logits.push(...rows(logits));
    this.gpt.lens().forEach((matrix, layer) => this.lens[layer].push(...rows(matrix)));
    this.gpt.blocks.forEach((block, layer) => {
      block.attention.weights.forEach((more, h) => this.weights[layer][h].push(...more));
    });
  }

  get losses() {
    return this.ids.slice(1).map((id, t) => cross_entropy(this.logits[t], id));
  }

  /** Mean loss in nats a character, or null where there is nothing to predict. */
  get loss() {
    const losses = this.losses;
    return losses.length ? sum(losses) / losses.length : null;
  }
}
