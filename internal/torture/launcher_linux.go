package torture

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the command killed when the thread that starts it ends. It has a process group of its own, so that a
// Ctrl-C at the terminal reaches the harness alone, which then ends the rest in order.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
