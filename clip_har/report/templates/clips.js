"use strict";
// All text from data is set as text, never as HTML. The part of the address after # holds the whole
// state: filters, order, and the clip that is open.
const data = JSON.parse(document.getElementById("data").textContent);
const changes = Object.keys(data.changes), [LOST, GAINED, OTHER] = [0, 1, 2];
const form = document.getElementById("filters"), list = document.getElementById("list"), more = document.getElementById("more");
const dialog = document.getElementById("one"), folded = document.getElementById("folded"), where = document.getElementById("where");
const FIELDS = ["comparison", "cell", "class", "predicted", "change", "attribute", "from", "to", "clip", "sort", "mixed", "pictured"];
const CHUNK = 60, WORST = 8;
let at = null; // the comparison that is shown
let rows = [], shown = 0, whole = {}, allClasses = false, last = null; // last: the row that was open

function make(tag, props = {}, ...children) {
  const { class: name, ...rest } = props, node = document.createElement(tag);
  if (name) node.className = name;
  for (const [key, value] of Object.entries(rest)) key in node ? (node[key] = value) : node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}
const percent = (steps) => (steps < 0 ? "–" : (steps / 100).toFixed(1) + " %");
const count = (number) => number.toLocaleString("en");
const field = (name) => form.elements[name];

// Pictures are decoded when they are first shown.
const addresses = new Map();
function address(sheet) {
  if (!addresses.has(sheet)) {
    const text = atob(document.getElementById("sheet" + sheet).textContent);
    addresses.set(sheet, URL.createObjectURL(new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))], { type: "image/jpeg" })));
  }
  return addresses.get(sheet);
}
function frame(sheet, index, frames, words) {
  const node = make("span", { class: "frame", role: "img", "aria-label": words, title: words });
  node.style.backgroundImage = `url("${address(sheet)}")`;
  node.style.backgroundSize = `${100 * frames}% 100%`;
  node.style.backgroundPosition = frames > 1 ? `${(100 * index) / (frames - 1)}% 0` : "0 0";
  return node;
}
function thumbs([sheet, , frames]) {
  const places = new Map([[0, "first"], [Math.floor(frames / 2), "middle"], [frames - 1, "last"]]);
  return make("div", { class: "thumbs" }, ...[...places].map(([index, words]) => frame(sheet, index, frames, `${words} frame`)));
}
function strip(sheet, frames, words) {
  return make("div", { class: "strip" }, ...Array.from({ length: frames }, (_, index) => frame(sheet, index, frames, `${words}, frame ${index + 1} of ${frames}`)));
}

// One answer: cell c, its row r.
const className = (index) => at.classes[index];
const label = ({ c, r }) => at.labels[at.cells[c].clips[r]];
const stripOf = ({ c, r }) => at.cells[c].strips[at.cells[c].clips[r]];
const fall = ({ c, r }) => (at.cells[c].true_probability_before[r] < 0 ? 0 : at.cells[c].true_probability_before[r] - at.cells[c].true_probability[r]);
const clipOf = ({ c, r }) => at.clips[at.cells[c].clips[r]];
const toScene = ({ c, r }) => at.cells[c].scene[r] >= 0 && at.cells[c].scene[r] === at.cells[c].predicted[r];
const kindOf = ({ c, r }) => data.changes[changes[at.cells[c].change[r]]] + (toScene({ c, r }) ? ", to the scene's class" : "");
const tone = ({ c, r }) => ({ [LOST]: "lost", [GAINED]: "gained" })[at.cells[c].change[r]] || "";

const ORDERS = {
  "": (row) => -fall(row),
  rise: (row) => fall(row),
  sure: ({ c, r }) => -at.cells[c].confidence[r],
  unsure: ({ c, r }) => at.cells[c].confidence[r],
  drift: ({ c, r }) => -at.cells[c].drift[r],
  hidden: ({ c, r }) => -at.cells[c].hidden[r],
  class: (row) => label(row),
};

