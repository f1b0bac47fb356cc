"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const words = data.words;
  const skew = data.now - Date.now(); // of this machine's clock to the server's
  const minute = 60000;
  const warnAt = 10 * minute;
  // The reader's own way to write a time, if it is of the page's language.
  const lang = document.documentElement.lang;
  const region = navigator.languages.find((l) => l.split("-")[0] === lang) || lang;
  let ticket = data.ticket;
  let status = data.status;
  let turn = 0; // an answer to a look from before the learner did something counts no more
  let quiet = 0; // looks in a row that showed nothing new
  let failures = 0;
  let timer = 0;
  let clock = 0;
  let due = 0;
  let asking = false;
  let used = false; // since the last beat
  let beaten = -Infinity;
  let beating = 0;
  let acting = false;

  // A class that opened its labs at once does not look at once.
  const jitter = (ms) => ms * (0.8 + Math.random() * 0.2);

  // While nothing changes the looks get rarer: up to four seconds while something is being made, ten otherwise. Whatever is
  // rarer by itself stays as it is.
  function pause() {
    const most = ["starting", "building", "resuming"].includes(status.state) ? 4000 : 10000;
    return Math.max(status.next.after_ms, Math.min(status.next.after_ms * 1.3 ** quiet, most));
  }

  function plan(ms) {
    clearTimeout(timer);
    due = Date.now() + ms;
    if (watches()) timer = setTimeout(look, ms);
  }

  // Whoever is in line keeps their place by asking, also while they look at something else.
  const watches = () => !document.hidden || Boolean(status.place);

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!watches()) return;
    showTimeLeft();
    if (due && !asking) timer = setTimeout(look, Math.max(0, due - Date.now()));
  });

  async function request(url, method, body) {
    const answer = await fetch(url, {
      method, body, headers: { Authorization: "Bearer " + ticket, Accept: "application/json" },
      cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(30000),
    });
    const reference = answer.headers.get("X-Request-Id");
    if (reference && byId("reference")) byId("reference").textContent = reference;
    return { ok: answer.ok, code: answer.status, body: await answer.json(), wait: Number(answer.headers.get("Retry-After")) * 1000 || 0 };
  }

  // Tells that somebody is at work: after something that a person did, and once in five minutes at most. An open page alone
  // keeps no lab awake.
  const beatEvery = 5 * minute;

  function use(event) {
    // A beat stands for the minute that it is sent in: a click is more than one event.
    if (!data.beat || !event.isTrusted || document.hidden || Date.now() - beaten < minute) return;
    used = true;
    beat();
  }

  function beat() {
    clearTimeout(beating);
    if (!used || status.state !== "ready") return;
    const wait = beaten + beatEvery - Date.now();
    if (wait > 0) {
      beating = setTimeout(beat, wait);
      return;
    }
    used = false;
    beaten = Date.now();
    fetch(data.base + "/heartbeat", { method: "POST", headers: { Authorization: "Bearer " + ticket }, cache: "no-store", credentials: "omit" }).catch(() => {});
  }

  // Coming back from the lab, which is open in another tab or window, gives this one the focus.
  for (const deed of ["pointerdown", "keydown", "touchstart", "wheel", "focus"]) window.addEventListener(deed, use, { passive: true });

  async function look() {
    due = 0;
    asking = true;
    const mine = turn;
    try {
      const answer = await request(status.next.url, status.next.method);
      if (mine === turn) heard(answer);
    } catch {
      if (mine === turn) retry(0);
    }
    asking = false;
  }

  function heard(answer) {
    if (answer.ok) {
      failures = 0;
      byId("offline").hidden = true;
      take(answer.body);
    } else if (answer.code >= 500 || answer.code === 429) {
      retry(answer.wait);
    } else {
      stop(answer.body);
    }
  }

  function retry(atLeast) {
    failures += 1;
    if (failures > 1) byId("offline").hidden = false;
    plan(Math.max(atLeast, jitter(Math.min(1000 * 2 ** failures, 30000))));
  }

  const sentence = (problem) => data.problems[problem.code] || problem.detail || words.problem;

  function stop(problem) {
    byId("offline").hidden = true;
    status = { ...status, state: "gone", next: undefined, access: [], steps: [], actions: [], wake: false, note: "", place: 0, kept: undefined, times: [], budget: undefined, checks: undefined, text: "", headline: words.problem, reason: { text: sentence(problem) } };
    show();
  }

  function take(next) {
    if (next.ticket) {
      ticket = next.ticket;
      for (const field of document.querySelectorAll("form:not(#class) > input[name=ticket]")) field.value = ticket;
    }
    const key = (s) => JSON.stringify([s.state, s.percent, s.steps, s.reason, s.checks]);
    quiet = key(next) === key(status) ? quiet + 1 : 0;
    const before = status;
    status = next;
    show(before);
    if (status.next) plan(jitter(pause()));
  }

  // What the learner does: the form works without script too, so it says where it goes.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const work = form.matches(".act, #wake") ? act : form.matches(".secret") ? reveal : null;
    if (!work) return;
    event.preventDefault();
    if (!acting) attempt(form, work);
  });

  async function attempt(form, work) {
    const button = form.querySelector("button");
    acting = true;
    button.setAttribute("aria-busy", "true");
    say("trouble", "");
    say("notice", "");
    try {
      await work(form, button);
    } catch {
      say("trouble", words.failed);
    }
    button.removeAttribute("aria-busy");
    acting = false;
  }

  const send = (form) => request(form.action, "POST", new URLSearchParams(new FormData(form)));

  function refused(problem) {
    say("trouble", sentence(problem) + (problem.reference ? " " + words.reference + " " + problem.reference : ""));
  }

  async function act(form, button) {
    turn += 1;
    clearTimeout(timer);
    due = 0;
    const headline = status.headline;
    const answer = await send(form).catch(() => null);
    if (answer && answer.ok) {
      failures = 0;
      take(answer.body);
      if (status.headline === headline) say("notice", words["did_" + form.action.split("/").pop()]);
      if (!button.offsetParent) focusHeadline();
      return;
    }
    if (answer) refused(answer.body);
    else say("trouble", words.failed);
    if (status.next) plan(jitter(pause()));
  }

  // A button that is gone leaves whoever pressed it with what is said instead.
  function focusHeadline() {
    byId("headline").tabIndex = -1;
    byId("headline").focus();
  }

  async function reveal(form, button) {
    const shown = form.querySelector("output");
    if (shown) {
      shown.remove();
    } else {
      const answer = await send(form);
      if (!answer.ok) return refused(answer.body);
      form.append(make("output", {}, make("code", { textContent: answer.body.password })));
    }
    button.textContent = shown ? words.show : words.hide;
    button.setAttribute("aria-expanded", String(!shown));
  }

  // Only what differs is written, so that screen readers speak once and focus stays where it is.
  function say(id, text) {
    const node = byId(id);
    node.hidden = !text;
    if (node.textContent !== text) node.textContent = text;
  }

  function make(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  function show(before) {
    byId("lab").dataset.state = status.state;
    document.title = status.headline + " – " + byId("lab").querySelector("h1").textContent;
    say("headline", status.headline);
    say("text", status.text || "");
    say("reason", status.reason ? status.reason.text : "");
    say("note", status.note || "");
    say("pace", status.expected_text || "");
    byId("eta").textContent = status.eta_text || "";
    byId("progress").value = status.percent;
    const changed = (part) => !before || JSON.stringify(before[part]) !== JSON.stringify(status[part]);
    if (changed("steps")) byId("steps").replaceChildren(...status.steps.map(step));
    if (changed("access")) byId("ways").replaceChildren(...status.access.flatMap(way));
    byId("ways").hidden = status.access.length === 0;
    byId("wake").hidden = !status.wake;
    if (changed("checks")) showChecks();
    showMore(changed);
    if (changed("actions") || changed("state")) showActions();
    showTime();
    byId("refresh").hidden = Boolean(status.next) || status.state === "gone";
  }

  function step(s) {
    const line = make("li", {}, make("span", { className: "title", textContent: s.title }), " ", make("span", { className: "is", textContent: s.state_text }));
    line.dataset.state = s.state;
    return line;
  }

  function showChecks() {
    const checks = status.checks;
    byId("checks").hidden = !checks;
    if (!checks) return;
    byId("list").replaceChildren(...checks.list.map(check));
    say("score", checks.score_text || "");
    say("grade", checks.grade ? checks.grade.text : "");
  }

  function check(c) {
    const line = step(c);
    if (c.hint) line.append(make("span", { className: "hint", dir: "auto", textContent: c.hint }));
    return line;
  }

  // What else is to come, what is left of the learner's time, and what was before.
  function showMore(changed) {
    if (changed("times")) byId("times").replaceChildren(...(status.times || []).map((m) => make("li", {}, ...moment(m))));
    say("budget", status.budget ? status.budget.text : "");
    byId("budget").classList.toggle("over", Boolean(status.budget && status.budget.over));
    byId("kept").hidden = !status.kept;
    if (changed("kept")) byId("until").replaceChildren(...(status.kept ? moment(status.kept) : []));
    byId("old").hidden = !status.meanwhile;
  }

  const moment = (m) => [m.text + " ", make("time", { dateTime: m.at, textContent: when(m.at) })];

  // The end of a lab is where its extension is offered, what is kept is where the way back to it is, checks are where their
  // results are, a new lab takes the place of one that has ended, and everything else is together.
  function place(a) {
    if (a.key === "extend") return "longer";
    if (a.key === "check") return "check";
    if (a.key === "undo" && status.kept) return "undo";
    return a.key === "reset" && status.state === "gone" ? "new" : "acts";
  }

  function showActions() {
    const actions = status.actions || [];
    const at = (where) => actions.filter((a) => place(a) === where);
    for (const where of ["longer", "check"]) byId(where).replaceChildren(...at(where).map((a) => actForm(a, "quiet", a.title)));
    byId("undo").replaceChildren(...at("undo").map(deedOf));
    byId("new").replaceChildren(...at("new").map((a) => actForm(a, "button", a.title)));
    byId("acts").replaceChildren(...at("acts").map(managed));
    byId("manage").hidden = at("acts").length === 0;
    byId("manage").open = status.state === "failed";
  }

  function actForm(a, className, title) {
    return make("form", { className: "act", method: "post", action: data.base + "/" + a.key },
      make("input", { type: "hidden", name: "ticket", value: ticket }), make("button", { className, textContent: title }));
  }

  const deedOf = (a) => (a.confirm
    ? make("details", { className: "sure" }, make("summary", { className: "quiet", textContent: a.title }),
      make("p", { textContent: a.confirm }), actForm(a, "danger", words.yes))
    : actForm(a, "quiet", a.title));

  function managed(a) {
    const line = make("li", {}, deedOf(a), make("p", { className: "small", textContent: a.note || "" }));
    line.dataset.act = a.key;
    return line;
  }

  function showTime() {
    byId("time").hidden = !status.expires_at || status.state === "gone";
    if (status.expires_at) {
      byId("expires").dateTime = status.expires_at;
      byId("expires").textContent = when(status.expires_at);
    }
    showTimeLeft();
  }

  const when = (time) => new Date(time).toLocaleString(region, { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit" });

  // It counts by the minute, and speaks up once.
  function showTimeLeft() {
    clearTimeout(clock);
    const counts = status.expires_at && status.state !== "gone";
    const left = counts ? Date.parse(status.expires_at) - Date.now() - skew : Infinity;
    const close = left <= warnAt;
    byId("time").classList.toggle("warning", close);
    say("left", !counts ? "" : left > 0 ? words.left.replace("{time}", amount(left)) : words.over);
    const warning = byId("soon");
    const text = close && left > 0 ? words.ends_soon : "";
    if (warning.textContent !== text) warning.textContent = text;
    if (counts && left > 0) clock = setTimeout(showTimeLeft, (left % minute) + 50);
  }

  const unit = (n, name) => new Intl.NumberFormat(region, { style: "unit", unit: name, unitDisplay: "long" }).format(n);

  function amount(ms) {
    const all = Math.ceil(ms / minute);
    const parts = all >= 1440
      ? [[Math.floor(all / 1440), "day"], [Math.floor(all % 1440 / 60), "hour"]]
      : [[Math.floor(all / 60), "hour"], [all % 60, "minute"]];
    return parts.filter(([n]) => n > 0).map(([n, name]) => unit(n, name)).join(" ");
  }

  function wayForm(path, access, button, properties) {
    return make("form", { method: "post", action: data.base + path, ...properties },
      make("input", { type: "hidden", name: "ticket", value: ticket }), make("input", { type: "hidden", name: "way", value: access.way }), button);
  }

  const aside = () => make("span", { className: "aside", textContent: words.new_tab });

  function way(access) {
    const list = [];
    if (access.kind === "url") {
      list.push(make("a", { className: "button", href: access.url, target: "_blank", rel: "noopener noreferrer" }, access.title, aside()));
    } else if (access.kind === "console") {
      list.push(wayForm("/console", access, make("button", { className: "button second" }, access.title, aside()), { target: "_blank", rel: "noopener" }));
    } else {
      list.push(make("div", { className: "box" }, make("h2", { textContent: access.title }), make("p", {}, make("code", { textContent: access.command })), ...key(access)));
    }
    if (access.has_password) list.push(wayForm("/password", access, make("button", { className: "quiet", textContent: words.show }), { className: "secret" }));
    return list;
  }

  function key(access) {
    if (!access.has_key) return [];
    return [wayForm("/key", access, make("button", { className: "quiet", textContent: words.key })), make("p", { className: "small", textContent: words.key_how })];
  }

  for (const time of document.querySelectorAll("main time[datetime]")) time.textContent = when(time.dateTime);
  show(status);
  if (status.next) plan(jitter(status.next.after_ms));
})();
