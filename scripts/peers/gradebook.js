// A grade book on ims-lti and jose: LTI 1.1 outcomes and LTI 1.3 scores.
//
//   node gradebook.js OPTIONS    (JSON: see GradebookOptions in gradebook.go)
//
// Says where it is in a line of JSON, then takes commands: see lines.js. Whatever it does not take is answered as an LMS
// would and kept with its reason.
import { createHash, randomUUID, webcrypto } from "node:crypto";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import HMAC from "ims-lti/lib/hmac-sha1.js";
import xml2js from "xml2js";
import { serveLines } from "./lines.js";

globalThis.crypto ??= webcrypto; // jose wants it; Node 18 has it in the module only
const { createLocalJWKSet, jwtVerify } = await import("jose");

const options = JSON.parse(process.argv[2]);
const keys = createLocalJWKSet(options.jwks);
const scope = "https://purl.imsglobal.org/spec/lti-ags/scope/";
const grades = [];
const refused = [];
const tokens = new Map();
const times = new Map();
let address;

function need(truth, reason) {
  if (!truth) throw new Error(reason);
}

function checkSignature(url, header, body) {
  need(header?.startsWith("OAuth "), "there is no OAuth header");
  const params = Object.fromEntries([...header.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, decodeURIComponent(value)]));
  need(params.oauth_consumer_key === options.key, "the key is another");
  need(params.oauth_body_hash === createHash("sha1").update(body).digest("base64"), "the body hash is wrong");
  const query = Object.fromEntries(url.searchParams);
  const want = new HMAC().build_signature_raw(url.origin + url.pathname, { query }, "POST", params, options.secret);
  need(params.oauth_signature === want, "the signature does not hold");
}

const escape = (text) => text.replace(/[<>&]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function answer(major, description) {
  return {
    type: "application/xml",
    body: `<?xml version="1.0"?><imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader>
<imsx_POXResponseHeaderInfo><imsx_version>V1.0</imsx_version><imsx_messageIdentifier>${randomUUID()}</imsx_messageIdentifier><imsx_statusInfo>
<imsx_codeMajor>${major}</imsx_codeMajor><imsx_severity>status</imsx_severity><imsx_description>${escape(description)}</imsx_description>
</imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader><imsx_POXBody><replaceResultResponse/></imsx_POXBody></imsx_POXEnvelopeResponse>`,
  };
}

async function outcome(url, request, body) {
  try {
    checkSignature(url, request.headers.authorization, body);
    need(request.headers["content-type"] === "application/xml", "the media type is wrong");
    const { imsx_POXEnvelopeRequest: envelope } = await xml2js.parseStringPromise(body.toString("utf8"));
    const [{ resultRecord: [record] }] = envelope.imsx_POXBody[0].replaceResultRequest;
    const who = record.sourcedGUID[0].sourcedId[0];
    const score = Number(record.result[0].resultScore[0].textString[0]);
    need(score >= 0 && score <= 1, "the score is wrong");
    grades.push({ who, score });
    return answer("success", `Score for ${who} is now ${score}`);
  } catch (e) {
    refused.push(e.message);
    return answer("failure", "OAuth: " + e.message);
  }
}

async function token(url, body) {
  const form = new URLSearchParams(body.toString());
  need(form.get("grant_type") === "client_credentials", "the grant type is wrong");
  need(form.get("client_assertion_type") === "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "the assertion's type is wrong");
  await jwtVerify(form.get("client_assertion"), keys, {
    algorithms: ["RS256"], audience: url.href, issuer: options.clientId, subject: options.clientId, maxTokenAge: 300,
    requiredClaims: ["exp", "iat", "jti"],
  });
  const given = randomUUID();
  tokens.set(given, form.get("scope").split(" "));
  return { body: JSON.stringify({ access_token: given, token_type: "bearer", expires_in: 3600 }) };
}

function score(request, body) {
  const scopes = tokens.get(request.headers.authorization?.replace(/^Bearer /, "")) ?? [];
  need(scopes.includes(scope + "score"), "the token does not allow scores");
  need(request.headers["content-type"] === "application/vnd.ims.lis.v1.score+json", "the media type is wrong");
  const sent = JSON.parse(body.toString());
  need(new Date(sent.timestamp).toISOString() === sent.timestamp, "the timestamp has no milliseconds in UTC");
  if (times.get(sent.userId) >= sent.timestamp) return { status: 409 };
  need(sent.gradingProgress === "FullyGraded" && sent.activityProgress === "Completed", "it is not graded");
  times.set(sent.userId, sent.timestamp);
  grades.push({ who: sent.userId, score: sent.scoreGiven / sent.scoreMaximum });
  return { status: 204 };
}

async function route(request) {
  const url = new URL(request.url, address);
  const body = await buffer(request);
  if (url.pathname.startsWith("/outcome")) return outcome(url, request, body);
  if (url.pathname === "/token") return token(url, body);
  return score(request, body);
}

const server = createServer(async (request, response) => {
  let got;
  try {
    got = await route(request);
  } catch (e) {
    refused.push(e.message);
    got = { status: 400, body: "{}" };
  }
  response.writeHead(got.status ?? 200, { "Content-Type": got.type ?? "application/json" });
  response.end(got.body);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
address = "http://127.0.0.1:" + server.address().port;
process.stdout.write(JSON.stringify({ url: address }) + "\n");
await serveLines({ grades: () => grades, refused: () => refused }, () => {});
