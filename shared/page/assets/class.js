"use strict";
// Says times the reader's own way.
(() => {
  const lang = document.documentElement.lang;
  const region = navigator.languages.find((l) => l.split("-")[0] === lang) || lang;
  for (const time of document.querySelectorAll("time")) {
    time.textContent = new Date(time.dateTime).toLocaleString(region, { weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
  }
})();
