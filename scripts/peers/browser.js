// Drives Chromium (DevTools protocol) or Firefox (WebDriver BiDi) for the Go package browsertest.
//
//   node browser.js chromium|firefox allowed|third-party-blocked|all-blocked scripts|no-scripts HOST...
//
// Every HOST is this machine. A command names the page by its number in the order of opening (0 first) and the frame by
// the selectors of the iframes on the way to it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import puppeteer from "puppeteer-core";
import { serveLines } from "./lines.js";

const [name, cookies, scripts, ...hosts] = process.argv.slice(2);

// Without these Chromium talks to its maker at every start.
const chromiumQuiet = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-pings", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-domain-reliability", "--disable-default-apps",
];
// Cookies and scripts are blocked as a person blocks them, in the profile.
const chromiumCookies = {
  "allowed": { cookie_controls_mode: 0, block_third_party_cookies: false },
  "third-party-blocked": { cookie_controls_mode: 1, block_third_party_cookies: true },
  "all-blocked": { default_content_setting_values: { cookies: 2 } },
}[cookies];

// Firefox, on top of the quiet profile that puppeteer makes.
const firefoxQuiet = {
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.region.network.url": "",
  "browser.safebrowsing.downloads.remote.enabled": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.search.update": false,
  "datareporting.healthreport.uploadEnabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "dom.push.enabled": false,
  "extensions.getAddons.cache.enabled": false,
  "extensions.systemAddon.update.enabled": false,
  "extensions.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "network.dns.disablePrefetch": true,
  "network.http.speculative-parallel-limit": 0,
  "network.prefetch-next": false,
  "services.settings.server": "data:,",
  "toolkit.telemetry.enabled": false,
  "toolkit.telemetry.server": "",
};
// network.cookie.cookieBehavior: 5 is the default (total cookie protection), 1 refuses third parties, 2 refuses all.
const firefoxCookies = { "allowed": 5, "third-party-blocked": 1, "all-blocked": 2 };

const patience = 60000; // a machine may be busy with other tests
const profile = mkdtempSync(join(tmpdir(), "browsertest-"));

function chromium() {
  const settings = { ...chromiumCookies?.default_content_setting_values, ...(scripts === "no-scripts" ? { javascript: 2 } : {}) };
  mkdirSync(join(profile, "Default"));
  writeFileSync(join(profile, "Default", "Preferences"), JSON.stringify({
    profile: { ...chromiumCookies, default_content_setting_values: settings },
  }));
  return puppeteer.launch({
    executablePath: "/usr/bin/chromium",
    userDataDir: profile,
    acceptInsecureCerts: true,
    defaultViewport: null,
    timeout: patience,
    args: [...chromiumQuiet, "--window-size=1280,900", "--host-resolver-rules=" + hosts.map((h) => `MAP ${h} 127.0.0.1`).join(",")],
  });
}

function firefox() {
  return puppeteer.launch({
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    userDataDir: profile,
    acceptInsecureCerts: true,
    defaultViewport: null,
    timeout: patience,
    args: ["--width=1280", "--height=900"],
    extraPrefsFirefox: {
      ...firefoxQuiet,
      "network.cookie.cookieBehavior": firefoxCookies[cookies],
      "network.dns.localDomains": hosts.join(","),
      "javascript.enabled": scripts !== "no-scripts",
    },
  });
}

const tidy = () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
const browser = await (name === "firefox" ? firefox() : chromium()).catch((e) => {
  tidy();
  throw e;
});
const pages = [];
const requests = [];
const messages = [];

function watch(page) {
  if (pages.includes(page)) return;
  pages.push(page);
  page.on("request", (r) => requests.push({ url: r.url(), method: r.method() }));
  page.on("console", (m) => messages.push(`${m.type()}: ${m.text()} (${m.location()?.url ?? ""})`));
  page.on("pageerror", (e) => {
    if (!e.message.includes("__bidi_args")) messages.push(`thrown: ${e.message}`); // Firefox's own, of a question to a frame that has gone
  });
}

browser.on("targetcreated", async (target) => {
  const page = target.type() === "page" ? await target.page().catch(() => null) : null;
  if (page && (await browser.pages()).includes(page)) watch(page); // Firefox's frames are targets as well
});
for (const page of await browser.pages()) watch(page);
if (pages.length === 0) watch(await browser.newPage());

function pageOf({ page = 0 }) {
  if (!pages[page]) throw new Error(`there is no page ${page}, only ${pages.length}`);
  return pages[page];
}

