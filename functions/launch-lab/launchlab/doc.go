// Package launchlab is the function launch-lab, the LTI tool: a launch signed by a course site gives the learner's lab page.
//
// LTI 1.1 is one signed form. LTI 1.3 begins at /login, goes through the platform and comes back to /launch; what the login
// has to remember travels sealed in the state and as a secret in the browser, so that any instance can end what another
// began. Both arrive at admit.
//
// The order is what makes it safe. The launch is verified completely before the first call to OpenStack, so a forged one
// costs nothing and creates nothing; and it must belong to this browser before a platform's keys are fetched. Then the stack
// is created or adopted: its name derives from who launched, and so any number of launches at once are one lab: Heat refuses
// a second stack of a name, and where two processes slip one in at the same instant, the pages of both settle on the earlier.
// Nothing on this path deletes.
//
// Once a launch is verified the answer is a page, also when OpenStack is down: the page holds a sealed ticket and goes on
// by itself through view-lab.
package launchlab
