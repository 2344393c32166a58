package viewer

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace/causal"
)

//go:embed web/dist
var built embed.FS

// assets is what web/dist holds.
func assets() fs.FS {
	sub, err := fs.Sub(built, "web/dist")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

// policy lets the page load what this server sends, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP answers the page and its questions. It answers only to requests that name this machine as their host: else a web page
// from elsewhere could have its own name lead here, and read the trace (DNS rebinding).
func (v *Viewer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	switch {
	case !loopback(r.Host):
		http.Error(w, fmt.Sprintf("this page is shown to this machine alone; open it as 127.0.0.1 or localhost, not as %q", r.Host),
			http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "the trace can only be read", http.StatusMethodNotAllowed)
	case strings.HasPrefix(r.URL.Path, "/api/"):
		v.answer(w, r)
	default:
		http.FileServerFS(assets()).ServeHTTP(w, r)
	}
}

// loopback reports whether a Host header names this machine.
func loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.IsLoopback()
}

// askError says that a question cannot be answered as it was asked.
type askError struct {
	status int
	text   string
}

func (e *askError) Error() string { return e.text }

func asked(format string, args ...any) error {
	return &askError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func (v *Viewer) answer(w http.ResponseWriter, r *http.Request) {
	result, err := v.ask(r.Context(), strings.TrimPrefix(r.URL.Path, "/api/"), r.URL.Query())
	status := http.StatusOK
	if err != nil {
		var a *askError
		status = http.StatusInternalServerError
		if errors.As(err, &a) {
			status = a.status
		}
		result = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(result) // who asked is gone if it cannot be written
}

// ask answers a question of the page.
func (v *Viewer) ask(ctx context.Context, what string, q url.Values) (any, error) {
	select {
	case v.busy <- struct{}{}:
		defer func() { <-v.busy }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h := v.acquire()
	defer v.release(h)
	if err := h.askGeneration(q); err != nil {
		return nil, err
	}
	return h.ask(ctx, what, q)
}

// askGeneration sees that the numbers of processes in a question are those of the index.
func (ix *index) askGeneration(q url.Values) error {
	if !q.Has("g") {
		return nil
	}
	g, err := number(q, "g", 1, 1<<53)
	if err == nil && (g < ix.since || g > ix.generation) {
		err = &askError{http.StatusConflict, "there are more processes by now, and their numbers have changed; ask for the overview again"}
	}
	return err
}

func (ix *index) ask(ctx context.Context, what string, q url.Values) (any, error) {
	switch what {
	case "overview":
		return ix.overview(), nil
	case "findings":
		return ix.askFindings(q)
	case "tile":
		return ix.askTile(q)
	case "event":
		at, err := ix.askAt(q, "at")
		if err != nil {
			return nil, err
		}
		return ix.details(ctx, at)
	case "pair":
		a, err := ix.askAt(q, "a")
		if err != nil {
			return nil, err
		}
		b, err := ix.askAt(q, "b")
		if err != nil {
			return nil, err
		}
		if a == b {
			return nil, asked("a=%s&b=%s: both are one event; name two", q.Get("a"), q.Get("b"))
		}
		return ix.pair(ctx, a, b)
	case "near":
		return ix.askNear(q)
	case "search":
		return ix.askSearch(q)
	}
	return nil, &askError{http.StatusNotFound, fmt.Sprintf("there is nothing to ask under /api/%s", what)}
}

func (ix *index) askFindings(q url.Values) (any, error) {
	from, err := number(q, "from", 0, 1<<31-1)
	if err != nil {
		return nil, err
	}
	limit, err := number(q, "limit", 1, mostFindings)
	if err != nil {
		return nil, err
	}
	return ix.findings(int(from), int(limit)), nil
}

func (ix *index) askTile(q url.Values) (any, error) {
	z, err := number(q, "z", 0, mostLevel)
	if err != nil {
		return nil, err
	}
	i, err := number(q, "i", 0, 1<<53)
	if err != nil {
		return nil, err
	}
	shown, err := ix.shown(q.Get("only"))
	if err != nil {
		return nil, err
	}
	t, err := ix.tileOf(int(z), i, shown)
	if err != nil {
		return nil, &askError{http.StatusBadRequest, err.Error()}
	}
	return t, nil
}

// shown reads the numbers of the processes that are shown; none means all.
func (ix *index) shown(only string) ([]bool, error) {
	shown := make([]bool, len(ix.lanes))
	if only == "" {
		for i := range shown {
			shown[i] = true
		}
		return shown, nil
	}
	for part := range strings.SplitSeq(only, ",") {
		p, err := strconv.Atoi(part)
		if err != nil || p < 0 || p >= len(shown) {
			return nil, asked("only=%s: %q is no number of a process, 0 to %d", only, part, len(shown)-1)
		}
		shown[p] = true
	}
	return shown, nil
}

func (ix *index) askNear(q url.Values) (any, error) {
	p, err := number(q, "p", 0, int64(len(ix.lanes))-1)
	if err != nil {
		return nil, err
	}
	clock, err := number(q, "clock", 0, 1<<53)
	if err != nil {
		return nil, err
	}
	pos, ok := ix.lanes[p].near(uint64(clock))
	if !ok {
		return nil, &askError{http.StatusNotFound, fmt.Sprintf("%s has no events", ix.lanes[p].name)}
	}
	return ix.event(causal.At{Process: int32(p), Pos: pos}), nil
}

// mostQuery is how long a search may be, in bytes.
const mostQuery = 1000

func (ix *index) askSearch(q url.Values) (any, error) {
	limit, err := number(q, "limit", 1, mostHits)
	if err != nil {
		return nil, err
	}
	text := q.Get("q")
	if len(text) > mostQuery {
		return nil, asked("a search has at most %d bytes", mostQuery)
	}
	query, err := ix.parseQuery(text)
	if err != nil {
		return nil, &askError{http.StatusBadRequest, err.Error()}
	}
	return ix.search(query, int(limit)), nil
}

// askAt reads the name of an event: PROCESS,PLACE.
func (ix *index) askAt(q url.Values, key string) (causal.At, error) {
	process, place, _ := strings.Cut(q.Get(key), ",")
	p, err := strconv.ParseInt(process, 10, 32)
	pos, err2 := strconv.ParseInt(place, 10, 32)
	if err != nil || err2 != nil || p < 0 || p >= int64(len(ix.lanes)) || pos < 0 || pos >= int64(ix.lanes[p].len()) {
		return causal.At{}, asked("%s=%s: there is no such event; name its process and its place in the log, both from 0, as 2,17",
			key, q.Get(key))
	}
	return causal.At{Process: int32(p), Pos: int32(pos)}, nil
}

func number(q url.Values, key string, lo, hi int64) (int64, error) {
	n, err := strconv.ParseInt(q.Get(key), 10, 64)
	if err != nil || n < lo || n > hi {
		return 0, asked("%s=%s: give a number from %d to %d", key, q.Get(key), lo, hi)
	}
	return n, nil
}
