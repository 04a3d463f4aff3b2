"use strict";
/* Nothing typed is lost: a form that differs from what it was served with asks once before it is left, by whichever way.
   Every form with typed fields takes part; searches and pickers say `data-free`. A card's notes save themselves. */
(() => {
  const byId = (id) => document.getElementById(id);
  const TYPED = "input:not([type=hidden], [type=submit], [type=button]), select, textarea";
  const AWAY_MS = 500; /* from a press that leaves the page to the browser's own question about leaving */

  let leaving = false;
  let passing = false; /* a press or a submit that was held goes through */
  const pending = new Set(); /* notes on their way to the server */
  const refused = new WeakMap(); /* notes that were answered with a fault: not sent again until they change */

  function differs(field) {
    if (field.disabled || !field.name) return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (!field.options) return field.value !== field.defaultValue;
    const options = [...field.options];
    if (field.multiple || options.some((one) => one.defaultSelected)) {
      return options.some((one) => one.selected !== one.defaultSelected);
    }
    return field.selectedIndex > options.findIndex((one) => !one.disabled);
  }
  /* A form that came back with faults holds what was typed as if it had been served: it is unsaved all the same. */
  function isUnsaved(form) {
    if (form.matches("[data-free], [method=get]")) return false;
    const fields = [...form.elements].filter((one) => one.matches(TYPED));
    if (!fields.length) return false;
    return form.hasAttribute("data-unsaved") || fields.some((one) => differs(one) || one.matches("[aria-invalid=true]"));
  }
  function unsaved(scope, but) {
    return [...scope.querySelectorAll("form")].filter((form) => form !== but && isUnsaved(form));
  }

  /* The question. Nothing is done while it stands; "Keep editing" gives the focus back to where it was. */
  let go = null;
  let wasAt = null;
  function ask(action) {
    const dialog = byId("leave");
    if (dialog.open) return;
    go = action;
    wasAt = document.activeElement;
    dialog.showModal();
  }
  function answer(leave) {
    const action = go;
    byId("leave").close();
    if (leave && action) action();
  }
  function stayed() {
    go = null;
    if (wasAt && wasAt.isConnected) wasAt.focus();
  }

  /* A way out waits for notes that are being saved, asks when something is still unsaved, and else goes on. */
  async function leave(scope, action, but) {
    await flush(scope);
    if (unsaved(scope, but).length) ask(action);
    else action();
  }
  function isHeld(scope, but) {
    return unsaved(scope, but).length > 0 || pending.size > 0;
  }
  function through(action) {
    leaving = passing = true;
    setTimeout(() => { leaving = false; }, AWAY_MS);
    try { action(); } finally { passing = false; }
  }
  function hold(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  function linkScope(link) {
    const href = link.getAttribute("href");
    if (/^(tel:|mailto:|#)/.test(href) || link.target === "_blank") return null;
    if (!link.hasAttribute("hx-get")) return document;
    const into = link.getAttribute("hx-target");
    return into && into.startsWith("#") ? byId(into.slice(1)) : document;
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("#leave")) {
      const button = event.target.closest("button");
      return button && answer(button.hasAttribute("data-leave"));
    }
    if (passing || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const panel = byId("panel");
    if (panel && panel.open && (event.target === panel || event.target.closest("[data-close]"))) {
      return holdPanel(event, panel);
    }
    const link = event.target.closest("a[href]");
    const scope = link && linkScope(link);
    if (!scope || !isHeld(scope)) return;
    hold(event);
    leave(scope, () => through(() => link.click()));
  }, true);
  function holdPanel(event, panel) {
    if (!isHeld(panel)) return;
    hold(event);
    leave(panel, () => panel.close());
  }
  document.addEventListener("keydown", (event) => {
    const panel = byId("panel");
    if (event.key !== "Escape" || !panel || !panel.open || document.querySelector("#leave[open], #lock[open]")) return;
    holdPanel(event, panel);
  }, true);
  document.addEventListener("cancel", (event) => {
    if (event.target.id === "panel") holdPanel(event, event.target);
  }, true);
  document.addEventListener("close", (event) => {
    if (event.target.id === "leave") setTimeout(stayed);
  }, true);
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && (unsaved(document).length || pending.size)) event.preventDefault();
  });

  /* One form sent while another on the same page holds something typed. */
  function submitScope(form) {
    if (!form.hasAttribute("hx-post")) return document;
    const into = form.getAttribute("hx-target");
    return into && into.startsWith("#") ? byId(into.slice(1)) : null;
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (passing || form.closest("#lock, #leave")) return;
    const again = () => through(() => form.requestSubmit(event.submitter));
    const scope = submitScope(form);
    const sent = isUnsaved(form) && !form.hasAttribute("hx-post") && document.body.dataset.user;
    const send = sent ? () => ifSignedIn(again) : again;
    if (scope && isHeld(scope, form)) {
      hold(event);
      leave(scope, send, form);
    } else if (sent) {
      hold(event);
      ifSignedIn(again);
    } else if (!form.hasAttribute("hx-post")) {
      leaving = true;
      setTimeout(() => { leaving = false; }, AWAY_MS);
    }
  }, true);

  /* A page that is sent away with an ended session would come back empty: so it is asked about first. */
  let asking = false;
  async function ifSignedIn(send) {
    if (asking) return;
    asking = true;
    const found = await fetch("/unlock", { headers: { "X-Poll": "1" } }).catch(() => null);
    const standing = found && found.ok ? await found.json() : null;
    asking = false;
    if (!standing) return say("No contact with the server. What you typed is still here; try again in a moment.");
    const enough = standing.is_live && (standing.is_fresh || !document.body.hasAttribute("data-fresh"));
    if (enough) return send();
    document.dispatchEvent(new CustomEvent("lock:ended", { detail: { again: send } }));
  }
  function say(text) {
    byId("shout").textContent = "";
    byId("shout").textContent = text;
    const note = document.createElement("p");
    note.className = "notice warn";
    note.textContent = text;
    for (const old of document.querySelectorAll("#banner > .notice[data-said]")) old.remove();
    note.dataset.said = "";
    if (byId("banner")) byId("banner").append(note);
  }

  /* Notes: saved when the focus leaves them, with what they were shown with, unless a button of their own form sends them. */
  document.addEventListener("focusout", (event) => {
    const area = event.target;
    if (!area.matches || !area.matches("[data-autosave]")) return;
    const to = event.relatedTarget;
    if (to && to.form === area.form && to.matches("button")) return;
    saveNotes(area);
  });
  function flush(scope) {
    for (const area of scope.querySelectorAll("[data-autosave]")) saveNotes(area);
    return Promise.all(pending);
  }
  function saveNotes(area) {
    if (!differs(area) || refused.get(area) === area.value || [...pending].some((one) => one.area === area)) return;
    const work = sendNotes(area).finally(() => pending.delete(work));
    work.area = area;
    pending.add(work);
  }
  async function sendNotes(area) {
    const typed = area.value;
    const fields = area.form.elements;
    const body = new URLSearchParams({ notes: typed, base: area.defaultValue, row_version: fields.row_version.value });
    const headers = { "X-CSRFToken": fields.csrf_token.value, "HX-Request": "true" };
    const found = await fetch(area.dataset.autosave, { method: "POST", headers, body }).catch(() => null);
    if (found && found.status === 401) {
      const again = () => area.isConnected && saveNotes(area);
      return document.dispatchEvent(new CustomEvent("lock:ended", { detail: { again } }));
    }
    const said = found && found.headers.get("Content-Type") === "application/json" ? await found.json() : null;
    if (!found || !found.ok || !said) {
      refused.set(area, typed);
      return sayAt(area, (said && said.fault) || "Not saved yet. Press Save to try again.");
    }
    area.defaultValue = typed;
    if (said.row_version) fields.row_version.value = said.row_version;
    if (fields.base_notes) fields.base_notes.value = typed;
    sayAt(area, `Saved ${said.at}`);
    document.body.dispatchEvent(new CustomEvent("sheet:changed"));
  }
  function sayAt(area, text) {
    const node = byId(`${area.id}-saved`);
    if (node) node.textContent = text;
  }
})();
