// Whether jose can use a key set: node verify-jwks.js URL [TOKEN] prints its keys' facts as JSON, and the token's claims.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
const { calculateJwkThumbprint, createRemoteJWKSet, importJWK, jwtVerify } = await import("jose");

const [address, token] = process.argv.slice(2);
const { keys } = await (await fetch(address)).json();
const facts = [];
for (const k of keys) {
  const imported = await importJWK(k, "RS256");
  facts.push({
    kid: k.kid, alg: k.alg, use: k.use, bits: imported.algorithm.modulusLength, members: Object.keys(k).sort(),
    thumbprint: await calculateJwkThumbprint(k, "sha256"),
  });
}
const verified = token ? await jwtVerify(token, createRemoteJWKSet(new URL(address)), { algorithms: ["RS256"] }) : null;
process.stdout.write(JSON.stringify({ keys: facts, claims: verified?.payload ?? null }));
