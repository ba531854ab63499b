// Part 3, second half: switch heads off, and see what it does to the loss and to the text.

const AHEAD = 80; // characters to go on with, for comparison

function is_off(layer, head) {
  return page.gpt.blocks[layer].attention.off.has(head);
}

function make_switches() {
  const { n_layer, n_head } = page.gpt.config;
  for (let layer = 0; layer < n_layer; layer++) {
    const row = make("fieldset", {}, make("legend", { textContent: `layer ${layer + 1}` }));
    for (let head = 0; head < n_head; head++) {
      const box = make("input", { type: "checkbox", checked: true });
      box.setAttribute("aria-label", `layer ${layer + 1}, head ${head + 1}`);
      box.addEventListener("change", () => switch_head(layer, head, box.checked));
      row.append(make("label", {}, box, `${head + 1}`));
    }
    $("switches").append(row);
  }
  $("all-on").addEventListener("click", () => {
    for (const block of page.gpt.blocks) block.attention.off.clear();
    for (const box of $("switches").querySelectorAll("input")) box.checked = true;
    reread();
  });
}

function switch_head(layer, head, on) {
  const { off } = page.gpt.blocks[layer].attention;
  if (on) off.delete(head);
  else off.add(head);
  reread();
}

/** Heads have changed: nothing that was kept holds any more. */
function reread() {
  const chosen = page.position;
  page.reading.forget();
  refresh();
  choose_position(chosen);
}

let waiting = null;

/** Compare with the whole model, once nothing has changed for a moment. */
function effect_soon() {
  clearTimeout(waiting);
  waiting = setTimeout(draw_effect, 200);
}

async function draw_effect() {
  const off = sum(page.gpt.blocks.map((block) => block.attention.off.size));
  const { ids, start } = page;
  if (page.writing) return;
  page.whole.reading.read(ids, start);
  const [before, now] = [page.whole.reading.loss, page.reading.loss];
  const change = `${now < before ? "−" : "+"}${nats(Math.abs(now - before))}`;
  $("loss-whole").textContent = nats(before);
  $("loss-now").textContent = off && now !== null ? `${nats(now)}, ${change}` : nats(now);
  $("heads-off").textContent =
    off === 0 ? "All heads are on." : `${off} ${off === 1 ? "head is" : "heads are"} off.`;
  $("text-whole").textContent = $("text-now").textContent = "";
  if (!ids.length) return;
  const asked = waiting;
  for (const [id, gpt] of [["text-whole", page.whole.gpt], ["text-now", page.gpt]]) {
    const written = [];
    for (const chosen of go_on(gpt, AHEAD)) {
      written.push(chosen);
      if (written.length % 10 === 0) await next_frame();
      if (waiting !== asked || page.writing) return;
    }
    $(id).textContent = page.alphabet.decode(written);
  }
}
