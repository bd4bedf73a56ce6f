package kisi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wire is a server that answers by hand, so that it can end a connection at any point. It counts the requests that it
// has read whole.
type wire struct {
	listener net.Listener
	mu       sync.Mutex
	requests []string
}

func startWire(t *testing.T, serve func(r *http.Request, connection net.Conn) (keepOpen bool)) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	w := &wire{listener: listener}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = connection.Close() }()
				reader := bufio.NewReader(connection)
				for {
					r, err := http.ReadRequest(reader)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						return
					}
					w.mu.Lock()
					w.requests = append(w.requests, r.Method+" "+r.URL.Path)
					w.mu.Unlock()
					if !serve(r, connection) {
						return
					}
				}
			}()
		}
	}()
	return w
}

func (w *wire) url() string { return "http://" + w.listener.Addr().String() }

func (w *wire) count(request string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, seen := range w.requests {
		if seen == request {
			n++
		}
	}
	return n
}

func answerOK(connection net.Conn, body string) {
	_, _ = fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// net/http repeats a request by itself when a reused connection ends without an answer, if it believes that repeating
// does no harm. The last case shows that this server brings it to do so.
func TestAWriteIsNeverSentTwice(t *testing.T) {
	ctx := context.Background()
	notify := false
	writes := map[string]func(c *Client) error{
		"POST /role_assignments": func(c *Client) error {
			_, err := c.CreateRoleAssignment(ctx, RoleAssignmentCreate{AppliesToType: TypeGroup, AppliesToID: 1, AssigneeType: TypeUser, AssigneeID: 1, RoleID: RoleGroupBasic, Notify: &notify})
			return err
		},
		"POST /users":                func(c *Client) error { _, err := c.CreateUser(ctx, UserCreate{Email: "a@example.com"}); return err },
		"PATCH /users/3":             func(c *Client) error { return c.UpdateUser(ctx, 3, UserUpdate{}) },
		"DELETE /role_assignments/3": func(c *Client) error { return c.DeleteRoleAssignment(ctx, 3) },
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			w := startWire(t, func(r *http.Request, connection net.Conn) bool {
				if r.Method != http.MethodGet {
					return false // read whole, perhaps carried out, never answered
				}
				answerOK(connection, `{"id":1}`)
				return true
			})
			client := clientAt(t, w.url())
			if _, err := client.Organization(ctx); err != nil { // so that the write finds a connection to reuse
				t.Fatal(err)
			}
			err := write(client)
			if !OutcomeUnknown(err) || !IsUnavailable(err) {
				t.Errorf("the outcome is taken for known: %v", err)
			}
			if n := w.count(name); n != 1 {
				t.Errorf("the write was sent %d times", n)
			}
		})
	}
	t.Run("while a read is", func(t *testing.T) {
		var answered atomic.Bool
		w := startWire(t, func(r *http.Request, connection net.Conn) bool {
			if r.URL.Path == "/login" && !answered.Swap(true) {
				return false
			}
			answerOK(connection, `{"id":1,"user_id":1}`)
			return true
		})
		client := clientAt(t, w.url())
		if _, err := client.Organization(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := client.CurrentLogin(ctx); err != nil || w.count("GET /login") != 2 {
			t.Errorf("%v, sent %d times: this test proves nothing any more", err, w.count("GET /login"))
		}
	})
}

