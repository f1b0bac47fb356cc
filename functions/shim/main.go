// Command shim runs every function on one HTTP server, with a developer's page, on the fake cloud or a real one.
package main

import (
	"os"

	"github.com/stackhook/stackhook/functions/shim/shim"
	"github.com/stackhook/stackhook/shared/config"
)

func main() { os.Exit(shim.Main(os.Args[1:], config.OS(), os.Stdout, os.Stderr)) }
