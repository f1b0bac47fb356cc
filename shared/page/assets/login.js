"use strict";
// Keeps the browser's secret wherever this browser lets us keep it, then goes on to the platform. Nothing here may stop that.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const patience = 2000; // a frame that is just loading answers late; the wait costs less than a tab of its own

  try {
    sessionStorage.setItem(data.key, data.secret);
  } catch { /* blocked: the others remain */ }

  // One message to another window, and the answer that belongs to it or the end of our patience.
  function tell(target, origin, message, isAnswer) {
    return new Promise((done) => {
      addEventListener("message", (event) => {
        if (event.origin === origin && event.data && isAnswer(event.data)) done();
      });
      setTimeout(done, patience);
      target.postMessage(message, origin);
    });
  }

  // The platform's frame that stores for tools: 1EdTech lti-cs-pm, LTI Client Side postMessages.
  function tellPlatform() {
    const home = window.parent === window ? window.opener : window.parent;
    const target = data.target === "_parent" ? home : home.frames[data.target];
    const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
    return tell(target, data.platform, { subject: "lti.put_data", message_id: id, key: data.key, value: data.secret },
      (answer) => answer.subject === "lti.put_data.response" && answer.message_id === id);
  }

  // The page of ours that opened this tab, because its own browser frame may keep nothing.
  function tellOpener() {
    const told = tell(window.opener, location.origin, { stackhook: data.id, secret: data.secret }, (answer) => answer.stackhook === "kept" && answer.id === data.id);
    return isOurs(window.opener) ? told : undefined;
  }

  // A course that opens labs in a window of their own is an opener too. It hears nothing, and nobody waits for it.
  function isOurs(page) {
    try {
      return page.location.origin === location.origin;
    } catch {
      return false;
    }
  }

  const attempt = (work) => new Promise((done) => done(work())).catch(() => {});
  const errands = [];
  if (data.target && data.platform) errands.push(attempt(tellPlatform));
  if (window.opener && data.opener === location.origin) errands.push(attempt(tellOpener));
  Promise.all(errands).then(() => location.replace(data.address));
})();
