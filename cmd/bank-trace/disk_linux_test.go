package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-8ff1fc32/bank-trace/customer/client"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// customersOf returns n customers, and the files of their logs when done was called.
func customersOf(t *testing.T, n int) (all []client.Config, done func() []string) {
	t.Helper()
	dir, err := trace.Create(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	var logs []*trace.LogFile
	for i := range n {
		name := fmt.Sprintf("customer-%d", i+1)
		log, err := dir.Log(name)
		if err != nil {
			t.Fatal(err)
		}
		all, logs = append(all, client.Config{Name: name, Log: log}), append(logs, log)
	}
	return all, func() (files []string) {
		t.Helper()
		for _, log := range logs {
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			files = append(files, log.Path())
		}
		return files
	}
}

// mustHold compares the balance after a restart with what depositors were told: all that was acknowledged is there, and
// nothing but what may be.
func (a *tally) mustHold(t *testing.T, address string) {
	t.Helper()
	if a.ok == 0 || a.unknown == 0 {
		t.Fatalf("%d deposits were acknowledged and %d were not: this proves nothing", a.ok, a.unknown)
	}
	balance := statusOf(t, address).Accounts[0].Amount
	if balance < a.ok || balance > a.ok+a.unknown {
		t.Errorf("the balance is %d; %d deposits were acknowledged and %d may have been made", balance, a.ok, a.unknown)
	}
	c, err := client.New(client.Config{Name: "customer-of-later", Branches: map[string]string{"branch-1": address}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := c.Deposit(t.Context(), "branch-1", "main", 1)
	if err != nil || r.Balance.Amount != balance+1 {
		t.Errorf("then: %v, %v; want a balance of %d", r, err, balance+1)
	}
}

// mustSay demands words of one line.
func mustSay(t *testing.T, line string, words ...string) {
	t.Helper()
	for _, want := range words {
		if !strings.Contains(line, want) {
			t.Errorf("it does not say %q: %s", want, line)
		}
	}
}

// Files that may not grow beyond a size, as any system can be told: the branch cannot write.
func TestABranchWhoseFilesCannotGrow(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	args := bankTrace("branch", "--id", "1", "--branches", "1=127.0.0.1:0", "--data", data, "--stop-with-input").Args
	b := launch(t, exec.Command("sh", append([]string{"-c", `ulimit -f 128; exec "$@"`, "sh"}, args...)...))
	customers, _ := customersOf(t, 8)
	told := depositAll(t, b.serves(1), customers)
	if status := b.status(); status != exitUndecided {
		t.Errorf("exit status %d", status)
	}
	mustSay(t, b.await(1, "bank-trace: server: "), data, "cannot be written", syscall.EFBIG.Error(), "then start the branch again")
	mustSay(t, fmt.Sprint(told.refused), "STORE_FAILED")

	again := launch(t, exec.Command(args[0], args[1:]...))
	told.mustHold(t, again.serves(1))
	if status := again.stop(); status != exitHolds {
		t.Errorf("stopped with %d", status)
	}
}

// ownMounts has a shell script run where it may mount what only it sees; the test is skipped where that is not allowed.
func ownMounts(t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	command := func(script string, args ...string) *exec.Cmd {
		cmd := exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		return cmd
	}
	if out, err := command(`mount -t tmpfs none "$1"`, t.TempDir()).CombinedOutput(); err != nil {
		t.Skipf("this system allows no mount to a test: %v: %s", err, out)
	}
	return command(script, args...)
}

// A disk that is full: that of the data, and that of the log.
func TestABranchWhoseDiskIsFull(t *testing.T) {
	for _, tc := range []struct {
		name, data, trace string
		said              []string // by the branch
		told              string   // to a customer
	}{
		{"data", "disk", "trace", []string{"disk is full", "it takes no requests any more",
			"make room on the disk and start the branch again; nothing acknowledged is lost"}, "STORE_FAILED"},
		{"log", "data", "disk", []string{"branch-1.jsonl", "cannot be written", syscall.ENOSPC.Error()}, "LOG_FAILED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			disk, kept := filepath.Join(dir, "disk"), filepath.Join(dir, "kept")
			for _, folder := range []string{disk, kept} {
				if err := os.Mkdir(folder, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := ownMounts(t, `
disk=$1; trace=$2; kept=$3; shift 3
mount -t tmpfs -o size=384k none "$disk" || exit
"$@" <&0
echo "ended with $?" >&2
mount -o remount,size=64m "$disk" || exit
"$@" || exit
cp "$trace"/*.jsonl "$kept"`, append([]string{disk, filepath.Join(dir, tc.trace), kept}, bankTrace("branch", "--id", "1", "--branches", "1=127.0.0.1:0",
				"--data", filepath.Join(dir, tc.data, "d"), "--trace", filepath.Join(dir, tc.trace), "--stop-with-input").Args...)...)
			b := launch(t, cmd)
			customers, done := customersOf(t, 8)
			told := depositAll(t, b.serves(1), customers)
			b.await(1, fmt.Sprintf("ended with %d", exitUndecided))
			mustSay(t, b.await(1, "bank-trace: server: "), append(tc.said, disk)...)
			mustSay(t, fmt.Sprint(told.refused), tc.told)
			address := b.serves(2)
			told.mustHold(t, address)
			if status := b.stop(); status != 0 {
				t.Errorf("stopped with %d", status)
			}
			logs := append(done(), filepath.Join(kept, "branch-1.jsonl"))
			check := launch(t, bankTrace(append([]string{"check", "--rules", "log/sequence-gap,clock,replica,money,message"}, logs...)...))
			if status := check.status(); status != exitHolds {
				t.Errorf("check ends with %d", status)
			}
		})
	}
}

// A data folder, and a trace folder, that cannot be written to, whoever starts the branch.
func TestABranchWhoseFoldersAreReadOnly(t *testing.T) {
	dir := t.TempDir()
	args := []string{"branch", "--id", "1", "--branches", "1=127.0.0.1:0", "--stop-with-input"}
	data := bankTrace(append(args, "--data", filepath.Join(dir, "disk", "data"))...).Args
	log := bankTrace(append(args, "--data", filepath.Join(dir, "data"), "--trace", filepath.Join(dir, "disk", "trace"))...).Args
	if err := os.Mkdir(filepath.Join(dir, "disk"), 0o755); err != nil {
		t.Fatal(err)
	}
	script := `
disk=$1; shift
mount -t tmpfs none "$disk" || exit
` + fmt.Sprintf(`first() { %s; }; second() { %s; }`, quoted(data), quoted(log)) + `
first < /dev/null || exit
second < /dev/null || exit
mount -o remount,ro "$disk" || exit
echo "the disk is read-only" >&2
first; echo "data: ended with $?" >&2
second; echo "log: ended with $?" >&2`
	b := launch(t, ownMounts(t, script, filepath.Join(dir, "disk")))
	b.await(1, "the disk is read-only")
	b.await(1, fmt.Sprintf("data: ended with %d", exitUndecided))
	b.await(1, fmt.Sprintf("log: ended with %d", exitUndecided))
	if status := b.status(); status != 0 {
		t.Fatalf("the script ends with %d", status)
	}
	mustSay(t, b.await(1, "store cannot be written"), filepath.Join(dir, "disk", "data"), syscall.EROFS.Error(),
		"give the branch a folder that its user may write to")
	mustSay(t, b.await(1, "bank-trace: server: "), filepath.Join(dir, "disk", "trace"), syscall.EROFS.Error())
}

// quoted writes a command for a shell.
func quoted(args []string) string {
	var all []string
	for _, arg := range args {
		all = append(all, "'"+strings.ReplaceAll(arg, "'", `'\''`)+"'")
	}
	return strings.Join(all, " ")
}
