// From the logits of the next symbol to one symbol, as in day3/decoding.py.

/**
 * Logits (V,) -> `order`, the ids with the likeliest first; for each place in that order
 * `probabilities` at this temperature, `kept`, the shares of what may be drawn, and `removed`:
 * "" or what took the symbol away. Temperature 0 leaves the likeliest alone.
 */
function distribution(logits, temperature = 1, top_k = null, top_p = null) {
  // sort is stable: of two that are equally likely, the lower id stands first
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
  const ranked = order.map((id) => logits[id]);
  const coldest = temperature < 1e-6;
  const probabilities = softmax(ranked.map((x) => x / (coldest ? 1 : temperature)));
  const removed = order.map(() => "");
  const kept = Array.from(probabilities);
  const remove = (place, by) => {
    if (!removed[place]) [removed[place], kept[place]] = [by, 0];
  };
  if (coldest) order.forEach((_, place) => place && remove(place, "temperature 0"));
  if (top_k !== null) order.forEach((_, place) => place >= top_k && remove(place, "top-k"));
  if (top_p !== null && top_p < 1) {
    const total = sum(kept); // top-p counts in shares of what top-k has left
    let before = 0;
    kept.forEach((share, place) => {
      if (before / total >= top_p) remove(place, "top-p");
      before += share;
    });
  }
  const left = sum(kept);
  return { order, probabilities, kept: kept.map((share) => share / left), removed };
}

/** Draw one symbol: the first whose share, with all before it, goes beyond a random number. */
function choose(logits, temperature, top_k, top_p, random) {
  const { order, kept } = distribution(logits, temperature, top_k, top_p);
  let left = random();
  const place = kept.findIndex((share) => (left -= share) < 0);
  return order[place < 0 ? kept.findLastIndex((share) => share > 0) : place];
}

/** A number from 0 to 1 for a seed and a place in the text: same seed, same text. */
function random_number(seed, place) {
  let z = (Math.imul(seed, 0x9e3779b1) + Math.imul(place + 1, 0x85ebca6b)) | 0;
  for (const factor of [0x7feb352d, 0x846ca68b]) {
    z = Math.imul(z ^ (z >>> 16), factor);
    z ^= z >>> 15;
  }
  return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
