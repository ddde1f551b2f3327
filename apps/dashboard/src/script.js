"use strict";

// Keeps a page fresh without taking away focus, selection, or what was opened; and sends the forms of
// what links in mails lead to. Pages work without it.

const EVERY = 2000;
const main = document.getElementById("main");
const pause = document.getElementById("pause");

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && node.id) || null;

// Makes `from` like `to`, leaving in place what is the same: what has an id is found by it, what has
// none by its position.
function sync(from, to) {
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE || from.tagName === "INPUT") return;
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  syncChildren(from, to);
}

function syncChildren(from, to) {
  const wanted = new Set([...to.childNodes].map(keyOf).filter(Boolean));
  for (const child of [...from.childNodes]) {
    if (keyOf(child) && !wanted.has(keyOf(child))) child.remove();
  }
  const known = new Map([...from.childNodes].filter(keyOf).map((child) => [keyOf(child), child]));
  let next = from.firstChild;
  for (const child of [...to.childNodes]) {
    const same = keyOf(child) ? known.get(keyOf(child)) : null;
    if (same && same !== next) from.insertBefore(same, next);
    const here = same || next;
    const isLike = here && keyOf(here) === keyOf(child) && here.nodeName === child.nodeName;
    if (isLike) {
      sync(here, child);
      next = here.nextSibling;
    } else {
      from.insertBefore(document.importNode(child, true), next);
    }
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("main");
  if (fresh && !isPaused()) syncChildren(main, fresh);
}

const isPaused = () => pause.getAttribute("aria-pressed") === "true";

function setPaused(paused) {
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Updates are paused" : "Pause updates";
}

function keepFresh() {
  const remembered = sessionStorage.getItem("paused");
  const stillness = matchMedia("(prefers-reduced-motion: reduce)").matches;
  setPaused(remembered === null ? stillness : remembered === "true");
  pause.hidden = false;
  pause.addEventListener("click", () => {
    setPaused(!isPaused());
    sessionStorage.setItem("paused", String(isPaused()));
  });
  const tick = async () => {
    if (!isPaused() && !document.hidden) {
      // A program that restarts is asked again.
      await refresh().catch(() => {});
    }
    setTimeout(tick, EVERY);
  };
  setTimeout(tick, EVERY);
}

async function send(form) {
  const outcome = document.getElementById("outcome");
  const filled = [...new FormData(form)].filter(([, value]) => value !== "");
  const answer = await fetch(form.dataset.api, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(Object.fromEntries(filled)),
  });
  if (answer.ok) {
    outcome.textContent = form.dataset.done;
    form.hidden = true;
  } else {
    const problem = await answer.json().catch(() => ({}));
    outcome.textContent = problem.title || `The answer is ${answer.status}.`;
  }
}

if (main.hasAttribute("data-live")) keepFresh();
for (const form of document.querySelectorAll("form[data-api]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form).catch(() => {
      document.getElementById("outcome").textContent = "The program does not answer.";
    });
  });
}
