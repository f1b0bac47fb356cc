package servetest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
)

// Probe is a function that tells what reached it, for comparing runtimes.
func Probe(context.Context, config.Source) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo/{rest...}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			function.Fail(w, r, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := r.ParseForm(); err != nil {
			function.Fail(w, r, err)
			return
		}
		cookies := map[string]string{}
		for _, c := range r.Cookies() {
			cookies[c.Name] = c.Value
		}
		w.Header().Add("Vary", "A")
		w.Header().Add("Vary", "B")
		function.JSON(w, r, http.StatusAccepted, map[string]any{
			"method": r.Method, "path": r.URL.Path, "escaped": r.URL.EscapedPath(), "rest": r.PathValue("rest"), "host": r.Host,
			"query": r.URL.Query().Encode(), "form": r.PostForm.Encode(), "body": string(body), "length": r.ContentLength,
			"cookies": cookies, "thing": strings.ReplaceAll(strings.Join(r.Header.Values("X-Thing"), ","), " ", ""), "auth": r.Header.Get("Authorization"),
		})
	})
	mux.HandleFunc("GET /cookies/{n}", func(w http.ResponseWriter, r *http.Request) {
		for i := range len(r.PathValue("n")) {
			http.SetCookie(w, &http.Cookie{Name: string(rune('a' + i)), Value: "1", HttpOnly: true})
		}
		http.Redirect(w, r, "https://hooks.example.org/hooks/view-lab/", http.StatusSeeOther)
	})
	// What LTI 1.3 does: a login sets a cookie of its own, the launch that ends it takes that one away.
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) { http.SetCookie(w, loginCookie("secret", 600)) })
	mux.HandleFunc("POST /launch", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, loginCookie("", -1))
		_, _ = io.WriteString(w, r.Header.Get("Cookie")+" "+r.PostFormValue("state"))
	})
	mux.HandleFunc("/binary", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/x-icon")
		_, _ = w.Write([]byte{0, 0xff, 0xfe, 'a'})
	})
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html><p>Grüße & <b>\u2028")
	})
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	// Longer than any patience of the table, and looking at no context.
	mux.HandleFunc("/deaf", func(http.ResponseWriter, *http.Request) { <-time.After(5 * time.Second) })
	// Work that is under way when the process is told to stop.
	mux.HandleFunc("/work", func(w http.ResponseWriter, r *http.Request) {
		<-time.After(2 * time.Second)
		function.JSON(w, r, http.StatusOK, "finished")
	})
	// Work whose end the test says: it begins with a connection to the test's socket, and ends with it.
	mux.HandleFunc("/held", func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&net.Dialer{}).DialContext(r.Context(), "unix", r.URL.Query().Get("socket"))
		if err == nil {
			_, err = io.Copy(io.Discard, conn)
		}
		if err != nil {
			function.Fail(w, r, err)
			return
		}
		function.JSON(w, r, http.StatusOK, "finished")
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		function.Fail(w, r, r.Context().Err())
	})
	return mux, nil
}

func loginCookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: "__Host-stackhook-b", Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
	}
}
