// What NumPy and PyTorch had ready: a matrix, and the four functions that the model needs.

/** Numbers in rows. shape is [rows, columns]; row(t) is a view, not a copy. */
class Matrix {
  constructor(rows, columns, data = new Float32Array(rows * columns)) {
    this.shape = [rows, columns];
    this.data = data;
  }

  row(t) {
    const columns = this.shape[1];
    return this.data.subarray(t * columns, (t + 1) * columns);
  }

  /** The first rows only, as a view. */
  first(rows) {
    return new Matrix(rows, this.shape[1], this.data.subarray(0, rows * this.shape[1]));
  }

  /** This matrix with the rows of another one below. */
  above(other) {
    const out = new Matrix(this.shape[0] + other.shape[0], this.shape[1]);
    out.data.set(this.data);
    out.data.set(other.data, this.data.length);
    return out;
  }

  /** Side by side -> so many matrices of equal width. */
  chunk(parts) {
    const [T, columns] = this.shape;
    const width = columns / parts;
    return Array.from({ length: parts }, (_, part) => {
      const out = new Matrix(T, width);
      for (let t = 0; t < T; t++) {
        out.row(t).set(this.row(t).subarray(part * width, (part + 1) * width));
      }
      return out;
    });
  }
}

/** x (T, I) -> (T, O): every output weighs all inputs. weight (O, I), bias (O,) or none. */
class Linear {
  constructor(weights, name) {
    this.weight = weights[`${name}.weight`];
    this.bias = weights[`${name}.bias`]?.data ?? new Float32Array(this.weight.shape[0]);
  }

  forward(x) {
    const [T, I] = x.shape;
    const O = this.weight.shape[0];
    const out = new Matrix(T, O);
    const from = x.data, to = out.data, w = this.weight.data, bias = this.bias;
    // two rows and four outputs at a time: what is fetched once serves several products, which is
    // three times as fast. Where T or O does not divide, the last row or output is computed again
    for (let o = 0; o < O; o += 4) {
      const o1 = Math.min(o + 1, O - 1), o2 = Math.min(o + 2, O - 1), o3 = Math.min(o + 3, O - 1);
      const w0 = o * I, w1 = o1 * I, w2 = o2 * I, w3 = o3 * I;
      for (let t = 0; t < T; t += 2) {
        const u = Math.min(t + 1, T - 1);
        const x0 = t * I, x1 = u * I;
        let t0 = bias[o], t1 = bias[o1], t2 = bias[o2], t3 = bias[o3];
        let u0 = t0, u1 = t1, u2 = t2, u3 = t3;
        for (let i = 0; i < I; i++) {
          const a = from[x0 + i], b = from[x1 + i];
          const p = w[w0 + i], q = w[w1 + i], r = w[w2 + i], s = w[w3 + i];
          t0 += a * p; t1 += a * q; t2 += a * r; t3 += a * s;
          u0 += b * p; u1 += b * q; u2 += b * r; u3 += b * s;
        }
        const first = t * O, second = u * O;
        to[first + o] = t0; to[first + o1] = t1; to[first + o2] = t2; to[first + o3] = t3;
        to[second + o] = u0; to[second + o1] = u1; to[second + o2] = u2; to[second + o3] = u3;
      }
    }
    return out;
  }
}

/** Scores -> shares that add up to 1. The largest score cancels, and keeps exp in range. */
function softmax(scores) {
  let largest = -Infinity, total = 0;
  for (const score of scores) largest = Math.max(largest, score);
  const shares = new Float64Array(scores.length);
  for (let i = 0; i < shares.length; i++) {
    shares[i] = Math.exp(scores[i] - largest);
    total += shares[i];
  }
  for (let i = 0; i < shares.length; i++) shares[i] /= total;
  return shares;
}

/** Loss in nats: minus the logarithm of the share that softmax gives to the target. */
function cross_entropy(logits, target) {
  return -Math.log(Math.max(softmax(logits)[target], Number.MIN_VALUE));
}

/** GPT-2's bend, by tanh; or the exact one (approximate is "none"), by the error function. */
function gelu(x, approximate) {
  const out = new Matrix(...x.shape);
  for (let i = 0; i < x.data.length; i++) {
    const z = x.data[i];
    const below =
      approximate === "tanh"
        ? (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z))) / 2
        : (1 + erf(z / Math.SQRT2)) / 2;
    out.data[i] = z * below;
  }
  return out;
}

/** The error function, to 1.5e-7. Abramowitz & Stegun 1964, formula 7.1.26. */
function erf(z) {
  const t = 1 / (1 + 0.3275911 * Math.abs(z));
  const factors = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const sum = factors.reduce((total, factor) => total * t + factor, 0) * t;
  return Math.sign(z) * (1 - sum * Math.exp(-z * z));
}
