"use strict";
// Tries again by itself when the time has come: once, and not while nobody looks. The answer says whether to try on.
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const due = Date.now() + data.seconds * 1000 * (1 + Math.random() * 0.2);
  const seconds = (n) => new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "second", unitDisplay: "long" }).format(n);

  function tick() {
    const left = due - Date.now();
    if (left <= 0 && !document.hidden) {
      byId("again").submit();
      return;
    }
    byId("wait").textContent = data.words.retry_in.replace("{time}", seconds(Math.max(0, Math.ceil(left / 1000))));
    byId("wait").hidden = false;
    setTimeout(tick, Math.min(1000, Math.max(50, left)));
  }

  tick();
})();
