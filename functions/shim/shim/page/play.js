// The roles: the LMS (whose forms need no script), the operator and the alarm, whose answers are shown as they are.
import { address, byId, codeTone, el, pill, say } from "./dom.js";
import { soon } from "./live.js";

export function play() {
  lms();
  operator();
  alarm();
  openEdX();
  document.addEventListener("click", copy);
}

function lms() {
  const form = byId("launch");
  form?.addEventListener("submit", (event) => {
    const { learner, course, lab } = Object.fromEntries(new FormData(form));
    if (!event.submitter?.hasAttribute("formtarget")) {
      byId("frame").classList.remove("idle");
      const unit = event.submitter?.id === "pick" ? "Studio › LTI Consumer" : (form.elements.lab.selectedOptions[0]?.text ?? lab);
      byId("crumbs").textContent = `${course} › ${unit}`;
      byId("who").textContent = learner;
      byId("avatar").textContent = learner.split(/\s+/).map((part) => part[0] ?? "").slice(0, 2).join("").toUpperCase();
    }
    setTimeout(soon, 300);
  });
}

// send posts a form's fields to the shim and gives its answer; a shim that is gone is an answer as well.
async function send(form, show) {
  const button = form.querySelector("button");
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: AbortSignal.timeout(60000) });
    show(await answer.json());
  } catch {
    show({ code: 0, answer: { detail: "The shim gave no answer. Look at the terminal it runs in, then try again." } });
  } finally {
    button.removeAttribute("aria-busy");
    soon();
  }
}

let watching = 0;

function operator() {
  const form = byId("site");
  const box = byId("site-answer");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(watching);
    send(form, (result) => {
      answer(box, result, headline(result, "The request was taken."));
      if (result.code < 300 && result.code > 0) follow(box, form.elements.name.value, result.curl);
    });
  });
}

// follow asks for the site until it stands, is broken, or the operator does something else.
async function follow(box, name, curl) {
  clearTimeout(watching);
  try {
    const reply = await fetch(`/dev/site?name=${encodeURIComponent(name)}`, { signal: AbortSignal.timeout(15000) });
    const result = { ...(await reply.json()), curl };
    answer(box, result, headline(result, ""));
    if (result.code >= 400 || result.done) {
      say(`The site ${name}: ${box.querySelector("strong").textContent}`);
      return;
    }
  } catch {
    // The page says elsewhere that the shim is gone; it may come back.
  }
  watching = setTimeout(() => follow(box, name, curl), document.hidden ? 4000 : 1200);
}

function alarm() {
  const form = byId("alarm");
  const box = byId("alarm-answer");
  const words = { aodh: ["alarm", "ok", "insufficient data"], alertmanager: ["firing", "resolved"] };
  byId("sender")?.addEventListener("change", (event) => {
    byId("alarm-state").replaceChildren(...words[event.target.value].map((w) => el("option", { value: w }, w)));
  });
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, (result) => answer(box, result, headline(result, "The alarm was taken.")));
  });
}

// headline is the sentence that matters: a decision's reason or a problem's detail.
function headline({ answer: a, title }, otherwise) {
  return title || a?.decision?.reason || a?.reason || a?.detail || a?.title || otherwise;
}

function answer(box, result, sentence) {
  const old = box.querySelector("details")?.open;
  const a = result.answer ?? {};
  box.hidden = false;
  box.dataset.tone = result.code === 0 || result.code >= 400 || result.failed ? "bad" : "good";
  box.dataset.code = result.code;
  const parts = [el("div", { class: "answer-line" }, pill(result.code ? String(result.code) : "no answer", result.code ? codeTone(result.code) : "bad"), el("strong", {}, sentence))];
  if (a.errors?.length) parts.push(el("ul", { class: "faults" }, ...a.errors.map((f) => el("li", {}, el("code", {}, f.field ?? ""), ` ${f.message ?? f.detail ?? ""}`))));
  if (result.steps?.length) parts.push(progress(result));
  if (result.address) parts.push(el("p", { class: "address" }, "The site’s address: ", address(result.address, a.url)));
  parts.push(details("What was answered", JSON.stringify(a, null, 2), old));
  if (result.curl) parts.push(details("The same with curl", result.curl));
  box.replaceChildren(...parts);
}

function progress({ percent, steps }) {
  return el("div", { class: "progress" },
    el("progress", { max: 100, value: percent ?? 0, "aria-label": "Progress" }),
    el("ul", { class: "steps" }, ...steps.map((s) => el("li", { "data-state": s.state }, s.title, el("span", { class: "sr" }, s.state === "done" ? ", done" : s.state === "active" ? ", under way" : s.state === "failed" ? ", failed" : "")))));
}

function details(title, text, open) {
  return el("details", { open: open ? true : null }, el("summary", {}, title), el("pre", {}, text));
}

// openEdX puts the answer of the paste helper in its place, instead of loading the whole page anew.
function openEdX() {
  const form = byId("open-edx");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const box = byId("open-edx-answer");
    try {
      const reply = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: AbortSignal.timeout(15000) });
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      box.replaceChildren(...(page.getElementById(box.id)?.childNodes ?? []));
    } catch {
      box.replaceChildren(el("p", { class: "none" }, "The shim gave no answer. Look at the terminal it runs in, then try again."));
    }
  });
}

async function copy(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const { textContent } = button;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it";
  }
  setTimeout(() => (button.textContent = textContent), 1600);
}
