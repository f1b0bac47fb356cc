// Small tools for the page: elements without markup strings (so nothing a cloud says can become markup), and lists
// that keep their elements, so that an opened entry stays open while the page goes on.

export const byId = (id) => document.getElementById(id);

// el makes an element; attributes that are null or false are left out.
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}

// list shows items in their order. What is shown already is touched only when it changed.
export function list(parent, items, key, render) {
  const first = !parent.dataset.filled;
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  items.forEach((item, place) => {
    const id = key(item);
    const text = JSON.stringify(item);
    let node = old.get(id);
    old.delete(id);
    if (!node || node.dataset.text !== text) {
      const fresh = render(item);
      fresh.dataset.key = id;
      fresh.dataset.text = text;
      if (node) {
        if (node.querySelector("details")?.open) fresh.querySelector("details")?.setAttribute("open", "");
        const focused = node.contains(document.activeElement) ? document.activeElement.tagName : null;
        node.replaceWith(fresh);
        if (focused) fresh.querySelector(focused)?.focus();
      } else if (!first) {
        fresh.dataset.new = "";
      }
      node = fresh;
    }
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
  });
  for (const node of old.values()) node.remove();
  if (items.length) parent.dataset.filled = "yes";
}

export const pill = (text, tone, spin) => el("span", { class: "pill", "data-tone": tone, "data-spin": spin }, text);

export function codeTone(code) {
  if (code < 300) return "good";
  return code < 400 ? "busy" : code < 500 ? "wait" : "bad";
}

// say reads a sentence to those who hear the page.
export function say(text) {
  const node = byId("say");
  if (node.textContent !== text) node.textContent = text;
}

// address is where a stack is reached: a link, unless the cloud is a fake one, where nobody listens.
export function address(text, url) {
  if ("fake" in document.body.dataset) return el("span", { class: "where", title: "An address of the fake cloud: nobody listens there." }, text);
  return el("a", { class: "where", href: url || `http://${text}/`, target: "_blank", rel: "noreferrer" }, text);
}
