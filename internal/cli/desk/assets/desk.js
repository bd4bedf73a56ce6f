// What the server's pages cannot do by themselves: say that the desk has gone, and the keyboard.
"use strict";

const lost = document.getElementById("lost");
document.addEventListener("htmx:sse:error", () => { lost.hidden = false; });
document.addEventListener("htmx:sse:after:connection", () => { lost.hidden = true; });

// How many are held or in trouble stands in the menu, beside what is renewed.
document.addEventListener("htmx:before:swap", (event) => {
  const text = event.detail.ctx.text;
  if (!text || event.detail.ctx.sourceElement.id !== "live") return;
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const id of ["troubles", "helds"]) {
    const count = fresh.getElementById(id);
    if (count) document.getElementById(id).textContent = count.textContent;
  }
});

const search = document.getElementById("search");
const links = () => [...document.querySelectorAll("#found a")];

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input:not([type=radio]), select, textarea");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  if (!event.target.closest("search")) return;
  const all = [search, ...links()];
  const at = all.indexOf(event.target);
  if (event.key === "Escape") {
    search.value = "";
    search.dispatchEvent(new Event("input", { bubbles: true }));
    search.focus();
  } else if (event.key === "ArrowDown" && at < all.length - 1) {
    event.preventDefault();
    all[at + 1].focus();
  } else if (event.key === "ArrowUp" && at > 0) {
    event.preventDefault();
    all[at - 1].focus();
  }
});
