"use strict";
/* Opens the encrypted pages of this file with a passphrase: PBKDF2 makes the key, AES-GCM opens and proves them. */
(() => {
  const byId = (id) => document.getElementById(id);
  const sealed = byId("sealed");
  const pages = byId("pages");
  const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

  async function open(passphrase) {
    const { salt, nonce, rounds } = sealed.dataset;
    const secret = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase), "PBKDF2", false, ["deriveKey"]);
    const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: Number(rounds) };
    const key = await crypto.subtle.deriveKey(how, secret, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(nonce) }, key, bytes(sealed.textContent.trim()));
    return new TextDecoder().decode(plain);
  }
  byId("open").addEventListener("submit", async (event) => {
    event.preventDefault();
    const fault = byId("fault");
    const field = byId("passphrase");
    if (!globalThis.crypto || !crypto.subtle) {
      fault.textContent = "This browser cannot open it. Try a current Firefox, Chrome, Edge or Safari.";
      return;
    }
    fault.textContent = "Opening…";
    try {
      const text = await open(field.value);
      pages.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
      field.value = "";
      fault.textContent = "";
      byId("open").hidden = true;
      byId("bar").hidden = false;
      byId("print").focus();
    } catch {
      fault.textContent = "That passphrase does not open this copy. A copy made before the passphrase was changed opens with the earlier one.";
      field.select();
    }
  });
  byId("print").addEventListener("click", () => print());
  byId("close").addEventListener("click", () => {
    pages.replaceChildren();
    byId("bar").hidden = true;
    byId("open").hidden = false;
    byId("passphrase").focus();
  });
})();
