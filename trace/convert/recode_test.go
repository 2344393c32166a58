package convert_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/convert"
)

func recode(t interface {
	Helper()
	Fatal(...any)
}, enc trace.Encoding, name string, log []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	done, err := (&convert.Recode{Encoding: enc}).Stream(context.Background(), &out, bytes.NewReader(log), name)
	if err != nil {
		t.Fatal(err)
	}
	if done != (convert.Recoded{Files: 1, Read: int64(len(log)), Written: int64(out.Len())}) {
		t.Fatal(done, len(log), out.Len())
	}
	return out.Bytes()
}

// line draws a record of JSON with its members in any order.
func line(t *rapid.T) string {
	members := rapid.SampledFrom([][]string{
		{`"format":"bank-trace/1.2"`, `"process":"a"`, `"ends":true`, `"peers":["b","c"]`, `"opening":{"main":-4,"x":9}`, `"first":7`, `"mode":"causal"`},
		{`"kind":"send"`, `"process":"a/b"`, `"seq":1`, `"clock":9007199254740992`, `"peer":"b"`, `"request":"c/d/7"`, `"step":"rights-ask"`, `"note":"\u0000\ud83d\ude00é"`},
		{`"kind":"receive"`, `"process":"a"`, `"seq":1`, `"clock":3`, `"peer":"b"`, `"cause":5`, `"stamp":2`, `"has":{"z":1,"a":2,"q":0}`},
		{`"kind":"local"`, `"process":"é"`, `"seq":2`, `"clock":3`, `"step":"snapshot"`, `"balances":{"b":-9223372036854775808,"a":0}`, `"sees":{"a":1}`, `"wall":-1`},
		{`"kind":"local"`, `"process":"a"`, `"seq":2`, `"clock":3`, `"op":"transfer"`, `"amount":5`, `"to_account":"y"`, `"to_balance":0`, `"balance":0`, `"write":"a/1"`, `"at":2`, `"deps":{"b":1}`, `"result":"ok"`, `"answers":1`, `"to_branch":"b"`},
		{`"end":true`, `"process":"a"`, `"events":0`, `"clock":0`},
	}).Draw(t, "record")
	space := rapid.SampledFrom([]string{"", " ", "\t"}).Draw(t, "space")
	return "{" + space + strings.Join(rapid.Permutation(members).Draw(t, "order"), space+","+space) + "}" + space + "\n"
}

// Converted there and back, a log has the same records in the same places, however they were written.
func TestRecodeThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var log []byte
		for range rapid.IntRange(0, 20).Draw(t, "lines") {
			log = append(log, line(t)...)
		}
		var canonical bytes.Buffer
		w := trace.NewWriter(&canonical)
		for r := trace.NewReader(bytes.NewReader(log), "log"); r.Scan(); {
			switch rec := r.Record().(type) {
			case *trace.Header:
				_ = w.Header(rec)
			case *trace.Event:
				_ = w.Event(rec)
			case *trace.End:
				_ = w.End(rec)
			default:
				t.Fatal(rec)
			}
		}
		_ = w.Flush()
		from := rapid.SampledFrom(trace.Encodings()).Draw(t, "from")
		to := rapid.SampledFrom(trace.Encodings()).Draw(t, "to")
		coded := recode(t, from, "log", log)
		again := recode(t, to, "log", coded)
		lines := recode(t, trace.JSONL, "log", again)
		want := log
		if from.Binary() || to.Binary() {
			want = canonical.Bytes()
		}
		if len(log) > 0 && !bytes.Equal(lines, want) {
			t.Fatalf("by way of %s and %s:\n%s\nwant\n%s", from, to, lines, want)
		}
		if from.Binary() && to.Binary() {
			if binary := recode(t, trace.Binpb, "log", again); !bytes.Equal(binary, recode(t, trace.Binpb, "log", coded)) {
				t.Fatal("protobuf changed by another compression")
			}
		}
	})
}

