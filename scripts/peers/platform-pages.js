// The pages of platform.js, as a learning site would show them.

const escape = (s) => s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const json = (v) => JSON.stringify(v).replace(/</g, "\\u003c");
const html = (title, body) => ({ body: `<!doctype html><html lang="en"><title>${title}</title><link rel="icon" href="data:,">${body}</html>` });

// The frames have no sandbox, as in Open edX.
export function course(logins, storage, tool) {
  const blocks = logins.map((login, i) => `<iframe id="tool${i === 0 ? "" : i + 1}" title="Lab ${i + 1}" src="${escape(login)}"
    width="1000" height="700" allowfullscreen></iframe>`).join("");
  if (!storage) return html("Course", `<h1>Course</h1>${blocks}`);
  if (storage === "_parent") return html("Course", `<script>(${keep})(${json(tool)})</script><h1>Course</h1>${blocks}`);
  // A platform's storage is there before any tool.
  return html("Course", `<h1>Course</h1><template id="blocks">${blocks}</template>
    <iframe name="${escape(storage)}" src="/storage" title="Storage" onload="document.body.append(blocks.content)"></iframe>`);
}

// The frame that the tool was told of.
export const storage = (tool) => html("Storage", `<script>(${keep})(${json(tool)})</script>`);

export function post(action, fields) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${escape(value)}">`);
  return html("Opening", `<form method="post" action="${escape(action)}">${inputs.join("")}<button id="go">Open the lab</button></form>
    <script>document.forms[0].submit()</script>`);
}

export const claims = (v) => html("Chosen", `<h1>Chosen</h1><pre id="claims">${escape(JSON.stringify(v))}</pre>`);

// Runs in the page: keeps what the tool hands it (1EdTech LTI postMessage storage), for the tool's origin alone.
function keep(tool) {
  const kept = new Map();
  window.answered = []; // for a test that wants to know
  addEventListener("message", ({ data, origin, source }) => {
    if (origin !== tool || typeof data?.message_id !== "string") return;
    if (data.subject === "lti.put_data") kept.set(data.key, data.value);
    else if (data.subject !== "lti.get_data") return;
    window.answered.push(data.subject);
    source.postMessage({ subject: data.subject + ".response", message_id: data.message_id, key: data.key, value: kept.get(data.key) ?? null }, origin);
  });
}
