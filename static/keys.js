"use strict";
/* The run sheet by keyboard. The list is one stop of the Tab key: the line one is on, and what can be pressed inside it;
   arrows go from line to line. The keys work while the focus is in the list, or everywhere on the page where the person
   has switched them on. Whether a line can be worked on is the server's to say: a key presses a button that is there. */
(() => {
  const sheet = () => document.getElementById("sheet");
  if (!sheet()) return;
  const body = document.body;
  const CARD = "[data-card]";
  const help = document.getElementById("keys");
  const lines = () => [...sheet().querySelectorAll(CARD)];
  const groupOf = (line) => line.closest("[data-section], [data-clinician]");
  const opener = (line) => line.querySelector("[data-act=open]");
  const tell = (text) => document.dispatchEvent(new CustomEvent("toast", { detail: { text } }));

  /* One line is in the order of the Tab key; the others are reached by arrows. */
  let here = null;
  function setStop(line, on) {
    for (const control of line.querySelectorAll("a[href], button, summary")) {
      if (on) control.removeAttribute("tabindex");
      else control.tabIndex = -1;
    }
  }
  function rove() {
    const all = lines();
    const active = document.activeElement && document.activeElement.closest(CARD);
    const line = [active, here && document.getElementById(here)].find((found) => all.includes(found)) || all[0];
    here = line ? line.id : null;
    for (const other of all) setStop(other, other === line);
  }
  document.addEventListener("focusin", (event) => {
    const line = event.target.closest && event.target.closest(`#sheet ${CARD}`);
    if (!line || line.id === here) return;
    const last = here && document.getElementById(here);
    if (last) setStop(last, false);
    here = line.id;
    setStop(line, true);
  });
  document.addEventListener("htmx:after:swap", rove);
  rove();

  const current = () => {
    const line = here && document.getElementById(here);
    return line && sheet().contains(line) ? line : lines()[0];
  };
  function goTo(line) {
    if (!line) return;
    opener(line).focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
  }
  const isIn = (line) => line.contains(document.activeElement);
  function step(by) {
    const all = lines();
    const line = current();
    if (!line) return;
    if (!isIn(line)) return goTo(line);
    goTo(all[all.indexOf(line) + by]);
  }
  function otherGroup(by) {
    const groups = [...new Set(lines().map(groupOf))];
    const line = current();
    const group = line && groups[groups.indexOf(groupOf(line)) + by];
    if (group) goTo(group.querySelector(CARD));
  }
  function nextToCall() {
    const line = current();
    const links = [...(line ? groupOf(line).querySelectorAll("[data-next]") : []), ...sheet().querySelectorAll("[data-next]")];
    const named = links.map((link) => sheet().querySelector(link.hash)).find(Boolean);
    const toCall = named || lines().find((other) => ["booked", "no_answer"].includes(other.dataset.state) && other.dataset.presence === "on_sheet");
    if (toCall) goTo(toCall);
    else tell("Nobody is left to call here.");
  }
  function press(act, without) {
    const line = current();
    const button = line && line.querySelector(`[data-act="${act}"]`);
    if (button) button.click();
    else tell(without);
  }
  function undo() {
    const button = document.querySelector("#toast [data-act=undo]");
    if (button) button.click();
    else tell("There is nothing to take back here. The card's story has the rest.");
  }
  function search() {
    const field = document.getElementById("q");
    field.focus();
    field.select();
  }
  function open() {
    if (current()) opener(current()).click();
  }
  function showHelp() {
    if (help && !help.open) help.showModal();
  }

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    "[": () => otherGroup(-1),
    "]": () => otherGroup(1),
    Enter: open,
    n: nextToCall,
    c: () => press("copy-phone", "No phone to copy."),
    l: () => press("copy-link", "No link for the patient to copy."),
    s: () => press("advance", "There is no next step here."),
    a: () => press("no-answer", "No answer does not fit here."),
    u: undo,
    "/": search,
    p: () => document.querySelector("[data-print]").click(),
    "?": showHelp,
  };
  const ARROWS = ["ArrowDown", "ArrowUp"];
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    const at = event.target;
    if (at.id === "q" && event.key === "ArrowDown" && lines().length) {
      event.preventDefault();
      return goTo(lines()[0]);
    }
    if (at.matches("input, select, textarea") || at.isContentEditable) return;
    const inList = Boolean(at.closest(".work-list, .columns"));
    if (!inList && body.dataset.shortcuts !== "on") return;
    if (ARROWS.includes(event.key) && (!inList || at.closest(".menu-body"))) return; /* else the page scrolls */
    if (event.key === "Enter" && at !== body && at.matches("a, button, summary")) return; /* the focus has it already */
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) showHelp();
    if (help && (event.target === help || event.target.closest("[data-close-keys]"))) help.close();
  });
  document.addEventListener("shortcuts", (event) => {
    if (event.detail.on) body.dataset.shortcuts = "on";
    else delete body.dataset.shortcuts;
  });
})();