function readFilters() {
  const value = Object.fromEntries(FIELDS.map((name) => [name, field(name).type === "checkbox" ? field(name).checked : field(name).value]));
  const [attribute, text] = value.attribute ? JSON.parse(value.attribute) : [];
  const wanted = attribute ? at.attributes[attribute].values.indexOf(text) : -1;
  const limit = (text, otherwise) => (text === "" ? otherwise : Number(text) * 100);
  const words = value.clip.toLowerCase();
  return {
    ...value,
    low: limit(value.from, -1),
    high: limit(value.to, Infinity),
    cells: at.cells.map((cell) => (value.cell === "" ? !cell.clean || at.cells.every((other) => other.clean) : value.cell === "*" || value.cell === cell.result)),
    clips: at.clips.map((name, index) => (!words || name.toLowerCase().includes(words) || at.groups[index].toLowerCase().includes(words))
      && (!attribute || at.attributes[attribute].of[index] === wanted)),
    label: value.class === "" ? -1 : at.classes.indexOf(value.class),
    answer: value.predicted === "" ? -1 : at.classes.indexOf(value.predicted),
  };
}
function changed(wanted, row) {
  const change = at.cells[row.c].change[row.r];
  if (wanted === "") return true;
  if (wanted === "changed") return change <= OTHER;
  if (wanted === "scene") return toScene(row);
  return changes[change] === wanted;
}
function select() {
  const want = readFilters(), found = [], classes = new Map(), cells = new Map();
  const tally = (where, key, change) => {
    if (change !== LOST && data.changes[changes[change]] !== data.changes.stays_right) return;
    const counted = where.get(key) || [0, 0];
    where.set(key, [counted[0] + (change === LOST), counted[1] + 1]);
  };
  at.cells.forEach((cell, c) => {
    const here = want.cells[c];
    if (!here && cell.clean) return;
    for (let r = 0; r < cell.clips.length; r++) {
      const clip = cell.clips[r];
      if (!want.clips[clip] || cell.confidence[r] < want.low || cell.confidence[r] > want.high) continue;
      if (want.answer >= 0 && cell.predicted[r] !== want.answer) continue;
      if (want.pictured && !cell.strips[clip]) continue;
      const own = want.label < 0 || at.labels[clip] === want.label;
      if (own && want.answer < 0) tally(cells, c, cell.change[r]);
      if (!here) continue;
      if (want.answer < 0) tally(classes, at.labels[clip], cell.change[r]);
      const row = { c, r };
      if (own && changed(want.change, row)) found.push(row);
    }
  });
  const key = ORDERS[want.sort] || ORDERS[""];
  for (const row of found) row.key = key(row), row.plain = !want.mixed && !stripOf(row);
  found.sort((a, b) => a.plain - b.plain || a.key - b.key || at.cells[a.c].clips[a.r] - at.cells[b.c].clips[b.r] || a.c - b.c);
  return { found, classes, cells };
}

function facets(title, counted, name, pick, pressed, most) {
  const worst = [...counted].filter(([, [lost]]) => lost).sort(([, [a, b]], [, [c, d]]) => c / d - a / b || c - a);
  if (!worst.length) return [];
  const shownOnes = worst.slice(0, most).map(([key, [lost, of]]) => {
    const bar = make("i");
    bar.style.width = `${(100 * lost) / of}%`;
    const button = make("button", { class: "facet", type: "button", title: `${name(key)}: ${lost} of ${of} that were right before` }, make("span", {}, name(key)), make("span", {}, `${count(lost)} of ${count(of)}`), bar);
    button.setAttribute("aria-pressed", pressed(key));
    button.addEventListener("click", () => pick(key, pressed(key)));
    return button;
  });
  const rest = worst.length - shownOnes.length;
  if (rest > 0 || most > WORST) {
    const button = make("button", { class: "all", type: "button" }, rest > 0 ? `${rest} more` : "fewer");
    button.addEventListener("click", () => { allClasses = !allClasses; draw(); });
    shownOnes.push(button);
  }
  return [make("h3", {}, title), make("p", { class: "soft" }, "of the answers that were right before"), ...shownOnes];
}
function drawFacets({ classes, cells }) {
  const choose = (name) => (key, was) => {
    field(name).value = was ? "" : key;
    if (!was && field("change").value === "") field("change").value = changes[LOST];
    apply();
  };
  const byClass = choose("class"), byCell = choose("cell");
  document.getElementById("facets").replaceChildren(
    ...facets("Classes, right → wrong", classes, className, (key, was) => byClass(className(key), was), (key) => field("class").value === className(key), allClasses ? Infinity : WORST),
    ...facets("Cells, right → wrong", cells, (c) => at.cells[c].name, (c, was) => byCell(at.cells[c].result, was), (c) => field("cell").value === at.cells[c].result, allClasses ? Infinity : WORST),
  );
}

