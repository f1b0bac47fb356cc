// Package lti decides whether a request is a launch by a learning management system that we know, and whose launch it is.
//
// It speaks LTI 1.1, a browser's form POST signed with OAuth 1.0a (RFC 5849; [Verifier]), and LTI 1.3, a login that the
// platform answers with a signed token (OpenID Connect; [Tool]). Verification is pure but for the platform's key set and
// one question to the store of seen nonces, asked last, so that nobody without a good launch can fill that store. The
// package sits between launch-lab, which turns HTTP into a [Request], and shared/lab, which turns a [Launch] into a lab.
//
// An LTI 1.3 launch is three calls: Login when it begins; Answer when the platform posts its token, which says whose
// secret the browser must show; Verify with that secret.
//
// Why our own form parser: net/url drops pairs that hold a `;` and accepts names twice, net/http merges query and body.
// A signature covers all of them, so whoever reads another list than the one that was signed can be fooled.
//
// README.md lists every code that a refusal can carry.
package lti
