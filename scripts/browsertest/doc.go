// Package browsertest shows pages to the browsers that learners have: Debian's Chromium and Firefox, with third-party
// cookies allowed or blocked, or all cookies blocked, which is how an LTI tool in a frame meets them.
//
// Names such as lms.test and hooks.test are this machine and different sites; Serve puts a handler on one of them, over
// TLS with a certificate of the test's own. A Frame is addressed by its page and the iframes on the way:
//
//	b := browsertest.Start(t, browsertest.Options{Kind: browsertest.Firefox, Cookies: browsertest.AllBlocked, Hosts: hosts})
//	b.Open(lms + "/")
//	tool := b.Page(0).Frame("#tool")
//	tool.Until("the lab page", `document.querySelector("main[data-state]")`)
//
// A failing command fails the test, with what every frame showed at that moment.
package browsertest
