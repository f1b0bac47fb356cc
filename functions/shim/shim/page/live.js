// What the page shows as it happens: one request to /dev/state a beat, none while the page is hidden.
import { address, byId, codeTone, el, list, pill, say } from "./dom.js";

const beat = Number(document.body.dataset.poll) || 1000;
let timer = 0;
let asking = false;
let again = false;
const states = new Map();

export function live() {
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
  ask();
}

// soon asks at once: something was just caused.
export function soon() {
  again = asking;
  ask();
}

async function ask() {
  clearTimeout(timer);
  if (asking || document.hidden) return;
  asking = true;
  let pause = beat;
  try {
    const answer = await fetch("/dev/state", { signal: AbortSignal.timeout(15000) });
    if (!answer.ok) throw new Error("not now");
    show(await answer.json());
    byId("offline").hidden = true;
  } catch {
    byId("offline").hidden = false;
    pause = Math.max(beat, 3000);
  } finally {
    asking = false;
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(ask, again ? 0 : pause);
    again = false;
  }
}

function show(state) {
  byId("cloud").dataset.tone = state.cloud.ok ? "good" : "bad";
  byId("cloud-text").textContent = state.cloud.text;
  list(byId("stacks"), state.stacks, (s) => s.id, stack);
  byId("no-stacks").hidden = state.stacks.length > 0;
  byId("stack-count").textContent = state.stacks.length || "";
  list(byId("requests"), state.requests, (r) => String(r.n), request);
  byId("no-requests").hidden = state.requests.length > 0;
  clusters(state.stacks.filter((s) => s.scales));
  for (const s of state.stacks) {
    const now = s.word + (s.scales ? `, ${s.nodes.length} nodes` : "");
    if (states.has(s.id) && states.get(s.id) !== now) say(`${s.name}: ${now}`);
    states.set(s.id, now);
  }
}

function stack(s) {
  const facts = el("p", { class: "stack-facts" },
    el("span", {}, s.state),
    s.since ? el("span", {}, `since ${clock(s.since)}`) : "",
    s.scales ? el("span", { class: "stack-count" }, `${s.count} wanted · ${s.min} to ${s.max}`) : "",
    s.address ? address(s.address) : "");
  const item = el("li", { "data-stack": s.name, "data-state": s.state },
    el("div", { class: "stack-head" },
      el("span", { class: "stack-name" }, el("b", { title: s.name }, s.name), el("span", { class: "stack-kind" }, s.kind)),
      pill(s.word, s.tone, s.tone === "busy")),
    facts);
  if (s.scales) item.append(el("ul", { class: "nodes", "aria-label": `Nodes of ${s.name}` }, ...nodes(s)));
  if (s.tags?.length) item.append(el("ul", { class: "tags", "aria-label": "Tags" }, ...s.tags.map((t) => el("li", { title: t }, t))));
  return item;
}

// nodes are the members of the pool, and dashed ones for those still to come.
function nodes(s) {
  const there = s.nodes.map((m) => el("li", { "data-tone": m.tone }, el("b", {}, m.address), el("span", {}, m.text)));
  for (let i = s.nodes.length; i < s.count && s.tone === "busy"; i++) {
    there.push(el("li", { "data-tone": "coming" }, el("b", {}, "coming"), el("span", {}, "being built")));
  }
  return there;
}

function request(r) {
  const calls = r.calls ?? [];
  const more = calls.length
    ? [el("p", {}, `OpenStack was called ${calls.length === 1 ? "once" : calls.length + " times"}:`), el("ol", {}, ...calls.map((c) => el("li", {}, c)))]
    : [el("p", {}, "No call to OpenStack.")];
  return el("li", { "data-function": r.function },
    el("details", {},
      el("summary", {},
        pill(String(r.code), codeTone(r.code)),
        el("span", { class: "req-what", title: `${r.method} /${r.function}${r.path}` },
          `${r.method} `, el("span", { class: "fn" }, r.function), r.path,
          r.times > 1 ? el("span", { class: "req-times" }, ` ×${r.times}`) : ""),
        el("span", { class: "req-calls" }, calls.length === 1 ? "1 call" : `${calls.length} calls`),
        el("span", { class: "req-ms" }, `${r.ms} ms`)),
      el("div", { class: "req-more" },
        el("p", {}, `${clock(r.at)} · request ${r.id || "without an id"}`), ...more)));
}

function clusters(found) {
  const choice = byId("cluster");
  if (!choice) return;
  const names = found.map((s) => s.name);
  const shown = [...choice.options].map((o) => o.value);
  if (names.join() !== shown.join()) {
    const chosen = choice.value;
    choice.replaceChildren(...names.map((n) => el("option", { value: n }, n)));
    if (names.includes(chosen)) choice.value = chosen;
  }
  byId("alarm-fields").disabled = names.length === 0;
  byId("no-cluster").hidden = names.length > 0;
}

const clock = (iso) => new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
