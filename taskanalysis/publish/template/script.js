"use strict";
// Freshness, by the reader's clock: a page that is no longer renewed says so itself. Without scripts the time is there.
let isStale = false;
for (const each of document.querySelectorAll("body [data-stale-after]")) {
  if (Date.now() <= Date.parse(each.dataset.staleAfter)) continue;
  each.textContent = each.dataset.stale;
  each.classList.add("stale");
  isStale ||= Boolean(each.closest(".when") || document.querySelector("h1.all"));
}
if (isStale) {
  document.querySelector("h1").prepend("When it was last known: ");
  document.title = `Stale: ${document.title}`;
  const line = document.querySelector("h1 + .sub")?.firstChild;
  if (line) line.data = line.data.replace(": no need to worry", "");
}
for (const each of document.querySelectorAll("time[data-age]")) {
  const minutes = (Date.now() - Date.parse(each.dateTime)) / 60000;
  const [size, unit] = minutes < 120 ? [1, "minute"] : minutes < 2880 ? [60, "hour"] : [1440, "day"];
  const number = Math.floor(minutes / size);
  if (number >= 0) each.after(` (${number} ${unit}${number === 1 ? "" : "s"} ago)`);
}
// Lines to copy.
for (const line of document.querySelectorAll(".cmd")) {
  const text = line.textContent, button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", () => navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; }));
  line.append(button);
}
// A story that the fragment names is open; on paper all that is folded is open too, where the browser's style can't.
const openTarget = () => {
  const id = location.hash.slice(1), target = id && document.getElementById(id), folded = target && target.closest("details");
  if (folded) { folded.open = true; target.scrollIntoView(); return; }
  const elsewhere = id && !target && document.querySelector(`.names a[href$="#${CSS.escape(id)}"]`);
  if (elsewhere) location.replace(elsewhere.href);
};
addEventListener("hashchange", openTarget);
openTarget();
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach((each) => { each.open = true; each.dataset.closed = ""; }));
addEventListener("afterprint", () => document.querySelectorAll("details[data-closed]").forEach((each) => { each.open = false; delete each.dataset.closed; }));
// Lists that filter by words and states, and tables that sort. The state of both is in the fragment, so that a link
// keeps it: q words, v states, s the column (-s downwards); of the second list on a page q2, v2, s2. The list with states
// is the first. All is there without scripts, in the order of the page.
const ranks = ["FAILING", "OVERDUE", "RUNNING LONG", "UNKNOWN", "RUNNING", "NEVER RAN", "DISABLED", "OK"];
const collator = new Intl.Collator("en", { numeric: true });
const lists = [];
function key(cell, isNumber) {
  const time = cell.querySelector("time"), text = cell.textContent;
  if (time) return Date.parse(time.dateTime);
  const rank = ranks.indexOf(text);
  if (rank >= 0) return rank;
  const number = isNumber && text ? Number(text.replace(/[,%\s]/g, "")) : NaN;
  return Number.isNaN(number) ? text.toLowerCase() : number;
}
function write() {
  const state = new URLSearchParams();
  lists.forEach((list, i) => list.write(state, i ? String(i + 1) : ""));
  history.replaceState(null, "", state.size ? `#?${state}` : location.pathname + location.search);
}
function read() {
  if (location.hash && !location.hash.startsWith("#?")) return;
  const state = new URLSearchParams(location.hash.slice(2));
  lists.forEach((list, i) => list.read(state, i ? String(i + 1) : ""));
}
function makeList(rows, name, before, heads, chipped) {
  const order = new Map(rows.map((row, i) => [row, i])), body = rows[0].parentNode;
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const tools = document.createElement("div"), input = document.createElement("input"), said = document.createElement("output");
  const stateOf = rows.map((row) => chipped ? row.querySelector(".badge")?.textContent : ""), counts = new Map();
  for (const v of stateOf) if (v) counts.set(v, (counts.get(v) || 0) + 1);
  const states = new Set(), chips = [];
  let sort = "";
  tools.className = "tools";
  input.type = "search";
  input.setAttribute("aria-label", `Filter: ${name}`);
  input.placeholder = "Find …";
  tools.append(input);
  for (const v of [...counts.keys()].sort((a, b) => ranks.indexOf(a) - ranks.indexOf(b))) {
    const chip = document.createElement("a");
    chip.textContent = `${counts.get(v)} ${v}`;
    chip.href = `#?${new URLSearchParams({ v })}`;
    chip.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (!states.delete(v)) states.add(v);
      show();
      write();
    });
    chips.push([v, chip]);
    tools.append(chip);
  }
  tools.append(said);
  if (rows.length >= 8) before.before(tools);
  function show() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let number = 0;
    rows.forEach((row, i) => {
      row.hidden = !((!states.size || states.has(stateOf[i])) && words.every((word) => texts[i].includes(word)));
      number += !row.hidden;
    });
    said.textContent = states.size || words.length ? `${number} of ${rows.length}` : "";
    for (const [v, chip] of chips) states.has(v) ? chip.setAttribute("aria-current", "true") : chip.removeAttribute("aria-current");
  }
  function arrange() {
    const down = sort.startsWith("-"), column = sort ? Number(sort.replace("-", "")) : -1;
    heads.forEach((head, i) => i === column ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
    const keys = new Map(column < 0 ? [] : rows.map((row) => [row, key(row.cells[column], heads[column].classList.contains("number"))]));
    const compare = (a, b) => {
      const x = keys.get(a), y = keys.get(b);
      if (x === "" || y === "") return (x === "") - (y === "") || order.get(a) - order.get(b);
      const found = typeof x === "number" && typeof y === "number" ? x - y : collator.compare(x, y);
      return (down ? -found : found) || order.get(a) - order.get(b);
    };
    body.append(...(column < 0 ? rows : [...rows].sort(compare)));
  }
  heads.forEach((head, i) => {
    if (!rows.some((row) => row.cells[i]?.textContent)) return; // strips have no order
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.title = head.title;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      sort = sort === String(i) ? `-${i}` : sort === `-${i}` ? "" : String(i);
      arrange();
      write();
    });
  });
  input.addEventListener("input", () => { show(); write(); });
  lists[chipped ? "unshift" : "push"]({
    write(state, n) {
      if (input.value) state.set(`q${n}`, input.value);
      for (const v of states) state.append(`v${n}`, v);
      if (sort) state.set(`s${n}`, sort);
    },
    read(state, n) {
      const wanted = state.get(`s${n}`) || "";
      input.value = state.get(`q${n}`) || "";
      states.clear();
      for (const v of state.getAll(`v${n}`)) if (counts.has(v)) states.add(v);
      show();
      if (wanted !== sort && (wanted === "" || (/^-?\d+$/.test(wanted) && heads[Number(wanted.replace("-", ""))]))) { sort = wanted; arrange(); }
    },
  });
}
for (const table of document.querySelectorAll(".table table")) {
  makeList([...table.tBodies[0].rows], table.caption.textContent, table.parentNode, [...table.tHead.rows[0].cells], table.classList.contains("chips"));
}
const stories = [...document.querySelectorAll(".task")];
if (stories.length > 1) makeList(stories, "Tasks", stories[0], [], true);
addEventListener("hashchange", read);
read();
