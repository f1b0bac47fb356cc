// Package shim is Stackhook on one machine: every function under /<function>/ of one HTTP server, on the fake cloud
// or on a real one, and a developer's page at / that plays everybody who calls the functions: the LMS, the alarm and
// the operator.
//
// # For stories written in Go
//
//	s, err := shim.Start(ctx, shim.Options{Source: config.Map(nil), Listen: "127.0.0.1:0"}) // fake cloud, free port
//	if err != nil { … }
//	defer s.Close()
//
//	s.URL()                      // "http://127.0.0.1:41234", no slash at the end; a function lives at URL()+"/launch-lab"
//	s.Addr()                     // "127.0.0.1:41234", also where public_url is another address
//	s.Keys().ConsumerKey         // LTI 1.1 consumer, with its …
//	s.Keys().ConsumerSecret      // … secret
//	s.Keys().APIToken            // bearer token for deploy-site and scale-cluster
//	s.Keys().Lab                 // the consumer's default lab ("web" without a configuration)
//	s.ScaleURL("academy", "out") // the signed URL that a site's alarm calls
//	s.Fake()                     // the *openstacktest.Cloud behind it; nil on a real cloud
//
// Source is where every function reads its configuration and the cloud's address, exactly as in production:
//
//   - STACKHOOK_CONFIG is a path or the YAML text itself. Without it the shim uses its development configuration.
//     A configuration without public_url gets the shim's own address, so a story can leave it out.
//   - OS_CLOUD, OS_AUTH_URL or `clouds:` in the configuration mean a real cloud. Without them the fake cloud starts.
//
// So a story on the real cloud is config.OS(), and one with its own clusters is
// config.Map(map[string]string{"STACKHOOK_CONFIG": text, "OS_CLOUD": "…", …}).
//
// New does everything but serve: the listener is open (its port is part of public_url, which the functions need to
// be built) and Handler can be called directly. Start is New, and Serve in the background. Both end with Close.
//
// # The operators' page
//
// /dev/labs shows all labs of all clouds and gives orders to tend-labs, with the configuration's first API token that may
// look after labs, which never leaves the shim. Whatever changes something is asked about on a page of its own and then
// posted; the pages have no script.
//
// # Development keys
//
// Without STACKHOOK_CONFIG the secrets are drawn afresh at each start, so that no web page open in the developer's
// browser can know them. The naming key alone is fixed: a restart on a real cloud finds its labs again. They are
// refused on any address that others can reach, and so is the developer's page whatever the keys: it signs launches
// for whoever asks.
package shim
