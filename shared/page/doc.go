// Package page draws what a learner sees: the lab page and the problem page.
//
// Pages are one self-contained answer: no cookie, no third party, no asset to fetch, since they mostly live in a frame of
// somebody else's site where cookies and storage may be blocked. Style and script are inline under a nonce. Everything
// works without script by a Refresh button; the script saves pressing it.
//
// Every text is in texts_en.go; another language is another table of the same keys.
package page
