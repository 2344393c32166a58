package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// write writes a report into a page: between the marks of its kind, or at the end of a page that has none.
func write(path, kind string, measured report) error {
	var text bytes.Buffer
	if err := measured.WriteMarkdown(&text); err != nil {
		return err
	}
	page, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("bench: %w", err)
	}
	return os.WriteFile(path, insert(page, kind, text.Bytes()), 0o644)
}

// insert returns the page with a report between the marks of its kind.
func insert(page []byte, kind string, text []byte) []byte {
	begin, end := fmt.Appendf(nil, "<!-- figures: %s -->\n", kind), fmt.Appendf(nil, "<!-- end of %s -->\n", kind)
	before, rest, ok := bytes.Cut(page, begin)
	_, after, ended := bytes.Cut(rest, end)
	if !ok || !ended {
		before, after = page, nil
	}
	return bytes.Join([][]byte{before, begin, text, end, after}, nil)
}
