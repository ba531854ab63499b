// Part 2: the next character as bars, and what temperature, top-k and top-p do to them.

const LETTERS = { "temperature 0": "t", "top-k": "k", "top-p": "p" }; // beside what they removed
const MOST = 120; // bars; a larger alphabet has its tail summed up

function settings() {
  const V = page.alphabet.symbols.length;
  const [temperature, k, p] = ["temperature", "top-k", "top-p"].map((id) => Number($(id).value));
  return { temperature, top_k: k < V ? k : null, top_p: p < 1 ? p : null };
}

function draw_next() {
  const { temperature, top_k, top_p } = settings();
  const V = page.alphabet.symbols.length;
  $("temperature-value").textContent = temperature.toFixed(2);
  $("top-k-value").textContent = top_k ?? `all ${V}`;
  $("top-p-value").textContent = top_p === null ? "1, all" : top_p.toFixed(2);
  const bars = $("bars"), logits = page.reading.logits[page.position];
  $("bars-rest").textContent = "";
  if (!logits) {
    bars.replaceChildren();
    $("after").textContent = $("removed").textContent = "";
    return;
  }
  const spread = distribution(logits, temperature, top_k, top_p);
  while (bars.children.length < Math.min(V, MOST)) bars.append(make_bar());
  const follows = page.reading.ids[page.position + 1];
  const widest = Math.max(spread.probabilities[0], spread.kept[0]);
  Array.from(bars.children).forEach((item, place) => {
    const [symbol, bar, number, reason] = item.children, id = spread.order[place];
    const by = spread.removed[place];
    const share = by ? spread.probabilities[place] : spread.kept[place];
    item.className = (by ? "removed" : "") + (id === follows ? " follows" : "");
    symbol.textContent = show(page.alphabet.symbols[id]);
    bar.firstChild.style.width = `${(100 * share) / widest}%`;
    number.textContent = percent(share);
    reason.textContent = by && LETTERS[by];
  });
  $("after").textContent = after(logits, follows);
  if (V > MOST) {
    const rest = sum(spread.kept.slice(MOST));
    $("bars-rest").textContent = `And ${V - MOST} less likely ones, together ${percent(rest)}.`;
  }
  $("removed").textContent = what_is_removed(spread.removed, V);
}

function what_is_removed(removed, V) {
  const gone = removed.filter(Boolean);
  if (!gone.length) return `All ${V} may be drawn.`;
  const by = Object.keys(LETTERS)
    .map((name) => [name, gone.filter((reason) => reason === name).length])
    .filter(([, count]) => count)
    .map(([name, count]) => `${count} by ${name} (${LETTERS[name]})`);
  const rest = `Grey, with the share they had: removed, ${by.join(", ")}.`;
  return `${V - gone.length} of ${V} may be drawn. ${rest}`;
}

function after(logits, follows) {
  const start = `After ${name_of(page.position)}`;
  if (follows === undefined) return `${start}, the last character:`;
  const symbol = show(page.alphabet.symbols[follows]);
  const loss = cross_entropy(logits, follows).toFixed(2);
  return `${start}. In your text “${symbol}” follows, outlined below: it costs ${loss} nats.`;
}

function make_bar() {
  const names = ["symbol", "bar", "number", "reason"];
  const parts = names.map((className) => make("span", { className }));
  parts[1].append(make("span"));
  return make("li", {}, ...parts);
}

function listen_next() {
  $("top-k").max = $("top-k").value = page.alphabet.symbols.length;
  for (const id of ["temperature", "top-k", "top-p"]) {
    $(id).addEventListener("input", () => {
      draw_next();
      effect_soon();
    });
  }
}
