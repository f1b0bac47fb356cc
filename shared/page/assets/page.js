"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const words = data.words;
  let ticket = data.ticket;
  let status = data.status;
  let quiet = 0; // looks in a row that showed nothing new
  let failures = 0;
  let timer = 0;
  let due = 0;
  let asking = false;

  const jitter = (ms) => ms * (0.85 + Math.random() * 0.3);

  // While nothing changes the looks get rarer, up to every ten seconds; whatever is rarer by itself stays as it is.
  const pause = () => Math.max(status.next.after_ms, Math.min(status.next.after_ms * 1.3 ** quiet, 10000));

  function plan(ms) {
    clearTimeout(timer);
    due = Date.now() + ms;
    if (!document.hidden) timer = setTimeout(ask, ms);
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && due && !asking) timer = setTimeout(ask, Math.max(0, due - Date.now()));
  });

  async function ask() {
    due = 0;
    asking = true;
    try {
      await exchange();
    } catch {
      retry(0);
    }
    asking = false;
  }

  async function exchange() {
    const answer = await fetch(status.next.url, {
      method: status.next.method,
      headers: { Authorization: "Bearer " + ticket, Accept: "application/json" },
      cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(30000),
    });
    const body = await answer.json();
    if (answer.ok) {
      failures = 0;
      byId("offline").hidden = true;
      take(body);
    } else if (answer.status >= 500 || answer.status === 429) {
      retry(Number(answer.headers.get("Retry-After")) * 1000 || 0);
    } else {
      stop(body);
    }
  }

  function retry(atLeast) {
    failures += 1;
    if (failures > 1) byId("offline").hidden = false;
    plan(jitter(Math.max(atLeast, Math.min(1000 * 2 ** failures, 30000))));
  }

  function stop(problem) {
    status = { ...status, state: "gone", next: undefined, access: [], steps: [], wake: false, text: "", headline: words.problem, reason: { text: problem.detail || "" } };
    show();
  }

  function take(next) {
    if (next.ticket) {
      ticket = next.ticket;
      for (const field of document.querySelectorAll("input[name=ticket]")) field.value = ticket;
    }
    const key = (s) => JSON.stringify([s.state, s.percent, s.steps, s.reason]);
    quiet = key(next) === key(status) ? quiet + 1 : 0;
    const ways = JSON.stringify(next.access) !== JSON.stringify(status.access);
    status = next;
    show(ways);
    if (status.next) plan(jitter(pause()));
  }

  // Only what differs is written, so that screen readers speak once and focus stays where it is.
  function say(id, text) {
    const node = byId(id);
    if (node.textContent !== text) node.textContent = text;
    node.hidden = !text;
  }

  function make(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  function show(ways = true) {
    byId("lab").dataset.state = status.state;
    const title = byId("lab").querySelector("h1").textContent;
    document.title = status.headline + " – " + title;
    say("headline", status.headline);
    say("text", status.text || "");
    say("reason", status.reason ? status.reason.text : "");
    byId("eta").textContent = status.eta_text || "";
    byId("progress").value = status.percent;
    byId("steps").replaceChildren(...status.steps.map((s) => {
      const line = make("li", {}, make("span", { className: "title", textContent: s.title }), " ", make("span", { className: "is", textContent: s.state_text }));
      line.dataset.state = s.state;
      return line;
    }));
    if (ways) byId("ways").replaceChildren(...status.access.map(way));
    byId("ways").hidden = status.access.length === 0;
    byId("wake").hidden = !status.wake;
    showExpiry();
    byId("refresh").hidden = Boolean(status.next) || status.state === "gone";
  }

  function showExpiry() {
    byId("until").hidden = !status.expires_at || status.state === "gone";
    if (!status.expires_at) return;
    const at = new Date(status.expires_at);
    byId("expires").dateTime = status.expires_at;
    byId("expires").textContent = at.toLocaleString(document.documentElement.lang, { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit" });
  }

  function post(path, access, button, target) {
    const form = make("form", { method: "post", action: data.base + path, target },
      make("input", { type: "hidden", name: "ticket", value: ticket }), make("input", { type: "hidden", name: "way", value: access.way }), button);
    return form;
  }

  const aside = () => make("span", { className: "aside", textContent: words.new_tab });

  function way(access) {
    if (access.kind === "url") {
      return make("a", { className: "button", href: access.url, target: "_blank", rel: "noopener noreferrer" }, access.title, aside());
    }
    if (access.kind === "console") {
      return post("/console", access, make("button", { className: "button second" }, access.title, aside()), "_blank");
    }
    const box = make("div", { className: "ssh" }, make("h2", { textContent: access.title }), make("p", {}, make("code", { textContent: access.command })));
    if (access.has_key) {
      box.append(post("/key", access, make("button", { className: "quiet", textContent: words.key }), ""), make("p", { className: "small", textContent: words.key_how }));
    }
    return box;
  }

  show(false);
  if (status.next) plan(jitter(status.next.after_ms));
})();
