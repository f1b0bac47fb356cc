// Package seal makes values that travel through browsers and clouds and come back unchanged: tickets of the lab page and
// signed URLs of alarms.
//
// A sealed value is secret, expires, and opens only for the purpose it was made for. A signature is deterministic, so that
// the same URL can be made again and compared. Keys for each purpose derive from the configured secrets by HKDF (RFC 5869);
// two keys may be live at once, so that keys can be changed without breaking what is out there.
package seal
