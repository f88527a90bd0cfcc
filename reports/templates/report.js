// Sorts a table by a click on its header: numbers by data-sort or with their unit, words by their text; what is missing
// stays last.
"use strict";
const UNITS = {
  ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, KiB: 1024, MiB: 1048576, GiB: 1073741824,
  "µJ": 1e-6, mJ: 1e-3, J: 1, kJ: 1e3, mW: 1e-3, W: 1, kW: 1e3, mWh: 1e-3, Wh: 1, "%": 0.01,
};
/* The figure of a cell without its interval; a word as it is. */
const sortKey = (cell) => {
  if (cell.dataset.sort !== undefined) return cell.dataset.sort;
  const text = Array.from(cell.childNodes).filter((node) => !node.classList?.contains("interval"))
    .map((node) => node.textContent).join(" ").trim();
  if (text.startsWith("n/a")) return "";
  const figure = /^([-−]?[\d,]+(?:\.\d+)?)\s*(\S*)/.exec(text);
  return figure ? Number(figure[1].replaceAll(",", "").replace("−", "-")) * (UNITS[figure[2]] ?? 1) : text;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headers = Array.from(table.tHead.rows[0].cells);
  if (2 > body.rows.length) continue;
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const up = header.getAttribute("aria-sort") !== "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => sortKey(row.cells[column]);
      const rows = Array.from(body.rows).sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === "" || y === "") return (x === "" ? 1 : 0) - (y === "" ? 1 : 0);
        const [p, q] = [Number(x), Number(y)];
        const order = Number.isNaN(p) || Number.isNaN(q) ? String(x).localeCompare(String(y)) : p - q;
        return up ? order : -order;
      });
      body.append(...rows);
    });
  });
}
