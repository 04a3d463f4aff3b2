"use strict";
/* What the pages need beside htmx: quiet polls, a watch on the server, the side panel, focus, spoken results. */
(() => {
  const CONTACT_LIMIT_MS = 60_000;
  const SAY_EVERY_MS = 10_000;
  const byId = (id) => document.getElementById(id);

  /* Polls say that they are polls (they never count as activity), rest in hidden tabs and run once on return. */
  const TIMED = new Set(["every", "load", "sheet:changed", "sheet:again"]);
  document.addEventListener("htmx:config:request", (event) => {
    const ctx = event.detail.ctx;
    if (ctx.sourceEvent && TIMED.has(ctx.sourceEvent.type)) ctx.request.headers["X-Poll"] = "1";
  });
  document.addEventListener("htmx:before:request", (event) => {
    const ctx = event.detail.ctx;
    if (document.hidden && ctx.sourceEvent && ctx.sourceEvent.type === "every") event.preventDefault();
    if (ctx.sourceElement.id === "sheet" && !mayRefresh()) return event.preventDefault();
    const button = ctx.request.submitter || ctx.sourceElement;
    if (button.getAttribute && button.getAttribute("aria-disabled") === "true") event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    lastContact = Math.max(lastContact, Date.now() - CONTACT_LIMIT_MS + 15_000);
    document.body.dispatchEvent(new CustomEvent("sheet:changed"));
  });

  /* Nothing moves under a person's hand: while the pointer or a key is at work in the list, a refresh waits. While
     something is searched for, the search is what refreshes. */
  const HAND_MS = 1_500;
  const LONGEST_WAIT_MS = 20_000;
  let handAt = 0;
  let waitsSince = 0;
  let again;
  function hand(event) {
    if (event.target.closest && event.target.closest(".work-list, .columns")) handAt = Date.now();
  }
  for (const kind of ["pointermove", "pointerdown", "keydown", "input"]) {
    document.addEventListener(kind, hand, { passive: true });
  }
  function mayRefresh() {
    const now = Date.now();
    const busy = now - handAt < HAND_MS || document.querySelector("#sheet details.menu[open]");
    if (busy && (!waitsSince || now - waitsSince < LONGEST_WAIT_MS)) {
      waitsSince = waitsSince || now;
      clearTimeout(again);
      again = setTimeout(() => document.body.dispatchEvent(new CustomEvent("sheet:changed")), HAND_MS);
      return false;
    }
    waitsSince = 0;
    const search = byId("q");
    if (!search || !search.value.trim()) return true;
    search.form.dispatchEvent(new CustomEvent("sheet:again"));
    return false;
  }

  /* A failing poll keeps the old page with no sign of it: after a minute without an answer the page says so itself. */
  let lastContact = Date.now();
  const clock = (at) => new Date(at).toLocaleTimeString("en-AU", { hour: "2-digit", minute: "2-digit", hour12: false });

  document.addEventListener("htmx:after:request", (event) => {
    const status = event.detail.ctx.response.status;
    if (status < 500) {
      lastContact = Date.now();
      unveil();
    }
  });

  setInterval(() => {
    if (document.hidden || !byId("sheet") || Date.now() - lastContact < CONTACT_LIMIT_MS) return;
    veil(`No contact with the server since ${clock(lastContact)}. What you see is from then.`);
  }, 5_000);

  function veil(text) {
    const root = document.documentElement;
    const node = byId("veil");
    if (!node || root.classList.contains("veiled")) return;
    root.classList.add("veiled");
    node.hidden = false;
    node.querySelector("p").textContent = text;
    byId("shout").textContent = text;
  }

  function unveil() {
    document.documentElement.classList.remove("veiled");
    const node = byId("veil");
    if (node && !node.hidden) {
      node.hidden = true;
      byId("shout").textContent = "";
    }
  }

  /* Spoken results: a server answer with HX-Trigger {"say": {"text": "..."}}. At most one in ten seconds, the latest wins. */
  let saidAt = 0;
  let waitingToSay;
  document.addEventListener("say", (event) => {
    clearTimeout(waitingToSay);
    const say = () => { saidAt = Date.now(); byId("say").textContent = event.detail.text; };
    waitingToSay = setTimeout(say, Math.max(0, saidAt + SAY_EVERY_MS - Date.now()));
  });

  /* A refresh may put lines in other places. What is in view stays where it is, whatever came or went above: most of
     the lines that were in view say by how much (a line that moved would drag the view along with it). */
  let held = [];
  const groupOf = (line) => line.closest("[data-section], [data-clinician]").id;
  const scroller = () => {
    const main = document.querySelector("main");
    return getComputedStyle(main).overflowY === "visible" ? document.scrollingElement : main;
  };
  function holdView() {
    held = [];
    for (const line of document.querySelectorAll(".work-list [data-card]")) {
      const { top, bottom } = line.getBoundingClientRect();
      if (bottom > 0 && top < innerHeight) held.push({ id: line.id, group: groupOf(line), top });
      else if (held.length) break;
    }
  }
  function keepView() {
    const moved = new Map();
    for (const { id, group, top } of held) {
      const line = byId(id);
      if (!line || groupOf(line) !== group) continue;
      const by = Math.round(line.getBoundingClientRect().top - top);
      moved.set(by, (moved.get(by) || 0) + 1);
    }
    held = [];
    const [most] = [...moved].sort((first, second) => second[1] - first[1]);
    if (most && most[0]) scroller().scrollTop += most[0];
  }

  /* After a swap: changed cards glow once, and focus never falls to the page itself: where the line it was in is gone, the
     next line has it. */
  let before = { versions: new Map(), focus: null, inside: false, following: [] };
  function following(active) {
    const line = active && active.closest("#sheet [data-card]");
    if (!line) return [];
    const lines = [...document.querySelectorAll("#sheet [data-card]")].map((other) => other.id);
    return lines.slice(lines.indexOf(line.id));
  }
  document.addEventListener("htmx:before:swap", (event) => {
    const target = event.detail.ctx.target;
    const active = document.activeElement;
    before = {
      versions: new Map([...document.querySelectorAll("[data-v]")].map((card) => [card.id, card.dataset.v])),
      focus: active && active.id,
      inside: Boolean(target && target.contains && active !== document.body && target.contains(active)),
      following: following(active),
    };
    if (target && target.id === "sheet") holdView();
  });
  document.addEventListener("htmx:after:swap", () => {
    if (before.versions.size) {
      for (const card of document.querySelectorAll("[data-v]")) {
        if (before.versions.get(card.id) !== card.dataset.v) card.classList.add("changed");
      }
      before.versions = new Map();
    }
    if (before.inside && document.activeElement === document.body) {
      const panel = byId("panel");
      const open = panel && panel.open; /* all but an open panel is out of reach */
      const line = before.following.map(byId).find(Boolean);
      const home = (open && panel.querySelector(".summary[role=alert]")) || (before.focus && byId(before.focus)) ||
        (open ? byId("panel-h") : (line && line.querySelector("[data-act=open]")) || document.querySelector("main h1"));
      if (home) home.focus({ preventScroll: !open });
    }
    before.inside = false;
    keepView();
    keepPressFocus();
    clearToast();
    openPanel();
  });

  /* The side panel: filled by a request, opened when it has something, emptied when it closes. */
  let opener = null;
  document.addEventListener("click", (event) => {
    const link = event.target.closest('[hx-target="#panel-body"]');
    const panel = byId("panel");
    if (link && !(panel && panel.contains(link))) opener = link.id || (link.closest("[id]") && link.closest("[id]").id);
    if (panel && (event.target.closest("[data-close]") || event.target === panel)) {
      event.preventDefault();
      panel.close();
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) copyText(copy.dataset.copy).then(() => toast(copy.dataset.copied || "Copied."));
    if (event.target.closest("[data-print-now]")) window.print();
    if (event.target.closest("[data-dismiss]")) byId("toast").replaceChildren();
    closeMenus(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  function closeMenus(target) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(target) || target.closest("[data-act]")) menu.open = false;
    }
  }
  /* Without https the browser has no clipboard to write to; a selection still has. */
  async function copyText(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    (byId("panel") && byId("panel").open ? byId("panel") : document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  /* What a press came to stands for ten seconds, longer while the pointer or the focus is on it. */
  const TOAST_MS = 10_000;
  let toastGoes;
  function toast(text) {
    const panel = byId("panel");
    const inPanel = panel && panel.open && byId("panel-said"); /* what lies under an open panel is not seen */
    const node = inPanel || byId("toast") || byId("panel-said");
    if (!node) return byId("say").replaceChildren(text);
    const box = document.createElement("div");
    box.className = "toast";
    const words = document.createElement("p");
    words.textContent = text;
    box.append(words);
    node.replaceChildren(box);
    clearToast();
  }
  document.addEventListener("toast", (event) => toast(event.detail.text));
  function clearToast() {
    clearTimeout(toastGoes);
    const shown = byId("toast") && byId("toast").firstElementChild;
    if (!shown) return;
    toastGoes = setTimeout(function leave() {
      if (!shown.isConnected) return;
      if (shown.matches(":hover, :focus-within")) toastGoes = setTimeout(leave, 1_000);
      else shown.remove();
    }, TOAST_MS);
  }

  /* A press never moves the focus: when its button is gone from the line, the line's own button has it, else the line. */
  let pressed = null;
  document.addEventListener("htmx:before:request", (event) => {
    const ctx = event.detail.ctx;
    if (ctx.sourceElement.id !== "press") return;
    const button = ctx.request.submitter;
    const line = button && button.closest("[data-card]");
    pressed = line && { id: button.id, card: line.dataset.card, line: line.id };
  });
  function keepPressFocus() {
    if (!pressed || document.activeElement !== document.body) return;
    const home = (pressed.id && byId(pressed.id)) || byId(`act-${pressed.card}`) || byId(pressed.line);
    if (home) home.focus({ preventScroll: true });
  }
  let shownCard;
  function openPanel() {
    const panel = byId("panel");
    const head = byId("panel-h");
    if (!panel || !head || !panel.contains(head)) return;
    if (!panel.open) panel.showModal();
    else if (head.dataset.cardHead === shownCard) return;
    shownCard = head.dataset.cardHead;
    panel.scrollTop = 0; /* a card is read from its top, whichever was read before */
    head.focus({ preventScroll: true });
  }
  function closePanel() {
    const panel = byId("panel");
    if (panel && panel.open) panel.close();
  }
  document.addEventListener("panel:done", (event) => {
    closePanel();
    if (event.detail && event.detail.text) toast(event.detail.text);
  });
  /* A pencil puts the hand into the field it opens. */
  document.addEventListener("toggle", (event) => {
    const edit = event.target;
    if (!edit.matches("details.edit[open]") || !edit.contains(document.activeElement)) return;
    const field = edit.querySelector("input, select");
    if (field) field.focus();
    if (field && field.select) field.select();
  }, true);
  document.addEventListener("close", (event) => {
    if (event.target.id !== "panel") return;
    byId("panel-body").replaceChildren();
    const card = opener && byId(opener);
    const home = card && (card.matches("a, button") ? card : card.querySelector("h3 a, th a, a, button"));
    (home || document.querySelector("main h1")).focus();
  }, true);

  /* A day chosen in the calendar opens when the hand has come to rest: while typing, every part is a change. */
  let picks;
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-pick]");
    clearTimeout(picks);
    if (form && event.target.value) picks = setTimeout(() => form.requestSubmit(), 800);
  });

  /* On arrival: what only works with this script is shown; a page asked for on paper prints; today starts at now. */
  document.documentElement.classList.add("js");
  clearToast();
  if (new URLSearchParams(location.search).has("print")) window.addEventListener("load", () => window.print());
  const now = document.querySelector(".columns .gutter .now");
  if (now) {
    const columns = now.closest(".columns");
    columns.scrollTop = Math.max(0, now.offsetTop - columns.clientHeight / 3);
  }
  const summary = document.querySelector(".summary[role=alert]");
  if (summary) summary.focus();
})();
