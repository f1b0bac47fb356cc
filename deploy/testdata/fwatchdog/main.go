// Command fwatchdog stands in for OpenFaaS's watchdog in the mode http: it starts the function, and passes on to it what comes to port 8080.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
)

func main() {
	if os.Getenv("mode") != "http" {
		log.Fatal("would start a process for each request")
	}
	function := exec.Command(os.Getenv("fprocess"))
	function.Stdout, function.Stderr = os.Stdout, os.Stderr
	if err := function.Start(); err != nil {
		log.Fatal(err)
	}
	upstream, err := url.Parse(os.Getenv("upstream_url"))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(":8080", httputil.NewSingleHostReverseProxy(upstream)))
}
