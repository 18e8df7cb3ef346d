// What pages do beyond htmx. Everything here is a convenience: each page works without it.
(() => {
  "use strict";

  const announce = (key) => {
    const box = document.getElementById("announcer");
    box.textContent = "";
    window.setTimeout(() => { box.textContent = box.dataset[key]; }, 50);
  };

  // Copying: <button data-copy="element-id">
  const textOf = (element) => ("value" in element ? element.value : element.textContent);
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    try {
      await navigator.clipboard.writeText(textOf(source));
      button.classList.add("copied");
      window.setTimeout(() => button.classList.remove("copied"), 1500);
      announce("copied");
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      window.getSelection().removeAllRanges();
      window.getSelection().addRange(range);
      announce("failed");
    }
  };

  // A chosen or dropped file is read into a text area: <input type=file data-file-into="id">, <textarea data-drop>
  const readInto = async (file, area) => {
    if (!file || !area) return;
    // Nothing here takes more than 64 kB: the beginning of a larger file is enough for the server to say so.
    area.value = await file.slice(0, 100000).text();
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.dispatchEvent(new Event("change", { bubbles: true }));
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  document.addEventListener("change", (event) => {
    const input = event.target.closest("[data-file-into]");
    if (!input || !input.files.length) return;
    // The text counts from now on: sent along, the file would undo what is edited in it afterwards.
    readInto(input.files[0], document.getElementById(input.dataset.fileInto)).then(() => { input.value = ""; });
  });

  document.addEventListener("dragover", (event) => {
    if (event.target.closest("[data-drop], [data-drop-files]")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const place = event.target.closest("[data-drop-files]");
    if (place && event.dataTransfer.files.length) {
      event.preventDefault();
      document.getElementById(place.dataset.dropFiles).files = event.dataTransfer.files;
      return;
    }
    const area = event.target.closest("[data-drop]");
    if (!area || !event.dataTransfer.files.length) return;
    event.preventDefault();
    readInto(event.dataTransfer.files[0], area);
  });

  // Dangerous actions ask for a name: <input data-confirm-name="the-name"> opens the form's submit button.
  const checkName = (input) => {
    const button = input.form && input.form.querySelector("[data-confirm-button]");
    if (button) button.disabled = input.value !== input.dataset.confirmName;
  };
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-confirm-name]")) checkName(event.target);
  });

  // What was refused is judged anew when the field is edited: its error leaves with the first keystroke.
  document.addEventListener("input", (event) => {
    const input = event.target;
    if (!input.matches("[aria-invalid]")) return;
    input.removeAttribute("aria-invalid");
    const field = input.closest(".field");
    if (field) for (const errors of field.querySelectorAll(":scope > .field-errors")) errors.remove();
  });

  // "/" goes to the search box.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const search = document.getElementById("search");
    if (!search) return;
    event.preventDefault();
    const drawer = search.closest(".offcanvas-lg");
    const reach = () => { search.focus(); search.select(); };
    if (search.checkVisibility({ visibilityProperty: true })) reach();
    else if (drawer && window.bootstrap) {
      drawer.addEventListener("shown.bs.offcanvas", reach, { once: true });
      window.bootstrap.Offcanvas.getOrCreateInstance(drawer).show();
    }
  });

  // Relative times go on counting while the page is open. What a twentieth of a unit lacks counts as whole
  // (relative() on the server does the same): a certificate of 365 days, minutes old, ends in a year.
  const slack = 0.05;
  const units = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
  const tick = () => {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      if (Math.abs(seconds) < 5) continue;
      const [unit, size] = units.find(([, size]) => Math.abs(seconds) / size + slack >= 1) || units[6];
      time.textContent = words.format(Math.sign(seconds) * Math.floor(Math.abs(seconds) / size + slack), unit);
    }
  };
  window.setInterval(tick, 5000);

  // What JavaScript takes over is marked, so that CSS may hide what only serves without it.
  document.documentElement.classList.add("js");
  const prepare = (root) => {
    for (const input of root.querySelectorAll("[data-confirm-name]")) checkName(input);
  };
  prepare(document);
  document.addEventListener("htmx:load", (event) => prepare(event.target));

  // Typing on replaces the request under way: htmx would write that to the console as an error.
  const ownAborts = ["htmx:sendAbort", "htmx:afterRequest"];
  if (window.htmx) window.htmx.logger = (element, name, detail) => { if (ownAborts.includes(name)) delete detail.error; };

  // An answer to older text must not overwrite what was typed since: the newer text asks anew.
  document.addEventListener("input", (event) => {
    const asking = event.target.closest('[hx-sync="this:replace"]');
    if (asking && window.htmx) window.htmx.trigger(asking, "htmx:abort");
  });

  // What a person opened stays open when its surroundings are swapped: <details id="…">.
  let opened = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    opened = [...event.detail.target.querySelectorAll("details[open][id]")].map((each) => each.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of opened) { const each = document.getElementById(id); if (each) each.open = true; }
  });

  // What a page asks by itself, with no event behind it, must not keep a session alive.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.detail.triggeringEvent) event.detail.headers["X-Poll"] = "yes";
  });

  // A page that follows a cluster says so while the portal itself does not answer it.
  const lost = (away) => { for (const notice of document.querySelectorAll("[data-lost]")) notice.hidden = !away; };
  document.addEventListener("htmx:sendError", () => lost(true));
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.xhr.status) lost(event.detail.xhr.status >= 500); });

  // A form that takes its time says so and cannot be sent twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    if (event.defaultPrevented || form.dataset.again !== undefined || !button) return;
    window.setTimeout(() => { button.classList.add("busy"); button.setAttribute("aria-busy", "true"); }, 0);
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post" && !form.hasAttribute("data-download")) form.dataset.sent = "yes";
    else window.setTimeout(() => { button.classList.remove("busy"); button.removeAttribute("aria-busy"); }, 1500);
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll(".busy")) { button.classList.remove("busy"); button.removeAttribute("aria-busy"); }
  });
})();
