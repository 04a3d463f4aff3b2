"use strict";
/* The log wants to know when hidden details are shown again and when a page goes to paper; the browser alone does both. */
(() => {
  const body = document.body;
  function tell(what) {
    const sheet = document.getElementById("sheet");
    if (what === "print" && location.pathname.endsWith("/print")) return; /* that page said so when it was asked for */
    const token = JSON.parse(body.getAttribute("hx-headers:inherited") || "{}")["X-CSRFToken"];
    const form = new URLSearchParams({ what, date: sheet ? sheet.dataset.date : "" });
    const sent = fetch("/looks", { method: "POST", body: form, headers: { "X-CSRFToken": token, "X-Poll": "1" }, keepalive: true });
    sent.catch(() => null); /* without contact there is nothing new to see either */
  }
  new MutationObserver((changes) => {
    if (changes[0].oldValue === "on" && body.dataset.privacy !== "on") tell("reveal");
  }).observe(body, { attributeFilter: ["data-privacy"], attributeOldValue: true });
  window.addEventListener("beforeprint", () => tell("print"));
})();