function answer(index, sure, right) {
  return index < 0 ? make("span", { class: "soft" }, "not judged") : make("span", { class: right ? "right" : "wrong" }, `${className(index)} ${percent(sure)}`);
}
function drawRow(row) {
  const { c, r } = row, cell = at.cells[c], strips = stripOf(row), clip = cell.clips[r];
  const node = make("a", { class: `row ${tone(row)}${strips ? " pictured" : ""}${cell.leaks ? " leaks" : ""}`, href: "#" + link({ show: at.clips[clip], in: cell.result }) });
  const before = cell.before[r] < 0 ? [] : [answer(cell.before[r], cell.confidence_before[r], cell.before[r] === label(row)), " → "];
  const after = answer(cell.predicted[r], cell.confidence[r], cell.predicted[r] === label(row));
  const what = make("div", { class: "what" },
    make("div", {}, make("strong", {}, className(label(row))), make("span", { class: "soft" }, ` ${at.clips[clip]}`)),
    make("div", {}, ...before, after),
    make("div", { class: "soft" }, make("span", { class: "kind" }, kindOf(row)), ` · ${cell.name}`, cell.scene[r] >= 0 ? ` · scene of ${className(cell.scene[r])}` : "", cell.leaks ? make("span", { class: "leak" }, " leaks the label") : ""));
  node.append(...(strips ? [thumbs(strips)] : []), what, numbers(row));
  node.addEventListener("click", (event) => { if (!event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); go({ show: at.clips[clip], in: cell.result }); } });
  return make("li", {}, node);
}
function numbers({ c, r }) {
  const cell = at.cells[c], before = cell.true_probability_before[r];
  return make("dl", { class: "numbers" },
    make("dt", {}, "p(true)"), make("dd", {}, (before < 0 ? "" : `${percent(before)} → `) + percent(cell.true_probability[r])),
    make("dt", {}, "hidden"), make("dd", {}, percent(cell.hidden[r])),
    make("dt", {}, "drift"), make("dd", {}, drift(cell.drift[r])));
}
const drift = (steps) => (steps < 0 ? "–" : (steps / 10000).toFixed(3));

function draw() {
  const found = select();
  rows = found.found;
  shown = 0;
  list.replaceChildren();
  drawFacets(found);
  const pictured = rows.filter(stripOf).length, clips = new Set(rows.map(clipOf)).size;
  document.getElementById("count").textContent = rows.length
    ? `${count(rows.length)} ${rows.length === 1 ? "answer" : "answers"} to ${count(clips)} ${clips === 1 ? "clip" : "clips"}, ${pictured === rows.length ? "all" : count(pictured)} with pictures`
    : "No answer matches these filters.";
  document.getElementById("caution").textContent = at.caution;
  drawMore();
}
function drawMore() {
  list.append(...rows.slice(shown, shown + CHUNK).map(drawRow));
  shown = Math.min(rows.length, shown + CHUNK);
  more.hidden = shown >= rows.length;
  more.textContent = `Show more (${count(rows.length - shown)} left)`;
}

