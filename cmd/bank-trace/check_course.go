package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-8ff1fc32/bank-trace/trace"
	"github.com/seed-8ff1fc32/bank-trace/trace/check"
	"github.com/seed-8ff1fc32/bank-trace/trace/convert"
)

// sniffed is how much of a file is looked at to tell what it is.
const sniffed = 64 << 10

// courseFiles returns the course's output files among the paths: all of them, or none. A folder that has no logs stands
// for the course files in it.
func courseFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		found := []string{path}
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			if err != nil || hasLogs(path) {
				return nil, nil // trace.Find says what is wrong with a path
			}
			if found, err = filepath.Glob(filepath.Join(path, "*.json")); err != nil {
				return nil, err
			}
		}
		for _, file := range found {
			head, err := headOf(file)
			if err != nil {
				return nil, err
			}
			if convert.IsCourse(head) {
				files = append(files, file)
			} else if len(found) == 1 {
				return nil, nil
			}
		}
	}
	return files, nil
}

// hasLogs reports whether a folder has a log.
func hasLogs(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !e.IsDir() && trace.IsLog(e.Name()) })
}

func headOf(file string) (head []byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, sniffed))
}

// checkCourse checks the course's output files: the clocks by the ordinary rules, and how the events are labelled.
func checkCourse(ctx context.Context, f checkFlags, files []string) (*check.Report, error) {
	var inputs []convert.File
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, convert.File{Name: file, Data: data})
	}
	course, err := convert.ReadCourse(inputs)
	if err != nil {
		return nil, err
	}
	var sources []check.Source
	for process, events := range course.Logs() {
		var log bytes.Buffer
		w := trace.NewWriter(&log)
		for i := range events {
			if err := w.Event(&events[i]); err != nil {
				return nil, fmt.Errorf("%s: %w", process, err)
			}
		}
		if err := w.Flush(); err != nil {
			return nil, err
		}
		sources = append(sources, check.Bytes(process, log.Bytes()))
	}
	report, err := check.Check(ctx, sources, check.Options{Strict: f.strict, Rules: f.rules})
	if err != nil {
		return nil, err
	}
	report.Converted(check.Conversion{Findings: courseFindings(course), Notes: course.Notes,
		Place: func(process string, seq uint64) (string, int, string, bool) {
			e := course.Event(trace.Ref{Process: process, Seq: seq})
			if e == nil {
				return "", 0, "", false
			}
			return e.File, e.Line, e.Text, true
		}})
	return report, nil
}

// courseFindings turns what is wrong with the labels into findings: they keep events from being checked. A receive that
// the older form shows to be too early is a violation of the ordinary rule.
func courseFindings(course *convert.CourseTrace) []check.Finding {
	var findings []check.Finding
	for _, p := range course.Problems {
		f := check.Finding{
			Rule: "course/" + string(p.Code), Severity: check.Unreadable, Message: strings.TrimSpace(p.Text), Expected: p.Remedy,
			Event: &check.Place{Process: p.Process, File: p.File, Line: p.Line},
		}
		if p.Code == convert.CourseNotAfter {
			f.Rule, f.Severity = "clock/receive-not-after-send", check.Violation
		}
		findings = append(findings, f)
	}
	return slices.Clip(findings)
}
