"use strict";
// Filters and sorts the rows; without it the page shows all rows, the best of each part first.
const form = document.querySelector(".filters");
const fields = [...form.querySelectorAll("select, input")];
const value = (name) => document.getElementById(name)?.value ?? "";

function filter() {
  const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
  const hideLeaks = document.getElementById("leaks")?.checked;
  let shown = 0;
  let total = 0;
  for (const board of document.querySelectorAll(".board")) {
    let here = 0;
    for (const row of board.querySelectorAll(".results tbody tr")) {
      const text = row.textContent.toLowerCase();
      const kept =
        (!value("board") || board.dataset.board === value("board")) &&
        (!value("model") || row.dataset.model === value("model")) &&
        (!value("mask") || row.dataset.mask === value("mask")) &&
        !(hideLeaks && "leaks" in row.dataset) &&
        words.every((word) => text.includes(word));
      row.hidden = !kept;
      here += kept;
      total += 1;
    }
    board.hidden = !here;
    shown += here;
  }
  document.getElementById("shown").textContent = `${shown} of ${total} results`;
  const state = new URLSearchParams();
  for (const field of fields) {
    const now = field.type === "checkbox" ? (field.checked ? "1" : "") : field.value;
    if (now) state.set(field.id, now);
  }
  history.replaceState(null, "", state.size ? `#${state}` : location.pathname);
}

function sort(header) {
  const table = header.closest("table");
  const place = [...header.parentElement.children].indexOf(header);
  const key = (row) => {
    const cell = row.children[place];
    return cell.dataset.value ?? (cell.querySelector("summary") ?? cell).textContent.trim();
  };
  const isNumber = table.querySelector("tbody tr").children[place].dataset.value !== undefined;
  const first = isNumber ? "descending" : "ascending";
  const other = { ascending: "descending", descending: "ascending" };
  const now = header.getAttribute("aria-sort");
  const order = now ? other[now] : first;
  for (const one of header.parentElement.children) one.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const compare = (one, two) => {
    const [left, right] = [key(one), key(two)];
    if (!isNumber) return sign * left.localeCompare(right, "en", { numeric: true });
    const [known, also] = [Number(left), Number(right)];
    if (Number.isNaN(known) || Number.isNaN(also)) return Number.isNaN(known) - Number.isNaN(also);
    return sign * (known - also);
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare));
}

function restore() {
  const state = new URLSearchParams(location.hash.slice(1));
  for (const field of fields) {
    const kept = state.get(field.id) ?? "";
    if (field.type === "checkbox") field.checked = kept === "1";
    else field.value = kept;
  }
}

for (const header of document.querySelectorAll(".results th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sort(header));
  header.append(button);
}
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", () => { restore(); filter(); });
restore();
filter();
