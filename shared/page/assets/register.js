"use strict";
// Tells the platform to close this window (LTI Dynamic Registration 3.5). It says nothing else, so anyone may hear it.
(() => {
  const platform = window.opener || (window.parent === window ? null : window.parent);
  const button = document.getElementById("close");
  if (!platform) return;
  button.hidden = false;
  button.addEventListener("click", () => platform.postMessage({ subject: "org.imsglobal.lti.close" }, "*"));
})();
