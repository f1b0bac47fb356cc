package logging_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/stackhook/stackhook/shared/logging"
)

// pieces are what was written, each as it came.
type pieces struct {
	mu  sync.Mutex
	got []string
	err error
}

func (p *pieces) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, string(text))
	return len(text), p.err
}

func (p *pieces) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func gathered(t *testing.T) (*pieces, *logging.Gatherer, zerolog.Logger) {
	t.Helper()
	to := &pieces{}
	g := logging.NewGatherer(to)
	return to, g, logging.New(g, "test")
}

func TestGatherer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines func(log zerolog.Logger)
		want  []int // lines in each piece, an hour later
	}{
		"one by one": {func(log zerolog.Logger) {
			for range 3 {
				log.Info().Msg(logging.Ended)
				time.Sleep(time.Second)
			}
		}, []int{1, 1, 1}},
		"a burst": {func(log zerolog.Logger) {
			for range 5 {
				log.Info().Msg(logging.Ended)
			}
		}, []int{1, 4}},
		"two bursts": {func(log zerolog.Logger) {
			for range 5 {
				log.Info().Msg(logging.Ended)
			}
			time.Sleep(15 * time.Millisecond)
			for range 3 {
				log.Info().Msg(logging.Ended)
			}
		}, []int{1, 4, 3}},
		"a failure does not wait": {func(log zerolog.Logger) {
			log.Info().Msg(logging.Ended)
			log.Info().Msg(logging.Ended)
			log.Error().Msg(logging.Ended)
			log.Info().Msg(logging.Ended)
		}, []int{1, 2, 1}},
		"a change of the cloud does not wait": {func(log zerolog.Logger) {
			log.Info().Msg(logging.Ended)
			log.Info().Msg("audit")
			log.Info().Str("cause", logging.Ended).Msg("audit")
		}, []int{1, 1, 1}},
		"no more than a pipe takes": {func(log zerolog.Logger) {
			log.Info().Msg(logging.Ended)
			for range 5 {
				log.Info().Str("cause", strings.Repeat("a", 1200)).Msg(logging.Ended)
			}
		}, []int{1, 3, 2}},
		"a line that is longer": {func(log zerolog.Logger) {
			log.Info().Msg(logging.Ended)
			log.Info().Str("cause", strings.Repeat("a", 9000)).Msg(logging.Ended)
			log.Info().Msg(logging.Ended)
		}, []int{1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				to, _, log := gathered(t)
				c.lines(log)
				time.Sleep(time.Hour)
				var got []int
				for _, piece := range to.all() {
					got = append(got, strings.Count(piece, "\n"))
					if !strings.HasSuffix(piece, "\n") {
						t.Errorf("half a line: %s", piece)
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(c.want) {
					t.Errorf("pieces of %v lines, want %v", got, c.want)
				}
			})
		})
	}
}

// No line is held for longer than gathering, and none at the end of a process.
func TestGathererHoldsNothingForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to, g, log := gathered(t)
		log.Info().Msg(logging.Ended)
		log.Info().Msg(logging.Ended)
		time.Sleep(9 * time.Millisecond)
		synctest.Wait()
		if len(to.all()) != 1 {
			t.Errorf("%d pieces after 9 ms, want 1", len(to.all()))
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if len(to.all()) != 2 {
			t.Errorf("%d pieces after 10 ms, want 2", len(to.all()))
		}
		log.Info().Msg(logging.Ended)
		g.Flush()
		if len(to.all()) != 3 {
			t.Errorf("%d pieces after the end, want 3", len(to.all()))
		}
	})
}

// Lines that cannot be written are dropped: the next ones are tried again, and none comes twice.
func TestGathererDropsWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	to := &pieces{err: errors.New("no space left on device")}
	g := logging.NewGatherer(to)
	if _, err := g.Write([]byte("a\n")); err == nil {
		t.Error("no error")
	}
	to.err = nil
	if n, err := g.Write([]byte("b\n")); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if got := strings.Join(to.all(), "|"); got != "a\n|b\n" {
		t.Errorf("%q", got)
	}
}

func TestGathererInParallel(t *testing.T) {
	t.Parallel()
	var to bytes.Buffer
	g := logging.NewGatherer(&to)
	log := logging.New(g, "test")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				log.Info().Msg(logging.Ended)
			}
		})
	}
	all.Wait()
	g.Flush()
	if got := strings.Count(to.String(), logging.Ended+"\"}\n"); got != 1600 {
		t.Errorf("%d lines, want 1600", got)
	}
}
