"use strict";
// Everything is there without this script: it only adds buttons that copy.
(() => {
  const codes = new Map();
  const said = document.getElementById("said");
  const text = (code) => code.dataset.copy ?? code.textContent;
  const old = (code) => {
    const area = document.createElement("textarea");
    area.value = text(code);
    area.className = "sr";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(text(code));
      return true;
    } catch {
      return old(code);
    }
  };
  for (const code of document.querySelectorAll("code[data-label]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${code.dataset.label}`);
    codes.set(button, code);
    const cell = code.closest(".cell");
    if (cell) cell.append(button);
    else code.after(" ", button);
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("button.copy");
    if (!button) return;
    const code = codes.get(button);
    const done = await copy(code);
    if (!done) getSelection().selectAllChildren(code);
    button.textContent = done ? "Copied" : "Selected";
    said.textContent = done ? `Copied ${text(code)}` : "Could not copy: it is selected, press Ctrl+C";
    setTimeout(() => (button.textContent = "Copy"), 4000);
  });
})();