func TestOutcomes(t *testing.T) {
	create := func(ctx context.Context, c *Client) error {
		_, err := c.CreateUser(ctx, UserCreate{Email: "a@example.com"})
		return err
	}
	remove := func(ctx context.Context, c *Client) error { return c.DeleteRoleAssignment(ctx, 4) }
	hang := make(chan struct{})
	defer close(hang)
	hanging := startWire(t, func(*http.Request, net.Conn) bool { <-hang; return false })
	// The address of a client's end: as long as it is held, no other server of this machine can come to listen there.
	deaf, err := net.Dial("tcp", hanging.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = deaf.Close() })
	half := startWire(t, func(_ *http.Request, connection net.Conn) bool {
		_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\"")
		return false
	})
	halfRefusal := startWire(t, func(_ *http.Request, connection net.Conn) bool {
		_, _ = io.WriteString(connection, "HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 100\r\n\r\n{\"id\"")
		return false
	})
	garbage := startWire(t, func(_ *http.Request, connection net.Conn) bool {
		_, _ = io.WriteString(connection, "what? "+testSecret+"\r\n\r\n")
		return false
	})
	status := func(code int) string {
		server := httptest.NewServer(reply(code, `{"code":"x","error":"y"}`))
		t.Cleanup(server.Close)
		return server.URL
	}
	shortly := func(c *Config) { c.Timeout = 50 * time.Millisecond }
	tests := map[string]struct {
		endpoint string
		adjust   func(*Config)
		call     func(context.Context, *Client) error
		unknown  bool
		down     bool
	}{
		"nobody listens":              {endpoint: "http://" + deaf.LocalAddr().String(), unknown: false, down: true},
		"no such host":                {endpoint: "http://kisi.invalid", unknown: false, down: true},
		"no answer in time":           {endpoint: hanging.url(), adjust: shortly, unknown: true, down: true},
		"half an answer":              {endpoint: half.url(), unknown: true, down: true},
		"half a refusal":              {endpoint: halfRefusal.url(), unknown: false},
		"no HTTP":                     {endpoint: garbage.url(), unknown: true, down: true},
		"a delete without an answer":  {endpoint: hanging.url(), adjust: shortly, call: remove, unknown: true, down: true},
		"a delete answered 404":       {endpoint: status(404), call: remove},
		"a create answered with 204":  {endpoint: status(204), unknown: true},
		"301":                         {endpoint: status(301), unknown: true},
		"400":                         {endpoint: status(400)},
		"401":                         {endpoint: status(401)},
		"408":                         {endpoint: status(408)},
		"409":                         {endpoint: status(409)},
		"422":                         {endpoint: status(422)},
		"429":                         {endpoint: status(429)},
		"500":                         {endpoint: status(500), unknown: true, down: true},
		"501, which is a refusal":     {endpoint: status(501), down: true},
		"502":                         {endpoint: status(502), unknown: true, down: true},
		"503":                         {endpoint: status(503), unknown: true, down: true},
		"504":                         {endpoint: status(504), unknown: true, down: true},
		"a read that failed with 500": {endpoint: status(500), call: func(ctx context.Context, c *Client) error { _, err := c.User(ctx, 1); return err }, down: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			adjust := test.adjust
			if adjust == nil {
				adjust = func(*Config) {}
			}
			client := clientAt(t, test.endpoint, adjust)
			call := test.call
			if call == nil {
				call = create
			}
			err := call(context.Background(), client)
			if err == nil {
				t.Fatal("no error")
			}
			if got := OutcomeUnknown(err); got != test.unknown {
				t.Errorf("outcome unknown: %v, want %v: %v", got, test.unknown, err)
			}
			if got := IsUnavailable(err); got != test.down {
				t.Errorf("unavailable: %v, want %v: %v", got, test.down, err)
			}
			if text := err.Error(); len(text) == 0 || strings.Contains(text, testSecret) {
				t.Errorf("the error shows the key: %s", text)
			}
		})
	}
	if OutcomeUnknown(nil) || !OutcomeUnknown(errors.New("from elsewhere")) {
		t.Error("nil or a foreign error is judged wrongly")
	}
}

