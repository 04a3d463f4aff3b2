"use strict";
/* When nobody is there: details hide after a while, then the page locks until the password is given. What was typed stays
   where it is. The same lock stands when the server says that the session has ended; what was refused is then repeated. */
(() => {
  const byId = (id) => document.getElementById(id);
  const body = document.body;
  const lock = byId("lock");
  const LOOK_EVERY_MS = 5_000;
  const LOCKED = "Locked – pmsapp";
  const isLocked = () => Boolean(lock && lock.open);

  /* Details hidden: by the button or "h" until pressed again, by itself until the next key or press, which does no more. */
  let byItself = false;
  let swallow = false;
  function hideDetails(on) {
    if (on) body.dataset.privacy = "on";
    else delete body.dataset.privacy;
    if (!on) byItself = false;
    for (const button of document.querySelectorAll("[data-hide-details]")) button.setAttribute("aria-pressed", String(on));
  }
  const isHidden = () => body.dataset.privacy === "on";
  function stop(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
  document.addEventListener("click", (event) => {
    if (swallow) {
      swallow = false;
      return stop(event);
    }
    if (event.target.closest("[data-hide-details]")) hideDetails(!isHidden());
  }, true);
  document.addEventListener("pointerdown", (event) => {
    swallow = byItself && !isLocked();
    if (!swallow) return;
    stop(event);
    hideDetails(false);
  }, true);
  document.addEventListener("keydown", (event) => {
    if (isLocked() || ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
    if (byItself) {
      stop(event);
      return hideDetails(false);
    }
    const at = event.target;
    const listens = body.dataset.shortcuts === "on" || at.closest(".work-list, .columns");
    if (event.key !== "h" || event.ctrlKey || event.metaKey || event.altKey || !listens) return;
    if (at.matches("input, select, textarea") || at.isContentEditable) return;
    stop(event);
    hideDetails(!isHidden());
  }, true);
  if (!lock) return;

  /* Whether somebody is there. A page that comes back after a long time is locked before the first touch counts. */
  const lockAfter = Number(body.dataset.lockAfter) * 1000;
  const hideAfter = Number(body.dataset.hideAfter) * 1000;
  let personAt = Date.now();
  function look() {
    const away = Date.now() - personAt;
    if (away >= lockAfter) return lockPage("Nobody was here for a while. What you typed is kept.");
    if (away < hideAfter || isHidden()) return;
    byItself = true;
    hideDetails(true);
  }
  function person() {
    look();
    personAt = Date.now();
  }
  for (const kind of ["pointermove", "pointerdown", "keydown", "input", "wheel", "touchstart"]) {
    window.addEventListener(kind, person, { passive: true, capture: true });
  }
  setInterval(look, LOOK_EVERY_MS);
  window.addEventListener("pageshow", look);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    look();
    takeUpSession();
  });

  /* The lock. */
  let hasEnded = false; /* by the server's word: signing in elsewhere in this browser opens it */
  let repeats = [];
  let title = "";
  function lockPage(why) {
    if (lock.open) return;
    byId("lock-why").textContent = why;
    byId("lock-fault").textContent = "";
    title = document.title;
    document.title = LOCKED;
    document.documentElement.classList.add("locked");
    document.querySelector(".frame").inert = true;
    lock.showModal();
    standing().then((now) => { if (now) setTokens(lock, now.csrf_token); });
  }
  function openPage() {
    if (!lock.open) return;
    document.documentElement.classList.remove("locked");
    document.querySelector(".frame").inert = false;
    document.title = title;
    personAt = Date.now();
    hasEnded = false;
    lock.close();
    if (byItself) hideDetails(false);
    const again = repeats;
    repeats = [];
    for (const one of again) one();
    body.dispatchEvent(new CustomEvent("sheet:changed"));
  }
  /* An answer that arrives meanwhile brings a title of its own: it waits. */
  new MutationObserver(() => {
    if (!isLocked() || document.title === LOCKED) return;
    title = document.title;
    document.title = LOCKED;
  }).observe(document.head, { subtree: true, childList: true, characterData: true });
  lock.addEventListener("cancel", (event) => event.preventDefault());
  lock.addEventListener("close", () => {
    if (document.documentElement.classList.contains("locked")) lock.showModal(); /* nothing but the password opens it */
  });
  function ended(again) {
    hasEnded = true;
    if (again) repeats.push(again);
    lockPage("You have been signed out. What you typed is kept.");
  }
  document.addEventListener("lock:ended", (event) => ended(event.detail.again));
  document.addEventListener("htmx:after:request", (event) => {
    const ctx = event.detail.ctx;
    if (ctx.response.status !== 401) return;
    event.preventDefault(); /* else the page would go to signing in, and what was typed with it */
    const source = ctx.sourceElement;
    const isPoll = ctx.request.headers["X-Poll"];
    const { submitter } = ctx.request;
    if (isPoll) ended(null);
    else if (source.matches("form")) ended(() => source.isConnected && source.requestSubmit(within(source, submitter)));
    else ended(() => source.isConnected && source.click());
  });
  const within = (form, button) => (button && button.isConnected && button.form === form ? button : null);

  async function standing() {
    const found = await fetch("/unlock", { headers: { "X-Poll": "1" } }).catch(() => null);
    return found && found.ok ? found.json() : null;
  }
  function setTokens(root, token) {
    for (const field of root.querySelectorAll("[name=csrf_token]")) field.value = token;
    if (root === document) body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": token }));
  }
  /* Signed in again in another tab: the forms here take on that session's token; another person's session is not ours. */
  async function takeUpSession() {
    const now = await standing();
    if (!now || !now.is_live) return;
    if (String(now.user) !== body.dataset.user) {
      return lockPage("Somebody else is signed in in this browser now.");
    }
    setTokens(document, now.csrf_token);
    if (hasEnded) openPage();
  }
  window.addEventListener("focus", () => { if (hasEnded) takeUpSession(); });

  byId("unlock").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const password = form.elements.password;
    const answer = await fetch("/unlock", { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    const isJson = answer && (answer.headers.get("Content-Type") || "").startsWith("application/json");
    const said = isJson ? await answer.json() : null;
    password.value = "";
    if (answer && answer.ok && said) {
      setTokens(document, said.csrf_token);
      return openPage();
    }
    const noServer = "No contact with the server. Try again in a moment; what you typed is kept.";
    byId("lock-fault").textContent = (said && said.fault) || (answer ? "That did not work. Try once more." : noServer);
    password.focus();
    const now = await standing();
    if (now) setTokens(lock, now.csrf_token);
  });
})();
