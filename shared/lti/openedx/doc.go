// Package openedx carries values between Open edX Studio and Stackhook's configuration, so that nobody types them.
//
// For LTI 1.3, Studio shows five values of a block (or of an entry of the LTI store). Parse reads them however they were
// pasted; Entry makes the registration of them, to stand under lti.platforms; PasteBack is what Studio has to be told.
// For LTI 1.1 there is nothing to read: ConsumerYAML is the entry, PasteBackLegacy what Studio has to be told.
//
// The labels are those of the LTI Consumer XBlock: what it shows in lti_consumer/templates/html/lti_1p3_studio.html, the
// fields of its form in lti_consumer/lti_xblock.py. Nothing here reads or writes anything.
package openedx
