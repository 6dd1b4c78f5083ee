"use strict";
// Tables: sort by a click on a title; filter rows and hide columns where the table has the class "tools".
(() => {
  const shown = (cell) => (cell ? cell.textContent.trim() : "");
  const number = (text) => {
    const plain = text.replace(/\u2212/g, "-").replace(/^[^\u2192]*\u2192/, "").replace(/(\d),(?=\d{3})/g, "$1");
    const found = plain.trim().match(/^[<+]?\s*(-?\d+(?:\.\d+)?)/);
    return found ? Number(found[1]) - (plain.trim().startsWith("<") ? 1e-9 : 0) : NaN;
  };
  const unknown = (text) => text === "" || text === "\u2013";

  function sortable(table) {
    const body = table.tBodies[0];
    const titles = [...table.tHead.rows[0].cells];
    const rows = [...body.rows];
    titles.forEach((title, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "sort";
      button.append(...title.childNodes);
      title.append(button);
      button.addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" };
        const order = next[title.getAttribute("aria-sort") || "none"];
        titles.forEach((other) => other.removeAttribute("aria-sort"));
        if (order !== "none") title.setAttribute("aria-sort", order);
        const keys = new Map(rows.map((row) => [row, shown(row.cells[column])]));
        const known = rows.filter((row) => !unknown(keys.get(row)));
        const numeric = known.every((row) => !Number.isNaN(number(keys.get(row))));
        const compare = (a, b) =>
          numeric
            ? number(keys.get(a)) - number(keys.get(b))
            : keys.get(a).localeCompare(keys.get(b), "en", { numeric: true });
        if (order !== "none") known.sort((a, b) => (order === "ascending" ? 1 : -1) * compare(a, b));
        const last = rows.filter((row) => unknown(keys.get(row)));
        body.append(...(order === "none" ? rows : [...known, ...last]));
      });
    });
  }

  function withTools(table) {
    const titles = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows];
    const bar = document.createElement("div");
    bar.className = "toolbar";
    const search = document.createElement("input");
    search.type = "search";
    search.placeholder = "filter rows";
    search.setAttribute("aria-label", "filter rows: all words must occur");
    const count = document.createElement("span");
    count.setAttribute("role", "status");
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let many = 0;
      for (const row of rows) {
        const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        many += row.hidden ? 0 : 1;
      }
      count.textContent = words.length ? `${many} of ${rows.length} rows` : "";
    });
    const menu = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "columns";
    const list = document.createElement("div");
    menu.append(summary, list);
    titles.slice(1).forEach((title, place) => {
      const column = place + 1;
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = !title.classList.contains("more");
      const show = () =>
        [title, ...rows.map((row) => row.cells[column])].forEach((cell) => cell && cell.classList.toggle("off", !box.checked));
      box.addEventListener("change", show);
      label.append(box, ` ${shown(title).replace(/\u00ad/g, "")}`);
      list.append(label);
      show();
    });
    const hint = document.createElement("span");
    hint.textContent = "click a title to sort";
    bar.append(search, menu, hint, count);
    table.parentElement.before(bar);
  }

  for (const table of document.querySelectorAll(".scroll > table")) {
    if (!table.tHead || !table.tBodies.length || table.tBodies[0].rows.length < 2) continue;
    if (table.classList.contains("tools")) withTools(table);
    sortable(table);
  }
})();