function meter(words, steps, kind) {
  const bar = make("i"), known = steps >= 0;
  bar.style.width = `${known ? steps / 100 : 0}%`;
  return make("div", { class: `meter ${kind}` }, make("span", {}, words), make("span", {}, percent(steps)), make("span", { class: "line" }, bar));
}
function answers(title, predicted, sure, own, truth) {
  if (predicted < 0) return make("div", {}, make("h3", {}, title), make("p", { class: "soft" }, "not judged"));
  const right = predicted === truth;
  return make("div", {}, make("h3", {}, title), meter((right ? "✓ " : "✗ ") + className(predicted), sure, right ? "hit" : "miss"),
    ...(right ? [] : [meter(`true class: ${className(truth)}`, own, "hit")]));
}
function everyCell(clip) {
  return at.cells.flatMap((cell, c) => { const r = cell.clips.indexOf(clip); return r < 0 ? [] : [{ c, r }]; });
}
function open(row) {
  const { c, r } = row, cell = at.cells[c], clip = cell.clips[r], truth = label(row), strips = stripOf(row);
  const others = everyCell(clip), wholeOf = others.map(stripOf).find(Boolean);
  const button = (words, title, act) => { const node = make("button", { type: "button", title }, words); node.addEventListener("click", act); return node; };
  const attributes = Object.entries(at.attributes).flatMap(([name, { values, of }]) => (of[clip] < 0 ? [] : [`${name.replaceAll("_", " ")}: ${values[of[clip]]}`]));
  const pictures = [];
  if (strips) {
    const [seen, plain, frames, of] = strips, part = of > frames ? ` (${frames} of ${of} frames)` : "";
    pictures.push(make("h3", {}, (seen === plain ? "The clip" : "As the model saw it") + part), strip(seen, frames, "as the model saw it"));
    if (seen !== plain) pictures.push(make("h3", {}, "Without mask and noise"), strip(plain, frames, "without the mask"));
  } else if (wholeOf) {
    const words = cell.clean ? "The clip" : "Without mask and noise (the masked frames are not on this page)";
    pictures.push(make("h3", {}, words), strip(wholeOf[1], wholeOf[2], "without the mask"));
  } else pictures.push(make("p", { class: "soft" }, "The frames of this clip are not on this page."));
  const table = make("tbody", {}, ...others.map((other) => {
    const their = at.cells[other.c], kept = stripOf(other);
    const go_to = make("a", { href: "#" + link({ show: at.clips[clip], in: their.result }) }, their.name);
    go_to.addEventListener("click", (event) => { event.preventDefault(); go({ show: at.clips[clip], in: their.result }); });
    return make("tr", { class: other.c === c ? "here" : "" }, make("td", {}, go_to, their.leaks ? make("span", { class: "leak" }, " leaks the label") : ""),
      make("td", { class: "text" }, answer(their.predicted[other.r], their.confidence[other.r], their.predicted[other.r] === truth)),
      make("td", {}, percent(their.true_probability[other.r])), make("td", {}, percent(their.hidden[other.r])), make("td", {}, drift(their.drift[other.r])),
      make("td", {}, kept ? frame(kept[0], Math.floor(kept[2] / 2), kept[2], "middle frame") : ""));
  }));
  dialog.replaceChildren(
    make("div", { class: "bar" }, make("h2", { id: "one-title" }, className(truth), make("span", { class: "soft" }, ` ${at.clips[clip]}`)),
      button("←", "previous clip (left key)", () => step(-1)), button("→", "next clip (right key)", () => step(1)),
      button("Copy link", "copy the address of this clip", (event) => navigator.clipboard?.writeText(location.href).then(() => { event.target.textContent = "Copied"; })),
      button("Close", "close (Escape)", () => go({}))),
    make("div", { class: "body" },
      make("p", { class: `soft ${tone(row)}` }, make("span", { class: "kind" }, kindOf(row)), ` · ${cell.name}`, cell.leaks ? make("span", { class: "leak" }, " leaks the label") : "",
        cell.scene[r] >= 0 ? ` · scene of ${className(cell.scene[r])}` : "", ` · group ${at.groups[clip]}`, attributes.length ? ` · ${attributes.join(", ")}` : ""),
      ...pictures,
      make("div", { class: "two" },
        ...(cell.before[r] < 0 ? [] : [answers("Before", cell.before[r], cell.confidence_before[r], cell.true_probability_before[r], truth)]),
        answers(cell.before[r] < 0 ? "Answer" : "After", cell.predicted[r], cell.confidence[r], cell.true_probability[r], truth)),
      make("p", { class: "soft" }, `hidden ${percent(cell.hidden[r])} of the picture · drift ${drift(cell.drift[r])}`),
      make("h3", {}, "The same clip in every cell"),
      make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, make("th", {}, "cell"), make("th", { class: "text" }, "answer"), ...["p(true)", "hidden", "drift", ""].map((words) => make("th", {}, words)))), table))));
  const place = rows.findIndex(same(row));
  while (place >= shown && shown < rows.length && place < shown + 10 * CHUNK) drawMore();
  last = list.children[place]?.firstChild;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}
function current() {
  const { show, in: result } = whole, c = at.cells.findIndex((cell) => cell.result === result), clip = at.clips.indexOf(show);
  const r = c < 0 ? -1 : at.cells[c].clips.indexOf(clip);
  return show === undefined || r < 0 ? null : { c, r };
}
const same = (a) => (b) => a.c === b.c && a.r === b.r;
function step(by) {
  const here = current(), place = rows.findIndex(same(here)), next = rows[place < 0 ? 0 : place + by];
  if (!next) return;
  go({ show: clipOf(next), in: at.cells[next.c].result }, true);
}
function stepCell(by) {
  const here = current(), others = everyCell(at.cells[here.c].clips[here.r]), next = others[others.findIndex(same(here)) + by];
  if (next) go({ show: clipOf(next), in: at.cells[next.c].result }, true);
}

