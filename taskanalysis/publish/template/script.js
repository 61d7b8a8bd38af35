"use strict";
// Freshness, by the reader's clock: a page that is no longer renewed says so itself. Without scripts the time is there.
for (const each of document.querySelectorAll("body [data-stale-after]")) {
  if (Date.now() <= Date.parse(each.dataset.staleAfter)) continue;
  each.textContent = each.dataset.stale;
  each.classList.add("stale");
}
for (const each of document.querySelectorAll("time[data-age]")) {
  const minutes = (Date.now() - Date.parse(each.dateTime)) / 60000;
  const [size, unit] = minutes < 120 ? [1, "minute"] : minutes < 2880 ? [60, "hour"] : [1440, "day"];
  const number = Math.floor(minutes / size);
  if (number >= 0) each.append(` (${number} ${unit}${number === 1 ? "" : "s"} ago)`);
}
// The contents: open, but where a screen is narrow.
const contents = document.querySelector(".contents details");
if (contents && matchMedia("(max-width: 45rem)").matches) contents.open = false;
// Tables that sort by a click on a column's name and filter by words. Without scripts they are whole and in order.
for (const table of document.querySelectorAll(".table table")) {
  const body = table.tBodies[0], rows = [...body.rows];
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.title = head.title;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const cell = (row) => row.cells[column];
      const order = head.classList.contains("number")
        ? (a, b) => Number(cell(a).dataset.value) - Number(cell(b).dataset.value)
        : (a, b) => compare(cell(a).textContent, cell(b).textContent);
      const sorted = [...rows].sort((a, b) => order(a, b) * (down ? -1 : 1));
      body.append(...sorted);
    });
  });
  if (rows.length < 8) continue;
  const label = document.createElement("label"), input = document.createElement("input"), said = document.createElement("output");
  label.className = "filter";
  input.type = "search";
  input.setAttribute("aria-label", `Filter: ${table.caption.textContent}`);
  label.append("Filter ", input, said);
  table.parentNode.before(label);
  const texts = rows.map((row) => row.textContent.toLowerCase());
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, i) => { row.hidden = !words.every((word) => texts[i].includes(word)); });
    said.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
  });
}