// Any bytes get another compression.
func TestRecodeCopiesWhatItCannotRead(t *testing.T) {
	for _, text := range []string{"junk", "{}\n\n{", "\ufeff\r\n", ""} {
		packed := recode(t, trace.JSONLZstd, "log", []byte(text))
		if got := recode(t, trace.JSONL, "log", recode(t, trace.JSONLGzip, "log", packed)); string(got) != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestRecodeErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	in := filepath.Join(dir, "a.jsonl")
	if err := os.WriteFile(in, []byte(`{"process":"a","seq":1,"clock":1,"kind":"local"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := convert.Recode{Encoding: trace.Binpb}
	if _, err := c.File(ctx, in, filepath.Join(dir, "b.binpb")); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	folder, err := trace.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Folder(ctx, folder, filepath.Join(dir, "out")); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	for name, text := range map[string]string{
		"damaged.jsonl": "{\n", "damaged.binpb": "junk",
		"damaged.jsonl.gz": "\x1f\x8b\x08junkjunkjunkjunkjunk", "torn.jsonl.gz": "\x1f\x8b\x08\x00", "torn.jsonl.zst": "\x28\xb5\x2f\xfd",
	} {
		enc := trace.Binpb
		if name == "damaged.binpb" {
			enc = trace.JSONL
		}
		_, err := (&convert.Recode{Encoding: enc}).Stream(t.Context(), new(bytes.Buffer), strings.NewReader(text), name)
		if err == nil || !strings.HasPrefix(err.Error(), name+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var unknown *convert.UnknownFieldError
	_, err = c.Stream(t.Context(), new(bytes.Buffer), strings.NewReader(`{"events":1,"process":"a","seq":1,"clock":1,"kind":"local"}`), "log")
	if !errors.As(err, &unknown) || unknown.Field != "events" {
		t.Errorf("a field of another record: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}

// A folder gets all its logs, whatever they are, and keeps its pieces.
func TestRecodeFolder(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	event := func(seq string) string {
		return `{"process":"a","seq":` + seq + `,"clock":` + seq + `,"kind":"local"}` + "\n"
	}
	for name, text := range map[string][]byte{
		"a.3.jsonl.gz": recode(t, trace.JSONLGzip, "", []byte(event("1"))), "a.jsonl.1": []byte(event("2")),
		"a.binpb.zst": recode(t, trace.BinpbZstd, "", []byte(event("3"))), "b%2Fc.jsonl": []byte(`{"end":true,"process":"b/c","events":0,"clock":0}` + "\n"),
		"run.json": []byte(`{"format":"bank-trace/1","processes":["a","b/c"],"settled":false,"more":1}`), "notes.txt": []byte("x"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in, err := trace.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	read := int64(0)
	c := convert.Recode{Encoding: trace.BinpbGzip, Progress: func(n int64) { read = n }}
	done, err := c.Folder(t.Context(), in, out)
	if err != nil || done.Files != 4 || done.Read != read || read == 0 {
		t.Fatalf("%+v, %v, progress %d", done, err, read)
	}
	names, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	if got, want := strings.Join(names, " "), "a.0001.binpb.gz a.3.binpb.gz a.binpb.gz b%2Fc.binpb.gz run.json"; got != want {
		t.Errorf("files are %s, want %s", got, want)
	}
	again, err := trace.Find(out)
	if err != nil {
		t.Fatal(err)
	}
	r, err := again.Logs[0].Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for seq := uint64(1); seq <= 3; seq++ {
		if !r.Scan() || r.Record().(*trace.Event).Seq != seq {
			t.Fatalf("record %d is %+v", seq, r.Record())
		}
	}
	if _, err := c.Folder(t.Context(), in, dir); err == nil || !strings.Contains(err.Error(), "holds the logs themselves") {
		t.Errorf("over itself: %v", err)
	}
}