func TestACallGivenUpBeforeItsTurnWasNotSentAndOneGivenUpAfterwardsIsInDoubt(t *testing.T) {
	arrived := make(chan struct{})
	hang := make(chan struct{})
	defer close(hang)
	w := startWire(t, func(*http.Request, net.Conn) bool { arrived <- struct{}{}; <-hang; return false })
	queue := NewQueue(QueueOptions{MaxInFlight: 1})
	defer queue.Close()
	client := clientAt(t, w.url(), func(c *Config) { c.Queue = queue })

	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error)
	go func() { failed <- client.DeleteRoleAssignment(ctx, 1) }()
	<-arrived
	waiting, stop := context.WithCancel(context.Background())
	stop()
	if err := client.DeleteRoleAssignment(waiting, 2); OutcomeUnknown(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("given up before sending: %v", err)
	}
	cancel()
	err := <-failed
	if !OutcomeUnknown(err) || !errors.Is(err, context.Canceled) || IsUnavailable(err) {
		t.Errorf("given up after sending: %v", err)
	}
	if state := queue.State(); state.Down || state.InFlight != 0 {
		t.Errorf("the queue holds the caller's haste against Kisi: %+v", state)
	}
	if n := w.count("DELETE /role_assignments/2"); n != 0 {
		t.Errorf("the second was sent %d times", n)
	}
}

func TestTheQueueLearnsFromAnswers(t *testing.T) {
	type learned struct{ fails, pauses bool }
	for status, want := range map[int]learned{200: {}, 401: {}, 404: {}, 422: {}, 429: {pauses: true}, 500: {fails: true}, 503: {fails: true}} {
		suspected := make(chan bool, 1)
		queue := NewQueue(QueueOptions{OutageAfter: 1, OnSuspicion: func() { suspected <- true }})
		client := clientOf(t, reply(status, `{"id":1}`), func(c *Config) { c.Queue = queue })
		_, _ = client.User(context.Background(), 1)
		if state := queue.State(); state.Pause > 0 != want.pauses || state.InFlight != 0 {
			t.Errorf("after %d: %+v", status, state)
		}
		if want.fails {
			<-suspected
		} else if queue.outages.suspected {
			t.Errorf("%d raises suspicion", status)
		}
		queue.Close()
	}
}

// A connection that cannot be had does not depend on what was asked. An answer that is lost may.
func TestOnlyWhereThereIsNoConnectionOneRequestRaisesSuspicion(t *testing.T) {
	unreachable := startWire(t, func(*http.Request, net.Conn) bool { return false })
	_ = unreachable.listener.Close()
	losing := startWire(t, func(*http.Request, net.Conn) bool { return false })
	for url, want := range map[string]bool{unreachable.url(): true, losing.url(): false} {
		queue := NewQueue(QueueOptions{})
		client := clientAt(t, url, func(c *Config) { c.Queue = queue })
		if err := client.DeleteRoleAssignment(context.Background(), 1); !IsUnavailable(err) {
			t.Fatal(err)
		}
		queue.mu.Lock()
		if queue.outages.suspected != want {
			t.Errorf("suspected is %v, want %v", queue.outages.suspected, want)
		}
		queue.mu.Unlock()
		queue.Close()
	}
}

// What was answered is over, however badly. The time-out of a gateway is no answer: behind it the request may go on.
func TestAnswered(t *testing.T) {
	for status, want := range map[int]bool{500: true, 502: true, 503: true, 404: true, 504: false, 524: false, 408: false} {
		client := clientOf(t, reply(status, `{}`))
		if err := client.DeleteRoleAssignment(context.Background(), 1); Answered(err) != want {
			t.Errorf("after %d: %v", status, err)
		}
	}
	losing := startWire(t, func(*http.Request, net.Conn) bool { return false })
	if err := clientAt(t, losing.url()).DeleteRoleAssignment(context.Background(), 1); Answered(err) {
		t.Errorf("no answer: %v", err)
	}
	broken := clientOf(t, reply(200, `{"id":`))
	if _, err := broken.CreateRoleAssignment(context.Background(), RoleAssignmentCreate{}); err == nil || Answered(err) {
		t.Errorf("an answer that cannot be read: %v", err)
	}
	if Answered(nil) || Answered(errors.New("from elsewhere")) {
		t.Error("nil or a foreign error is judged wrongly")
	}
}
