// Command program is a function that shows what reached it, for the tests that run a real binary.
package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/serve"
)

func main() { serve.Main("program", build, "shows requests") }

func build(context.Context, config.Source) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			function.Fail(w, r, err)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
		function.JSON(w, r, http.StatusAccepted, map[string]string{"path": r.URL.Path, "query": r.URL.RawQuery, "cookie": r.Header.Get("Cookie"), "body": string(body)})
	})
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		<-time.After(2 * time.Second)
		function.JSON(w, r, http.StatusOK, "finished")
	})
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	return mux, nil
}
