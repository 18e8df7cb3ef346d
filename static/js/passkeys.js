// Passkeys (WebAuthn): the browser makes or asks for one, and its answer goes into the form as JSON.
// A button with data-passkey="create|get" stands in the form; its options are JSON in data-passkey-options, or at the
// address in data-passkey-url. The answer is put into the hidden field that data-passkey-name names.
(() => {
  "use strict";
  if (!window.PublicKeyCredential) return;

  const bytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };
  const text = (buffer) => {
    const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  const known = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));
  const readable = (options) => {
    const key = { ...options.publicKey, challenge: bytes(options.publicKey.challenge) };
    if (key.user) key.user = { ...key.user, id: bytes(key.user.id) };
    if (key.excludeCredentials) key.excludeCredentials = known(key.excludeCredentials);
    if (key.allowCredentials) key.allowCredentials = known(key.allowCredentials);
    return { publicKey: key };
  };

  const answer = (credential) => {
    const given = credential.response;
    const response = { clientDataJSON: text(given.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (given[name]) response[name] = text(given[name]);
    }
    return {
      type: credential.type, id: credential.id, rawId: text(credential.rawId), response,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  };

  const options = async (button) => {
    if (button.dataset.passkeyOptions) return JSON.parse(button.dataset.passkeyOptions);
    const found = await fetch(button.dataset.passkeyUrl, { headers: { Accept: "application/json" } });
    if (!found.ok) throw new Error(String(found.status));
    return found.json();
  };

  const use = async (button) => {
    const failed = document.getElementById(button.dataset.passkeyFailed);
    if (failed) failed.hidden = true;
    try {
      const asked = readable(await options(button));
      const deed = button.dataset.passkey === "create" ? "create" : "get";
      const credential = await navigator.credentials[deed](asked);
      let field = button.form.querySelector(`input[type=hidden][name="${button.dataset.passkeyName}"]`);
      if (!field) {
        field = document.createElement("input");
        field.type = "hidden";
        field.name = button.dataset.passkeyName;
        button.form.append(field);
      }
      field.value = JSON.stringify(answer(credential));
      // The fields for other proofs may be empty now; what is asked for again may not.
      for (const other of button.form.querySelectorAll("[data-instead]")) other.required = false;
      button.form.requestSubmit();
    } catch {
      if (failed) failed.hidden = false;
    }
  };

  for (const button of document.querySelectorAll("[data-passkey]")) {
    button.hidden = false;
    button.addEventListener("click", () => use(button));
  }
})();
