"use strict";
// Proves that the launch belongs to this browser: finds the secret that our login page left, and posts the launch with it.
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const patience = 1000;

  const show = (...shown) => {
    for (const id of ["wait", "why", "nothing", "open"]) if (byId(id)) byId(id).hidden = !shown.includes(id);
  };

  function stored() {
    const secret = sessionStorage.getItem(data.key);
    sessionStorage.removeItem(data.key);
    return secret;
  }

  // One question to another window, and what the answer that belongs to it says: nothing once our patience is over.
  function ask(target, origin, question, read) {
    return new Promise((done) => {
      addEventListener("message", (event) => {
        const secret = event.origin === origin && event.data ? read(event.data, event.source) : undefined;
        if (secret !== undefined) done(secret);
      });
      setTimeout(done, patience);
      target.postMessage(question, origin);
    });
  }

  // The platform's frame that stores for tools: 1EdTech lti-cs-pm.
  function askPlatform() {
    if (!data.target || !data.platform) return null;
    const home = window.parent === window ? window.opener : window.parent;
    const target = data.target === "_parent" ? home : home.frames[data.target];
    const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    return ask(target, data.platform, { subject: "lti.get_data", message_id: id, key: data.key },
      (answer) => (answer.subject === "lti.get_data.response" && answer.message_id === id ? answer.value || "" : undefined));
  }

  function askOpener() {
    if (!window.opener) return null;
    return ask(window.opener, location.origin, { stackhook: "want", id: data.id },
      (answer, source) => (answer.stackhook === data.id && source === window.opener ? answer.secret || "" : undefined));
  }

  async function find() {
    for (const place of [stored, askPlatform, askOpener]) {
      try {
        const secret = await place();
        if (typeof secret === "string" && secret) return secret;
      } catch { /* blocked: try the next place */ }
    }
    return "";
  }

  async function start() {
    show("wait");
    const secret = await find();
    if (secret) {
      const form = byId("launch");
      form.elements.namedItem("browser_secret").value = secret;
      form.submit();
    } else if (window.parent === window) {
      show("nothing");
    } else {
      show("why", "open");
    }
  }

  // The tab that the button opens cannot keep its secret either where even tabs may keep nothing: then this page keeps it,
  // in memory, from that tab's login page to its page like this one.
  let tab = null;
  const kept = new Map();

  addEventListener("message", (event) => {
    if (!tab || event.source !== tab || event.origin !== location.origin || !event.data) return;
    const { stackhook, id, secret } = event.data;
    if (stackhook === "want" && kept.has(id)) {
      tab.postMessage({ stackhook: id, secret: kept.get(id) }, location.origin);
    } else if (typeof stackhook === "string" && typeof secret === "string") {
      kept.set(stackhook, secret);
      tab.postMessage({ stackhook: "kept", id: stackhook }, location.origin);
    }
  });

  byId("open")?.addEventListener("submit", (event) => {
    const form = event.target;
    tab = window.open(form.action + "?" + new URLSearchParams(new FormData(form)), "_blank");
    if (!tab) return; // the browser may still open it by the form itself
    event.preventDefault();
    byId("opened").hidden = false;
  });

  start();
})();
