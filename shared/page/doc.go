// Package page draws what people see: the lab page, the class page for instructors, the pages on the way of an LTI 1.3
// launch, of a choice and of a registration, and the problem page.
//
// Pages are one self-contained answer: no cookie, no third party, no asset to fetch, since they mostly live in a frame of
// somebody else's site where cookies and storage may be blocked. Style and script are inline under a nonce. Everything
// works without script; the scripts save pressing buttons.
//
// What a page is made of is in *.templ, from which `make generate` makes Go code; what strangers wrote is escaped by where it
// stands, and addresses of theirs lead to the web or nowhere (escape.go).
//
// Every text is in texts_XX.go, a file for each language; a test holds them together. Refusals come from elsewhere with an
// English sentence, and are said in other languages by their code.
package page
