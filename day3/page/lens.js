// Part 3, first half: what the model would say after each layer, for every character.

function draw_lens() {
  const { reading, alphabet } = page;
  const L = page.gpt.config.n_layer;
  const guesses = reading.lens.map((rows) => rows.map(likeliest));
  const decided = reading.ids.map((_, t) => {
    let layer = L;
    while (layer && guesses[layer - 1][t].id === guesses[L][t].id) layer--;
    return layer;
  });
  const seen = (id) => (id === undefined ? "" : show(alphabet.symbols[id]));
  fill_row(0, "your text", reading.ids.map(seen));
  guesses.forEach((row, layer) => {
    const cells = fill_row(layer + 1, layer_name(layer), row.map((guess) => seen(guess.id)));
    row.forEach((guess, t) => {
      cells[t + 1].style.setProperty("--share", guess.share.toFixed(3));
      cells[t + 1].className = layer === decided[t] ? "decided" : "";
    });
  });
  fill_row(L + 2, "what follows", reading.ids.map((_, t) => seen(reading.ids[t + 1])));
  const counts = guesses.map((_, layer) => decided.filter((at) => at === layer).length);
  $("lens-counts").textContent =
    `Of ${reading.ids.length} choices, so many are settled at each place: ` +
    counts.map((n, layer) => `${layer_name(layer)} ${n}`).join(", ") +
    ".";
  page.guesses = guesses;
  mark_lens();
}

/** Write into row r of the table, which grows and shrinks with the text -> its cells. */
function fill_row(r, name, texts) {
  const row = $("lens").rows[r] ?? $("lens").insertRow();
  if (!row.cells.length) row.append(make("th", { scope: "row", textContent: name }));
  while (row.cells.length > texts.length + 1) row.deleteCell(-1);
  while (row.cells.length < texts.length + 1) row.insertCell();
  const cells = Array.from(row.cells);
  texts.forEach((text, t) => {
    if (cells[t + 1].textContent !== text) cells[t + 1].textContent = text;
  });
  return cells;
}

function layer_name(layer) {
  return layer ? `layer ${layer}` : "embedding";
}

function likeliest(logits) {
  const shares = softmax(logits);
  const id = shares.indexOf(Math.max(...shares));
  return { id, share: shares[id] };
}

/** The column of the chosen character, and its story in words. */
function mark_lens() {
  if (page.writing) return; // it is drawn at the end
  const t = page.position;
  for (const old of $("lens").querySelectorAll(".chosen")) old.classList.remove("chosen");
  if (!page.reading.ids.length) {
    $("lens-says").textContent = $("lens-counts").textContent = "";
    return;
  }
  for (const row of $("lens").rows) row.cells[t + 1].classList.add("chosen");
  const cell = $("lens").rows[0].cells[t + 1], box = $("lens-box");
  box.scrollLeft = cell.offsetLeft - box.clientWidth * 0.6;
  const story = page.guesses.map((row, layer) => {
    const { id, share } = row[t];
    return `${layer_name(layer)} “${show(page.alphabet.symbols[id])}” ${percent(share)}`;
  });
  $("lens-says").textContent = `After ${name_of(t)}: ${story.join(", ")}.`;
}

function listen_lens() {
  $("lens").addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) choose_position(cell.cellIndex - 1);
  });
}
