// An LTI 1.3 platform as a process of its own; jose signs and verifies, nothing here is Stackhook's.
//
//   node platform.js OPTIONS    (JSON: see Options in peers.go)
//
// Says where it is in a line of JSON, then takes commands: see lines.js. It is served twice: at its public name, with the
// certificate it was given, and without TLS on a loopback port, for what speaks to it without a browser.
import { randomUUID, webcrypto } from "node:crypto";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { text } from "node:stream/consumers";
import { serveLines } from "./lines.js";
import * as page from "./platform-pages.js";

globalThis.crypto ??= webcrypto; // jose wants it; Node 18 has it in the module only
const { SignJWT, createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } = await import("jose");

const options = JSON.parse(process.argv[2]);
const claim = "https://purl.imsglobal.org/spec/lti/claim/";
const roles = "http://purl.imsglobal.org/vocab/lis/v2/membership#";
const launches = new Map(); // by lti_message_hint
const asked = []; // every request, as "METHOD path"
let issuer;
let key;

// As Open edX: one key, no overlap, when it changes.
async function rotate() {
  const pair = await generateKeyPair("RS256", { modulusLength: 2048, extractable: true });
  const kid = randomUUID();
  key = { kid, secret: pair.privateKey, shown: { ...(await exportJWK(pair.publicKey)), kid, alg: "RS256", use: "sig" } };
  return kid;
}

// A link in the course is opened: the address that begins the login. What the course page was asked for goes with it.
function initiate(wish) {
  const hint = randomUUID();
  launches.set(hint, wish);
  const login = new URL(options.tool.login);
  const fields = {
    iss: issuer,
    client_id: options.clientId,
    lti_deployment_id: options.deployment,
    target_link_uri: options.tool.launch,
    login_hint: wish.get("user") ?? "4cbd6cf5-3c9b-4b0f-8a64-0d9c5f2f7a11",
    lti_message_hint: hint,
  };
  if (wish.get("storage")) fields.lti_storage_target = wish.get("storage");
  for (const [name, value] of Object.entries(fields)) login.searchParams.set(name, value);
  return login.href;
}

// A course page may hold several blocks of ours.
function blocks(wish) {
  return Array.from({ length: Number(wish.get("blocks") ?? 1) }, (_, i) => new URLSearchParams([...wish, ["link", `block-${i + 1}`]]));
}

function claims(wish, asking) {
  const now = Math.floor(Date.now() / 1000);
  const deep = wish.get("deep") === "1";
  const all = {
    iss: issuer, aud: options.clientId, azp: options.clientId, sub: asking.get("login_hint"), nonce: asking.get("nonce"),
    iat: now, exp: now + 3600,
    name: "Ada Lovelace",
    [claim + "message_type"]: deep ? "LtiDeepLinkingRequest" : "LtiResourceLinkRequest",
    [claim + "version"]: "1.3.0",
    [claim + "deployment_id"]: options.deployment,
    [claim + "target_link_uri"]: options.tool.launch,
    [claim + "roles"]: [roles + (wish.get("role") === "instructor" ? "Instructor" : "Learner")],
    [claim + "context"]: { id: "course-v1:Academy+Web101+2026", title: "Web servers 101", type: ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"] },
    [claim + "launch_presentation"]: { document_target: "iframe", locale: wish.get("locale") ?? "en" },
    [claim + "custom"]: wish.get("lab") ? { lab: wish.get("lab") } : {},
  };
  if (deep) {
    all["https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"] = {
      deep_link_return_url: issuer + "/return",
      accept_types: ["ltiResourceLink"],
      accept_presentation_document_targets: ["iframe", "window"],
      accept_multiple: wish.get("multiple") === "1",
      data: "data-" + asking.get("lti_message_hint"),
    };
  } else {
    all[claim + "resource_link"] = { id: "block-v1:Academy+Web101+2026+type@lti_consumer+block@" + (wish.get("link") ?? "8f2c") };
  }
  return all;
}

async function answer(asking) {
  const wish = launches.get(asking.get("lti_message_hint"));
  const wanted = {
    scope: "openid", response_type: "id_token", response_mode: "form_post", prompt: "none",
    client_id: options.clientId, redirect_uri: options.tool.launch,
  };
  const wrong = Object.keys(wanted).filter((name) => asking.get(name) !== wanted[name]);
  for (const name of ["state", "nonce", "login_hint"]) if (!asking.get(name)) wrong.push(name);
  if (!wish) wrong.push("lti_message_hint");
  if (wrong.length > 0) throw new Error("the authentication request is wrong in " + wrong.join(", "));
  const token = await new SignJWT(claims(wish, asking)).setProtectedHeader({ alg: "RS256", typ: "JWT", kid: key.kid }).sign(key.secret);
  return page.post(options.tool.launch, { state: asking.get("state"), id_token: token });
}

// The lab that an instructor chose comes back signed with the tool's key.
async function chosen(form) {
  const keys = createRemoteJWKSet(new URL(options.tool.jwks));
  const { payload, protectedHeader } = await jwtVerify(form.get("JWT"), keys, {
    issuer: options.clientId, audience: issuer, algorithms: ["RS256"], requiredClaims: ["exp", "iat", "nonce"],
  });
  return page.claims({ header: protectedHeader, claims: payload });
}

// Open edX has its login and its key set at addresses of its own.
function place(path) {
  const openEdx = "/api/lti_consumer/v1/";
  if (path === openEdx + "launch/") return "/auth";
  if (path.startsWith(openEdx + "public_keysets/")) return "/jwks.json";
  return path;
}

async function route(request, url) {
  const form = request.method === "POST" ? new URLSearchParams(await text(request)) : url.searchParams;
  switch (place(url.pathname)) {
    case "/": return page.course(blocks(url.searchParams).map(initiate), url.searchParams.get("storage"), new URL(options.tool.launch).origin);
    case "/start": return { redirect: initiate(url.searchParams) };
    case "/storage": return page.storage(new URL(options.tool.launch).origin);
    case "/auth": return answer(form);
    case "/jwks.json": return { type: "application/json", body: JSON.stringify({ keys: [key.shown] }) };
    case "/return": return chosen(form);
  }
  return { status: 404, body: "nothing is here" };
}

async function handle(request, response) {
  const url = new URL(request.url, issuer);
  asked.push(`${request.method} ${url.pathname}`);
  let got;
  try {
    got = await route(request, url);
  } catch (e) {
    got = { status: 400, type: "text/plain", body: "platform: " + e.message };
  }
  const headers = { "Content-Type": (got.type ?? "text/html") + "; charset=utf-8", "Cache-Control": "no-store" };
  if (got.redirect) headers.Location = got.redirect;
  response.writeHead(got.status ?? (got.redirect ? 302 : 200), headers);
  response.end(got.body);
}

const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));

await rotate();
const loopback = "http://127.0.0.1:" + (await listen(createServer(handle)));
issuer = options.tls ? `https://${options.host}:` + (await listen(createSecureServer(options.tls, handle))) : loopback;
process.stdout.write(JSON.stringify({ issuer, loopback }) + "\n");
await serveLines({
  rotate,
  asked: () => asked,
  tool: ({ tool }) => void (options.tool = tool),
}, () => {});
