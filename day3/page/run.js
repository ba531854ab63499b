// Part 4: the run that made this model, as train.py has recorded it.

function draw_run(run) {
  $("command").textContent = run.command;
  $("run-line").textContent = run.line;
  if (!run.records.length) {
    $("recorded").replaceChildren("No record of the run lay beside the checkpoint.");
    return;
  }
  draw_curve(run);
  $("numbers").append(
    ...run.records.map((r) =>
      make("tr", {}, ...[r.step, r.train.toFixed(3), r.validation.toFixed(3)].map((text) =>
        make("td", { textContent: text }))),
    ),
  );
  $("samples").append(
    ...run.samples.map(({ step, text }) =>
      make("figure", {},
        make("figcaption", { textContent: step ? `After ${step} steps` : "Before the first step" }),
        make("pre", { textContent: text.trim() })),
    ),
  );
}

/** Loss against steps; every baseline a line. Drawn anew where the width changes. */
function draw_curve({ records, baselines, final }) {
  const width = Math.max(280, $("curve").clientWidth), height = 360;
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.setAttribute("aria-labelledby", "curve-caption");
  const [left, right, top, bottom] = [34, 8, 10, 30];
  const last = Math.max(1, records.at(-1).step);
  const losses = [...records.flatMap((r) => [r.train, r.validation]), ...Object.values(baselines)];
  const low = Math.floor(10 * Math.min(...losses)) / 10 - 0.1, high = Math.max(...losses) + 0.1;
  const x = (step) => left + ((width - left - right) * step) / last;
  const y = (loss) => top + ((height - top - bottom) * (high - loss)) / (high - low);
  for (let loss = Math.ceil(2 * low) / 2; loss <= high; loss += 0.5) {
    svg.append(node("text", { x: left - 6, y: y(loss) + 4, class: "end" }, loss.toFixed(1)));
  }
  for (const share of [0, 0.5, 1]) {
    const step = Math.round(last * share);
    const side = share === 1 ? "end" : share ? "middle" : "";
    const words = share === 1 ? `${step} steps` : step;
    svg.append(node("text", { x: x(step), y: height - 8, class: side }, words));
  }
  const labels = []; // drawn last; they go down the page, and none lies on another
  let lowest = -Infinity;
  for (const [name, loss] of Object.entries(baselines).sort((a, b) => b[1] - a[1])) {
    const line = { x1: left, x2: width - right, y1: y(loss), y2: y(loss), class: "baseline" };
    svg.append(node("line", line));
    const at = Math.max(y(loss) - 4, lowest + 13);
    lowest = at;
    // the curve falls from the upper left to the lower right: labels keep to the other corners
    const end = records.at(-1).validation;
    const above = loss > end + (high - end) / 4;
    const place = above ? { x: width - right, class: "end" } : { x: left + 4 };
    labels.push(node("text", { ...place, y: at }, `${name} ${loss.toFixed(3)}`));
  }
  for (const kind of ["train", "validation"]) {
    const points = records.map((r) => `${x(r.step).toFixed(1)},${y(r[kind]).toFixed(1)}`);
    svg.append(node("polyline", { points: points.join(" "), class: kind }));
  }
  if (final !== null) {
    svg.append(node("circle", { cx: x(last), cy: y(final), r: 4, class: "final" }));
  }
  svg.append(...labels);
  $("curve").replaceChildren(svg);
}

function node(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}
