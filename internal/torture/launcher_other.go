//go:build !linux

package torture

import "os/exec"

// dieWithParent does nothing: the system does not offer it. The launcher kills what it started when it is closed.
func dieWithParent(*exec.Cmd) {}