async function frameOf(given) {
  let frame = pageOf(given).mainFrame();
  for (const selector of given.frames ?? []) {
    const element = await frame.$(selector);
    if (!element) throw new Error(`no iframe ${selector}`);
    frame = await element.contentFrame();
    await element.dispose().catch(() => {});
    if (!frame) throw new Error(`${selector} holds no frame`);
  }
  return frame;
}

// Where the middle of an element is in its page's window. Puppeteer's own clickablePoint asks for frames in a way that Firefox 140 ESR does
// not know.
async function middleOf(given, element) {
  const corner = (e) => { const r = e.getBoundingClientRect(); return [r.left + e.clientLeft, r.top + e.clientTop]; };
  let [x, y] = await element.evaluate((e) => { const r = e.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; });
  let frame = pageOf(given).mainFrame();
  for (const selector of given.frames ?? []) {
    const holder = await frame.$(selector);
    const [left, top] = await holder.evaluate(corner);
    [x, y] = [x + left, y + top];
    frame = await holder.contentFrame();
    await holder.dispose().catch(() => {});
  }
  return [x, y];
}

// A frame that is about to show another document cannot be asked; ask again until the time is over.
async function patiently(given, ask) {
  const end = Date.now() + (given.timeout ?? patience / 2);
  let last;
  do {
    try {
      const got = await within(2000, ask());
      if (got) return got;
      last = undefined;
    } catch (e) {
      last = e;
    }
    await pause(20);
  } while (Date.now() < end);
  throw new Error("waited in vain" + (last ? `: ${last.message}` : ""));
}

// A question to a frame that goes away may never be answered.
function within(ms, promise) {
  let timer;
  const late = new Promise((_, refuse) => { timer = setTimeout(() => refuse(new Error("no answer")), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const axe = () => readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

await serveLines({
  version: () => browser.version(),
  // A page that goes on by itself has not ended its own loading, which Firefox may call a failure.
  open: (given) => pageOf(given).goto(given.url, { waitUntil: "load", timeout: patience }).then(() => {}, (e) => {
    if (!e.message.includes("NS_BINDING_ABORTED")) throw e;
  }),
  eval: async (given) => (await frameOf(given)).evaluate(given.expression),
  until: (given) => patiently(given, async () => (await frameOf(given)).evaluate(`Boolean(${given.expression})`)),
  text: async (given) => (await frameOf(given)).evaluate("document.body ? document.body.innerText : ''"),
  url: async (given) => (await frameOf(given)).url(),
  // A real press of a mouse button: what it opens is no popup that a browser would block.
  click: (given) => patiently(given, async () => {
    const element = await (await frameOf(given)).$(given.selector);
    if (!element) return false;
    await element.evaluate((e) => e.scrollIntoView({ block: "center", behavior: "instant" }));
    const [x, y] = await middleOf(given, element); // element.click() would wait for an observer, which is a script
    await pageOf(given).mouse.click(x, y);
    return true;
  }),
  pages: () => pages.map((p) => p.url()),
  untilPages: (given) => patiently(given, async () => pages.length >= given.count),
  shot: async (given) => void (await pageOf(given).screenshot({ path: given.path, fullPage: true })),
  scheme: (given) => pageOf(given).emulateMediaFeatures([{ name: "prefers-color-scheme", value: given.scheme }]),
  viewport: (given) => pageOf(given).setViewport({ width: given.width, height: given.height }),
  // The protocol may evaluate what the page's own policy would not let it load.
  axe: async (given) => {
    const frame = await frameOf(given);
    await frame.evaluate(axe());
    const options = JSON.stringify({ runOnly: given.tags, resultTypes: ["violations"] });
    return frame.evaluate(`axe.run(document, ${options}).then((found) => found.violations.map((v) => ({
      id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => n.html + " — " + n.failureSummary) })))`);
  },
  // What a person would see, for a test that waited in vain.
  dump: async () => {
    const seen = [];
    for (const [i, page] of pages.entries()) {
      for (const frame of page.frames()) {
        const text = await within(1000, frame.evaluate("document.body ? document.body.innerText : ''")).catch((e) => `(${e.message})`);
        seen.push(`page ${i}, ${frame.url().split("?")[0]}:\n${text}`);
      }
    }
    return [...seen, ...messages].join("\n");
  },
  requests: () => requests,
  messages: () => messages,
}, async () => {
  const ended = new Promise((done) => browser.process().once("exit", done));
  process.kill(-browser.process().pid, "SIGKILL"); // with its group: nothing of the profile is worth a farewell
  await ended;
  tidy();
});
