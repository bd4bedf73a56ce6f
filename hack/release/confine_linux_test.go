package main

import (
	"os/exec"
	"syscall"
)

// confine has a command see an image's files only, as the user that the image names.
func confine(command *exec.Cmd, directory string) {
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: directory, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
}