// State and address.
function link(opened) {
  const words = new URLSearchParams();
  for (const name of FIELDS) {
    const value = field(name).type === "checkbox" ? (field(name).checked ? "1" : "") : field(name).value;
    if (value !== "" && !(name === "comparison" && data.comparisons.length === 1)) words.set(name, value);
  }
  for (const [name, value] of Object.entries(opened)) words.set(name, value);
  return words.toString().replaceAll("+", "%20");
}
function go(opened, instead = false) {
  const words = "#" + link(opened);
  try {
    if (instead || !Object.keys(opened).length) history.replaceState(null, "", words);
    else history.pushState(null, "", words);
  } catch { /* a page inside another page may have no history */ }
  whole = { ...whole, show: undefined, in: undefined, ...opened };
  showOpened();
}
function showOpened() {
  const row = current();
  if (row) return open(row);
  if (dialog.open) dialog.close();
}
function apply() { go({}, true); draw(); }
function options(name, pairs) {
  field(name).replaceChildren(...pairs.map(([value, words]) => new Option(words, value)));
}
function enter(index) {
  at = data.comparisons[index];
  const some = at.cells.some((cell) => cell.clean) && at.cells.some((cell) => !cell.clean);
  options("cell", [["", some ? "all with a mask or noise" : "all"], ...(some ? [["*", "all, with clean cells"]] : []), ...at.cells.map((cell) => [cell.result, cell.name])]);
  const classes = [...at.classes].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  options("class", [["", "any"], ...classes.map((name) => [name, name])]);
  options("predicted", [["", "any"], ...classes.map((name) => [name, name])]);
  const there = new Set(at.cells.flatMap((cell) => [...new Set(cell.change)]));
  const scenes = at.cells.some((cell) => cell.scene.some((scene) => scene >= 0));
  options("change", [["", "any"], ...([LOST, GAINED, OTHER].some((one) => there.has(one)) ? [["changed", "changed answers"]] : []),
    ...changes.flatMap((name, one) => (there.has(one) ? [[name, data.changes[name]]] : [])), ...(scenes ? [["scene", "to the scene's class"]] : [])]);
  const known = Object.entries(at.attributes);
  document.getElementById("of-attribute").hidden = !known.length;
  field("attribute").replaceChildren(new Option("any", ""), ...known.map(([name, { values }]) => {
    const group = make("optgroup", { label: name.replaceAll("_", " ") });
    group.append(...values.map((value) => new Option(value, JSON.stringify([name, value]))));
    return group;
  }));
}
function read() {
  const words = new URLSearchParams(location.hash.slice(1));
  whole = Object.fromEntries(words);
  const index = Math.min(Math.max(Number(whole.comparison || 1) - 1, 0), data.comparisons.length - 1) || 0;
  if (at !== data.comparisons[index]) enter(index);
  for (const name of FIELDS) {
    if (field(name).type === "checkbox") field(name).checked = whole[name] === "1";
    else field(name).value = name === "comparison" ? String(index + 1) : whole[name] || "";
    if (field(name).selectedIndex === -1) field(name).selectedIndex = 0; // a link to what is not here
  }
  draw();
  showOpened();
}
form.addEventListener("input", (event) => { if (event.target.name === "comparison") { enter(Number(event.target.value) - 1); } apply(); });
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(apply));
dialog.addEventListener("close", () => {
  if (whole.show !== undefined) go({});
  last?.focus();
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
more.addEventListener("click", drawMore);
new IntersectionObserver(([seen]) => { if (seen.isIntersecting && !more.hidden) drawMore(); }, { rootMargin: "600px" }).observe(more.parentElement);
addEventListener("hashchange", read);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (dialog.open) {
    const act = { ArrowRight: () => step(1), ArrowLeft: () => step(-1), j: () => step(1), k: () => step(-1), ArrowDown: () => stepCell(1), ArrowUp: () => stepCell(-1) }[event.key];
    if (act) { event.preventDefault(); act(); }
    return;
  }
  if (event.target.matches("select, input")) { if (event.key === "Escape") event.target.blur(); return; }
  if (event.key === "/") { event.preventDefault(); folded.open = true; field("clip").focus(); }
  if (event.key === "r") form.reset();
  if (event.key === "j" || event.key === "k") {
    const links = [...list.querySelectorAll("a.row")], place = links.indexOf(document.activeElement);
    const next = links[event.key === "j" ? place + 1 : Math.max(place - 1, 0)];
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); } else drawMore();
  }
});

if (matchMedia("(max-width: 56rem)").matches) folded.open = where.open = false;
options("comparison", data.comparisons.map(({ name }, index) => [String(index + 1), name]));
document.getElementById("of-comparison").hidden = data.comparisons.length === 1;
read();
