// Part 1: the text with what one character reads, a map of every head, and one head in large.

/** The window, character by character: chosen, read (in colour), hidden by the mask (hatched). */
function draw_strip() {
  const strip = $("strip"), { reading, alphabet } = page;
  const t = page.preview ?? page.position;
  while (strip.children.length > reading.ids.length) strip.lastChild.remove();
  while (strip.children.length < reading.ids.length) strip.append(make("span"));
  const weights = reading.weights[page.layer][page.head][t] ?? [];
  reading.ids.forEach((id, s) => {
    const span = strip.children[s], symbol = alphabet.symbols[id];
    const shown = symbol === "\n" ? "↵\n" : symbol;
    if (span.textContent !== shown) span.textContent = shown;
    const shade = s > t ? 0 : Math.sqrt(weights[s]);
    span.className = s > t ? "masked" : shade > 0.6 ? "deep" : "";
    span.classList.toggle("chosen", s === t);
    span.style.setProperty("--share", shade.toFixed(3));
  });
  $("reads").textContent = reading.ids.length ? what_it_reads(t, weights) : "";
}

function what_it_reads(t, weights) {
  const most = Array.from(weights.keys())
    .sort((a, b) => weights[b] - weights[a])
    .slice(0, 3)
    .map((s) => `${name_of(s)} ${percent(weights[s])}`);
  const where = `Layer ${page.layer + 1}, head ${page.head + 1}`;
  return `${where}: ${name_of(t)} reads ${most.join(", ")}.`;
}

/** The character at a position, as the page names it: “M”₁₇ would be hard to read aloud. */
function name_of(t) {
  return `“${show(page.alphabet.symbols[page.reading.ids[t]])}” (${t + 1})`;
}

/** One small map for every head, to choose from. */
function make_heads() {
  const { n_layer, n_head } = page.gpt.config;
  for (let layer = 0; layer < n_layer; layer++) {
    const row = make("div", { className: "heads" });
    row.style.setProperty("--H", n_head);
    for (let head = 0; head < n_head; head++) {
      const radio = make("input", { type: "radio", name: "head", checked: !(layer + head) });
      radio.setAttribute("aria-label", `layer ${layer + 1}, head ${head + 1}`);
      radio.addEventListener("change", () => {
        Object.assign(page, { layer, head });
        draw_strip();
        draw_map();
      });
      const map = make("canvas", { id: `map-${layer}-${head}` });
      const off = make("span", { className: "off-mark", textContent: "off" });
      row.append(make("label", { className: "head" }, radio, map, off));
    }
    $("heads").append(make("div", { className: "layer" }, `layer ${layer + 1}`, row));
  }
}

function draw_heads() {
  const colours = shades(), mask = mask_pixels();
  page.reading.weights.forEach((heads, layer) =>
    heads.forEach((rows, head) => {
      const canvas = $(`map-${layer}-${head}`);
      paint(canvas, rows, colours, mask);
      canvas.parentElement.classList.toggle("off", is_off(layer, head));
    }),
  );
  draw_map();
}

/** The chosen head in large; the line marks the chosen character. */
function draw_map() {
  const { reading, layer, head } = page;
  paint($("map"), reading.weights[layer][head], shades(), mask_pixels());
  $("map-title").textContent = `Layer ${layer + 1}, head ${head + 1}`;
  mark_map();
}

function mark_map() {
  const T = page.reading.ids.length, t = page.preview ?? page.position;
  $("map-line").hidden = !T;
  $("map-line").style.cssText = `top: ${(100 * t) / T}%; height: ${100 / T}%`;
}

/** Rows of shares -> a picture, a pixel for each query and key; what is masked has a pattern. */
function paint(canvas, rows, colours, mask) {
  const T = Math.max(1, rows.length);
  if (canvas.width !== T) [canvas.width, canvas.height] = [T, T];
  const context = canvas.getContext("2d");
  const image = context.createImageData(T, T);
  const pixels = new Uint32Array(image.data.buffer);
  rows.forEach((weights, t) => {
    for (let s = 0; s < T; s++) {
      const shade = () => colours[Math.round(255 * Math.sqrt(weights[s]))];
      pixels[t * T + s] = s <= t ? shade() : mask[(s + t) % 2];
    }
  });
  context.putImageData(image, 0, 0);
  canvas.classList.toggle("coarse", T < 64);
}

function mask_pixels() {
  return ["--mask", "--mask-line"].map((name) => {
    const [r, g, b] = colour(name);
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
}

/** Hovering shows what a character reads; leaving goes back to the chosen one. */
function preview(t) {
  if (t === page.preview) return;
  page.preview = t;
  draw_strip();
  mark_map();
}

function listen_attention() {
  const strip = $("strip"), map = $("map");
  const in_strip = (event) => {
    const t = Array.prototype.indexOf.call(strip.children, event.target);
    return t < 0 ? null : t; // between the characters
  };
  strip.addEventListener("pointerover", (event) => preview(in_strip(event)));
  strip.addEventListener("pointerleave", () => preview(null));
  strip.addEventListener("click", (event) => choose_position(in_strip(event) ?? page.position));
  const in_map = (event) => {
    const box = map.getBoundingClientRect(), T = page.reading.ids.length;
    const at = (share) => Math.min(T - 1, Math.max(0, Math.floor(share * T)));
    return [
      at((event.clientY - box.top) / box.height),
      at((event.clientX - box.left) / box.width),
    ];
  };
  map.addEventListener("pointermove", (event) => {
    if (!page.reading.ids.length) return;
    const [t, s] = in_map(event);
    preview(t);
    const share = page.reading.weights[page.layer][page.head][t][s];
    $("map-cell").textContent =
      s > t
        ? `${name_of(t)} cannot read ${name_of(s)}: it comes later.`
        : `${name_of(t)} reads ${name_of(s)} ${percent(share)}.`;
  });
  map.addEventListener("pointerleave", () => preview(null));
  map.addEventListener("click", (event) => choose_position(in_map(event)[0]));
}
