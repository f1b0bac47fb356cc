// What the programs that sign an LTI 1.1 launch have in common: {url, key, secret, fields} as JSON on standard input, the
// form's body on standard output.
import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";

export async function launch() {
  return JSON.parse(await text(process.stdin));
}

export function protocol(key) {
  return {
    oauth_version: "1.0",
    oauth_signature_method: "HMAC-SHA1",
    oauth_consumer_key: key,
    oauth_nonce: randomUUID(),
    oauth_timestamp: String(Math.floor(Date.now() / 1000)),
    lti_version: "LTI-1p0",
    lti_message_type: "basic-lti-launch-request",
  };
}

export function form(fields) {
  process.stdout.write(new URLSearchParams(fields).toString());
}
