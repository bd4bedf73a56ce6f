package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const demo = "../../hack/demo/organization.yaml"

func TestItServesTheSeedUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	read, write := io.Pipe()
	done := make(chan error, 1)
	cmd := newCommand()
	cmd.SetOut(write)
	cmd.SetArgs([]string{"--listen", "127.0.0.1:0", "--seed", demo, "--switch", "rangeHeader=Absent", "--clock", "2031-01-01T00:00:00Z"})
	go func() { done <- cmd.ExecuteContext(ctx) }()
	first := make([]byte, 200)
	n, err := read.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://[0-9.:]+`).FindString(string(first[:n]))
	request, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/users", nil)
	request.Header.Set("Authorization", "KISI-LOGIN demo-owner-key")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("X-Collection-Range") != "" || !strings.Contains(response.Header.Get("Date"), "2031") {
		t.Errorf("status %d, header %v", response.StatusCode, response.Header)
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not stop")
	}
}

func TestBadFlagsAreRefusedByName(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("organizations: [{nme: x}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		`--switch "duplicates"`:                {"--switch", "duplicates"},
		`--switch: switch duplicates: "Never"`: {"--switch", "duplicates=Never"},
		`--clock "noon"`:                       {"--clock", "noon"},
		`--clock-speed`:                        {"--clock-speed", "0"},
		`--requests-per-second: -1`:            {"--requests-per-second", "-1"},
		`--seed: open nowhere.yaml`:            {"--seed", "nowhere.yaml"},
		`unknown field "organizations[0].nme"`: {"--seed", broken},
		`--listen`:                             {"--listen", "nowhere:99999"},
		`unknown command "everything"`:         {"everything"},
	} {
		cmd := newCommand()
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		cmd.SetArgs(args)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %s", args, err, want)
		}
	}
}

func TestSwitchesAreListed(t *testing.T) {
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"switches"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "SameBoundsConflict | AlwaysNew | AlwaysConflict | Invalid") {
		t.Errorf("got %s", out.String())
	}
}

// Places have time zones, and Windows has no database of them.
func TestSimulatorKnowsTimeZones(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("listing what the simulator is made of: %v", err)
	}
	if !slices.Contains(strings.Fields(string(out)), "time/tzdata") {
		t.Error("the simulator does not contain time/tzdata")
	}
}
