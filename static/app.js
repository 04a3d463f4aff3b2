"use strict";
/* What the pages need beside htmx: quiet polls, a watch on the server, the side panel, focus, spoken results. */
(() => {
  const CONTACT_LIMIT_MS = 60_000;
  const SAY_EVERY_MS = 10_000;
  const HEADERS = "hx-headers:inherited";
  const byId = (id) => document.getElementById(id);

  /* Polls say that they are polls (they never count as activity), rest in hidden tabs and run once on return. */
  const TIMED = new Set(["every", "load", "sheet:changed"]);
  document.addEventListener("htmx:config:request", (event) => {
    const ctx = event.detail.ctx;
    if (ctx.sourceEvent && TIMED.has(ctx.sourceEvent.type)) ctx.request.headers["X-Poll"] = "1";
  });
  document.addEventListener("htmx:before:request", (event) => {
    const ctx = event.detail.ctx;
    if (document.hidden && ctx.sourceEvent && ctx.sourceEvent.type === "every") event.preventDefault();
    const button = ctx.request.submitter || ctx.sourceElement;
    if (button.getAttribute && button.getAttribute("aria-disabled") === "true") event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    takeUpNewSession();
    lastContact = Math.max(lastContact, Date.now() - CONTACT_LIMIT_MS + 15_000);
    document.body.dispatchEvent(new CustomEvent("sheet:changed"));
  });

  /* A failing poll keeps the old page with no sign of it: after a minute without an answer the page says so itself. */
  let lastContact = Date.now();
  const clock = (at) => new Date(at).toLocaleTimeString("en-AU", { hour: "2-digit", minute: "2-digit", hour12: false });

  document.addEventListener("htmx:after:request", (event) => {
    const status = event.detail.ctx.response.status;
    if (status === 401 && byId("panel") && byId("panel").open) {
      event.preventDefault(); /* stay, so that nothing typed is lost; without an open panel the page goes to sign-in */
      signedOut = true;
      return veil("You have been signed out. Sign in in another tab, then save again.", "locked");
    }
    if (status < 500) {
      lastContact = Date.now();
      unveil();
    }
    if (status < 400) takeUpNewSession();
  });

  /* Signed in again in another tab: the forms here take on the new session's token, so that what was typed can be saved. */
  let signedOut = false;
  async function takeUpNewSession() {
    if (!signedOut) return;
    const answer = await fetch("/settings/account", { headers: { "X-Poll": "1" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected || !signedOut) return; /* not yet, or no server: asked again later */
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector("[name=csrf_token]").value;
    document.body.setAttribute(HEADERS, page.body.getAttribute(HEADERS));
    for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = token;
    signedOut = false;
    unveil();
  }
  window.addEventListener("focus", takeUpNewSession);

  setInterval(() => {
    if (document.hidden || !byId("sheet") || Date.now() - lastContact < CONTACT_LIMIT_MS) return;
    veil(`No contact with the server since ${clock(lastContact)}. What you see is from then.`, "veiled");
  }, 5_000);

  function veil(text, how) {
    const root = document.documentElement;
    if (root.classList.contains(how)) return;
    root.classList.add(how);
    const node = byId("veil");
    if (!node) return;
    node.hidden = false;
    node.querySelector("p").textContent = text;
    node.querySelector("a").hidden = how !== "locked";
    byId("shout").textContent = text;
  }

  function unveil() {
    document.documentElement.classList.remove("veiled", "locked");
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

  /* After a swap: changed cards glow once, and focus never falls to the page itself. */
  let before = { versions: new Map(), focus: null, inside: false };
  document.addEventListener("htmx:before:swap", (event) => {
    const target = event.detail.ctx.target;
    const active = document.activeElement;
    before = {
      versions: new Map([...document.querySelectorAll("[data-v]")].map((card) => [card.id, card.dataset.v])),
      focus: active && active.id,
      inside: Boolean(target && target.contains && active !== document.body && target.contains(active)),
    };
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
      const home = (open && panel.querySelector(".summary[role=alert]")) || (before.focus && byId(before.focus)) ||
        (open ? byId("panel-h") : document.querySelector("main h1"));
      if (home) home.focus({ preventScroll: !open });
    }
    before.inside = false;
    showWhatWorksHere();
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
    if (event.target.closest("[data-print]")) window.print();
    const copy = event.target.closest("[data-copy]");
    if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => { copy.textContent = "Copied"; });
  });
  function openPanel() {
    const panel = byId("panel");
    if (!panel || panel.open || !byId("panel-body").firstElementChild) return;
    panel.showModal();
  }
  function closePanel() {
    const panel = byId("panel");
    if (panel && panel.open) panel.close();
  }
  document.addEventListener("panel:done", closePanel);
  document.addEventListener("close", (event) => {
    if (event.target.id !== "panel") return;
    byId("panel-body").replaceChildren();
    const card = opener && byId(opener);
    const home = card && (card.matches("a, button") ? card : card.querySelector("h3 a, a, button"));
    (home || document.querySelector("main h1")).focus();
  }, true);

  /* Buttons that only work with this script. */
  function showWhatWorksHere() {
    for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
  }

  /* On arrival: start today at the line of now. */
  showWhatWorksHere();
  const now = document.querySelector(".columns .gutter .now");
  if (now) {
    const columns = now.closest(".columns");
    columns.scrollTop = Math.max(0, now.offsetTop - columns.clientHeight / 3);
  }
  const summary = document.querySelector(".summary[role=alert]");
  if (summary) summary.focus();
})();
