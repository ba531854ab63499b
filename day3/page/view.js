// What all parts of the page share: elements, words, colours, and work that leaves room to paint.

const $ = (id) => document.getElementById(id);

/** A new element with text or children in it. */
function make(tag, settings = {}, ...children) {
  const element = Object.assign(document.createElement(tag), settings);
  element.append(...children);
  return element;
}

/** A character that can be seen. */
function show(symbol) {
  return { "\n": "↵", " ": "␣", "\t": "⇥", "\r": "␍" }[symbol] ?? symbol;
}

function percent(share) {
  if (share > 0 && share < 0.001) return "<0.1 %";
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

function nats(loss) {
  return loss === null ? "–" : loss.toFixed(2);
}

/** A colour of page.css, "--paper" -> [red, green, blue]. */
function colour(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
}

/** 256 pixels from paper to ink. A share s has number 255 √s, so that small ones stay visible. */
function shades() {
  const [paper, ink] = [colour("--paper"), colour("--ink")];
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const [r, g, b] = paper.map((from, c) => Math.round(from + ((ink[c] - from) * i) / 255));
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
}

function next_frame() {
  return new Promise((done) => requestAnimationFrame(done));
}
