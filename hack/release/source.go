package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

// source is what is released.
type source struct {
	commit string
	// date of the commit, in UTC: the only time in everything that is made.
	date time.Time
	// untagged are the tags of the version that the commit does not have.
	untagged []string
}

// checkVersion returns an error unless a version can be the tag of a release, of an image and of a Go module.
func checkVersion(version string) error {
	if semver.IsValid(version) && semver.Canonical(version) == version {
		return nil
	}
	return fmt.Errorf("VERSION=%s is no version of a release: it needs the form vMAJOR.MINOR.PATCH, such as `make release VERSION=v0.1.0`, or v0.2.0-rc.1 for a candidate", version)
}

// checkedOut returns what is checked out, unless it is not what the version's tag names or not all of it is committed.
func checkedOut(ctx context.Context, root, version string, allowDirty bool) (source, error) {
	head, err := git(ctx, root, "rev-parse", "HEAD")
	if err != nil {
		return source{}, fmt.Errorf("%w; a release is made in a Git checkout", err)
	}
	commit := head
	changed, err := git(ctx, root, "status", "--porcelain")
	if err != nil {
		return source{}, err
	}
	if strings.TrimSpace(changed) != "" {
		if !allowDirty {
			return source{}, fmt.Errorf("not everything is committed, so nobody could make the same release again:\n%s\ncommit or remove it, or try with ALLOW_DIRTY=yes", changed)
		}
		commit += "-dirty"
	}
	var untagged []string
	for _, tag := range tagsOf(version) {
		switch tagged, err := git(ctx, root, "rev-parse", "--quiet", "--verify", "refs/tags/"+tag+"^{commit}"); {
		case err != nil:
			untagged = append(untagged, tag)
		case tagged != head:
			return source{}, fmt.Errorf("%s is the tag of commit %s, and %s is checked out: run `git checkout %[1]s`, or choose another VERSION", tag, tagged, head)
		}
	}
	date, err := dateOf(ctx, root)
	return source{commit: commit, date: date, untagged: untagged}, err
}

// dateOf returns SOURCE_DATE_EPOCH, or else the date of the commit that is checked out.
func dateOf(ctx context.Context, root string) (time.Time, error) {
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		var err error
		if epoch, err = git(ctx, root, "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, err
		}
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH=%s is no number of seconds since 1970; leave it unset for the date of the commit", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...) //nolint:gosec // the version has been checked
	out, err := command.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) && len(failed.Stderr) > 0 {
			err = errors.New(strings.TrimSpace(string(failed.Stderr)))
		}
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimRight(string(out), "\n"), nil
}
