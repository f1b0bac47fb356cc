package outcome

// BodyHash is bodyHash for tests.
var BodyHash = bodyHash
