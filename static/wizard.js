"use strict";
/* What the steps of connecting have beyond plain forms: a secret that can be shown, a filter over rows, a print button.
   Without this file the buttons stay hidden and everything still works. */
(() => {
  function prepare() {
    for (const button of document.querySelectorAll("[data-show][hidden], [data-print][hidden], [data-filter][hidden]")) button.hidden = false;
  }
  document.addEventListener("click", (event) => {
    const print = event.target.closest("[data-print]");
    if (print) return window.print();
    const button = event.target.closest("[data-show]");
    const field = button && document.getElementById(button.dataset.show);
    if (!field) return;
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    button.firstChild.textContent = shown ? "Hide" : "Show";
  });
  document.addEventListener("submit", () => {
    for (const button of document.querySelectorAll('[data-show][aria-pressed="true"]')) button.click();
  });
  document.addEventListener("input", (event) => {
    const box = event.target.closest("[data-filter]");
    if (!box) return;
    event.stopPropagation();
    const wanted = event.target.value.trim().toLowerCase();
    const rows = [...document.getElementById(box.dataset.filter).rows];
    for (const row of rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
    const left = rows.filter((row) => !row.hidden).length;
    box.querySelector("[data-filter-count]").textContent = wanted ? `${left} of ${rows.length} match` : "";
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-filter]")) event.stopPropagation();
  }, true);
  document.addEventListener("htmx:after:swap", prepare);
  prepare();
})();
