package webhook

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// listening returns where a server takes calls.
func listening(t *testing.T) (address string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	_ = free.Close()
	s, _ := served()
	s.Address = address
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() { ended <- s.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); signedCall(t, address) != nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not listen")
		}
	}
	return address
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// slowSender begins a call, whose body it keeps back once the server reads it.
func slowSender(t *testing.T, address string) *bufio.Reader {
	t.Helper()
	connection := dial(t, address)
	if _, err := fmt.Fprintf(connection, "POST /kisi/gym/a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", maxBody); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(connection)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := io.WriteString(connection, "\r\n{"); err != nil {
		t.Fatal(err)
	}
	return answers
}

// signedCall makes a call as Kisi does.
func signedCall(t *testing.T, address string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/kisi/gym/a", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Signature", "sha256="+hex.EncodeToString(code(event, "key-a")))
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: 3 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

func TestWhoeverSendsSlowlyDoesNotShutKisiOut(t *testing.T) {
	for name, occupy := range map[string]func(*testing.T, string){
		"with bodies": func(t *testing.T, address string) {
			for range maxCalls {
				slowSender(t, address)
			}
		},
		"with headers": func(t *testing.T, address string) {
			for range maxConnections {
				if _, err := io.WriteString(dial(t, address), "POST /kisi/gym/a HTTP/1.1\r\nHost:"); err != nil {
					t.Fatal(err)
				}
			}
		},
		"with nothing at all": func(t *testing.T, address string) {
			for range maxConnections {
				dial(t, address)
			}
		},
		"where nobody listens": func(t *testing.T, address string) {
			for range maxConnections {
				if _, err := fmt.Fprintf(dial(t, address), "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", maxBody); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := listening(t)
			occupy(t, address)
			for range 3 {
				if err := signedCall(t, address); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Of more slow senders than calls are dealt with at a time, those who have taken longest are told to come again.
func TestSoManyBodiesAreReadAtATime(t *testing.T) {
	address := listening(t)
	var senders []*bufio.Reader
	for range maxCalls + 8 {
		senders = append(senders, slowSender(t, address))
	}
	for i, sender := range senders[:8] {
		if _, err := sender.ReadString('\n'); err != nil { // the rest of the 100
			t.Fatal(err)
		}
		if line, err := sender.ReadString('\n'); err != nil || !strings.Contains(line, "503") {
			t.Errorf("sender %d: %q, %v", i, line, err)
		}
	}
}
