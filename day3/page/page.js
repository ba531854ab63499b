// The page itself: the weights become a model, the text goes in, and every part is drawn from it.

const WRITE = 300; // characters at the second button

const page = {
  ids: [], // of the whole text
  start: 0, // of the window that the model reads
  position: 0, // of the chosen character, in the window
  preview: null, // of the character under the pointer, or none
  layer: 0,
  head: 0,
  writing: null, // the work in progress, or none
};

/** Base64 of float32 numbers, one parameter after the other -> {name: Matrix}. */
function unpack(base64, parameters) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const numbers = new Float32Array(bytes.buffer);
  const weights = {};
  let start = 0;
  for (const [name, shape] of parameters) {
    const [rows, columns] = shape.length === 1 ? [1, shape[0]] : shape;
    const end = start + rows * columns;
    weights[name] = new Matrix(rows, columns, numbers.subarray(start, end));
    start = end;
  }
  return weights;
}

function start() {
  const about = JSON.parse($("about").textContent);
  const weights = unpack($("weights").textContent.trim(), about.parameters);
  page.alphabet = new Alphabet(about.alphabet);
  page.gpt = new GPT(about.config, weights);
  page.reading = new Reading(page.gpt);
  // the same weights once more, to compare with: here no head is ever off
  const whole = new GPT(about.config, weights);
  page.whole = { gpt: whole, reading: new Reading(whole) };
  $("title").textContent = about.run.title;
  check_itself(about.check, new GPT(about.config, weights));
  draw_run(about.run);
  make_heads();
  make_switches();
  listen_attention();
  listen_next();
  listen_lens();
  listen_text();
  $("text").value = opening(about.run.samples);
  refresh();
  const redraw = () => (draw_heads(), about.run.records.length && draw_curve(about.run));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("resize", redraw);
  document.body.dataset.ready = "yes";
}

/** A text to begin with: the start of what the run wrote last, or else of what is drawn now. */
function opening(samples) {
  const length = Math.min(96, Math.floor((page.gpt.config.context * 3) / 4));
  let place = 0;
  const random = () => random_number(1, place++);
  const written = samples.length
    ? Array.from(samples.at(-1).text)
    : Array.from(page.gpt.generate([0], length, { random }), (id) => page.alphabet.symbols[id]);
  return written.slice(0, length).join("").replace(/^\n+/, "") || page.alphabet.symbols[0];
}

/** PyTorch's logits for a short text came with the weights: this browser's have to agree. */
function check_itself({ ids, logits }, gpt) {
  const found = gpt.forward(ids).data;
  const off = found.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[i])), 0);
  const agree = off < 1e-4;
  $("agrees").textContent = agree
    ? `Checked just now: the logits of ${ids.length} characters differ from PyTorch's ` +
      `by ${off.toExponential(0)} at most.`
    : `Its logits differ from PyTorch's by ${off.toPrecision(2)}: do not trust what is shown here.`;
  $("agrees").classList.toggle("wrong", !agree);
}

/** Read the text as it stands now, choose its last character, and draw everything. */
function refresh() {
  const area = $("text");
  const taken = take(area.value, page.alphabet, page.gpt.config.context);
  if (taken.text !== area.value) area.value = taken.text;
  Object.assign(page, { ids: taken.ids, start: taken.start, preview: null });
  $("message").textContent = taken.sentence;
  $("held").textContent = taken.held;
  page.reading.read(page.ids, page.start);
  const T = page.reading.ids.length;
  page.position = Math.max(0, T - 1);
  $("position").max = Math.max(1, T);
  const loss = page.reading.loss;
  $("loss").textContent =
    loss === null
      ? ""
      : `Loss of these ${T} characters: ${nats(loss)} nats each, the first one given.`;
  draw_position();
  if (page.writing) return draw_map(); // the small maps and the lens wait for the end
  draw_heads();
  draw_lens();
  effect_soon();
}

/** Choose a character: what it reads, what follows it, how the decision came about. */
function choose_position(t) {
  page.position = Math.max(0, Math.min(t, page.reading.ids.length - 1));
  draw_position();
  mark_map();
  mark_lens();
}

function draw_position() {
  const chosen = page.reading.ids.length ? name_of(page.position) : "none";
  $("position").value = page.position + 1;
  $("position").setAttribute("aria-valuetext", chosen);
  $("position-value").textContent = chosen;
  draw_strip();
  draw_next();
}

/** What a model writes after the text, with the sliders' settings and the seed. */
function go_on(gpt, length) {
  let place = page.ids.length;
  const random = () => random_number(seed(), place++);
  return gpt.generate(page.ids.slice(page.start), length, { ...settings(), random });
}

function seed() {
  return Number($("seed").value) || 0;
}

/** One step of generate: draw from what the page has read, and read that, with the same cache. */
function one_more() {
  const { temperature, top_k, top_p } = settings();
  const { alphabet, gpt, ids, reading } = page;
  const random = () => random_number(seed(), ids.length);
  const chosen = choose(reading.logits.at(-1), temperature, top_k, top_p, random);
  ids.push(chosen);
  page.start = window_start(ids.length, gpt.config.context);
  reading.read(ids, page.start);
  return alphabet.symbols[chosen];
}

async function write(length) {
  if (!page.ids.length) return refresh();
  const mine = (page.writing = { left: length });
  const began = performance.now();
  let drawing = 0;
  $("stop").disabled = false;
  while (mine.left && page.writing === mine) {
    // write for as many milliseconds as drawing took, so that no page is slower than half its model
    const pause = performance.now() + Math.max(12, drawing);
    let fresh = "";
    do {
      fresh += one_more();
      mine.left--;
    } while (mine.left && performance.now() < pause);
    const before = performance.now();
    $("text").value += fresh;
    refresh();
    drawing = performance.now() - before;
    $("text").scrollTop = $("text").scrollHeight;
    const written = length - mine.left, seconds = (performance.now() - began) / 1000;
    $("speed").textContent = `${written} characters, ${Math.round(written / seconds)} a second.`;
    await next_frame();
  }
  if (page.writing === mine) stop_writing();
}

function stop_writing() {
  page.writing = null;
  if (document.activeElement === $("stop")) $("write-many").focus();
  $("stop").disabled = true;
  refresh();
}

function listen_text() {
  $("text").addEventListener("focus", () => page.writing && stop_writing());
  $("text").addEventListener("input", refresh);
  $("position").addEventListener("input", () => choose_position(Number($("position").value) - 1));
  $("write-one").addEventListener("click", () => write(1));
  $("write-many").addEventListener("click", () => write(WRITE));
  $("stop").addEventListener("click", () => page.writing && stop_writing());
  $("seed").addEventListener("input", effect_soon);
}

addEventListener("error", (event) => {
  $("agrees").textContent = `This browser stopped: ${event.message}`;
  $("agrees").classList.add("wrong");
});
// the shell of the page is painted first
requestAnimationFrame(() => setTimeout(start));
