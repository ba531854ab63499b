// From characters to numbers and back, as in day3/text.py; and what is wrong with a text.

const LIMIT = 10_000; // characters that the page keeps; no context is longer

class Alphabet {
  constructor(symbols) {
    this.symbols = Array.from(symbols); // by characters: some take two places in a string
    this.ids = new Map(this.symbols.map((symbol, id) => [symbol, id]));
  }

  /** Text -> the ids of the characters it knows, and the others. */
  encode(text) {
    const ids = [], unknown = new Set();
    for (const symbol of text) {
      if (this.ids.has(symbol)) ids.push(this.ids.get(symbol));
      else unknown.add(symbol);
    }
    return { ids, unknown: [...unknown] };
  }

  decode(ids) {
    return ids.map((id) => this.symbols[id]).join("");
  }
}

/** Where the window of a text of n symbols begins: as in generate, it starts afresh when full. */
function window_start(n, context) {
  if (n <= context) return 0;
  const step = context + 1 - Math.max(1, Math.floor(context / 2));
  return Math.ceil((n - context) / step) * step;
}

/**
 * A text -> what is kept of it, its ids, where the window starts; and in words, or "": what is
 * wrong with it, and how much of it the window holds.
 */
function take(text, alphabet, context) {
  const characters = Array.from(text);
  const given = characters.length;
  if (given > LIMIT) text = characters.slice(-LIMIT).join("");
  const { ids, unknown } = alphabet.encode(text);
  const start = window_start(ids.length, context);
  const sentences = [];
  if (given > LIMIT) {
    sentences.push(
      `${given.toLocaleString("en")} characters are too many: the last ` +
        `${LIMIT.toLocaleString("en")} are kept.`,
    );
  }
  if (unknown.length) {
    const some = unknown.slice(0, 12).map((symbol) => `“${show(symbol)}”`).join(" ");
    sentences.push(
      `The model has never seen ${some}${unknown.length > 12 ? " and others" : ""}, ` +
        `and reads the text without ${unknown.length > 1 ? "them" : "it"}.`,
    );
  }
  if (!ids.length) {
    sentences.push(
      unknown.length
        ? "Nothing is left to read: type a character that it knows."
        : "The text is empty: type a character. The model goes on from what is there.",
    );
  }
  const held =
    start &&
    `The model reads the last ${ids.length - start} of ${ids.length.toLocaleString("en")} ` +
      `characters: its window holds ${context}, and a full one starts afresh with its newer half.`;
  return { text, ids, start, sentence: sentences.join(" "), held: held || "" };
}
