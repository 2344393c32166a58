package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// longest is the number of lines that a file written by hand, and no test, stays below.
const longest = 450

// finding is one rule broken. Its text reads file:line: what is wrong and what to do.
type finding string

// check holds every file of the module to the table and to the house rules, and reports all that is wrong, in order.
func check(m module, rows map[string]row) []finding {
	var found []finding
	for _, folder := range sortedKeys(m.folders) {
		files := m.folders[folder]
		found = append(found, checkNames(folder, files)...)
		own, known := rows[folder]
		if !known {
			found = append(found, finding(fmt.Sprintf(
				"%s: package %q has no row in the import table; add one to internal/archtest, with what it may import", files[0].name, folder)))
			continue
		}
		for _, f := range files {
			if f.test {
				found = append(found, checkTest(m.path, folder, f, rows)...)
				continue
			}
			found = append(found, checkImports(m.path, folder, f, own)...)
			found = append(found, checkPure(m.path, folder, f, own)...)
			if f.lines >= longest && !f.generated {
				found = append(found, at(f, f.lines, "%d lines; split the file, %d is the limit", f.lines, longest-1))
			}
		}
		found = append(found, checkOneFile(m.path, folder, files, own)...)
	}
	return found
}

func at(f file, line int, format string, args ...any) finding {
	return finding(fmt.Sprintf("%s:%d: ", f.name, line) + fmt.Sprintf(format, args...))
}

// ours returns the folder of an imported package of the module.
func ours(modulePath, imported string) (string, bool) {
	if imported == modulePath {
		return ".", true
	}
	return strings.CutPrefix(imported, modulePath+"/")
}

// below reports whether a path is the given one or lies below it.
func below(p, root string) bool {
	return p == root || strings.HasPrefix(p, root+"/")
}

// apart reports whether two packages are on the two sides of the wire, which share nothing but clock, trace and pb.
func apart(a, b string) bool {
	return below(a, "branch") && below(b, "customer") || below(a, "customer") && below(b, "branch")
}

func checkNames(folder string, files []file) []finding {
	var found []finding
	for _, f := range files {
		name := strings.TrimSuffix(f.packageAs, "_test")
		for _, empty := range []string{"util", "utils", "common", "types"} {
			if name == empty || path.Base(folder) == empty {
				found = append(found, at(f, 1, "a package called %q says nothing of what it holds; name it by that", empty))
			}
		}
	}
	return found
}

func checkImports(modulePath, folder string, f file, own row) []finding {
	var found []finding
	for _, imported := range f.imports {
		target, isOurs := ours(modulePath, imported.path)
		if !isOurs || slices.Contains(own.may, anything) || slices.Contains(own.may, target) {
			continue
		}
		allowed := strings.Join(own.may, ", ")
		if allowed == "" {
			allowed = "none of our packages"
		}
		found = append(found, at(f, imported.line, "%s imports %s, but may import %s", folder, target, allowed))
	}
	return found
}

// checkTest holds a test to what even tests must keep: they may import any of our packages that helps them, except that what
// is not of the bank knows nothing of it and that branch and customer stay apart.
func checkTest(modulePath, folder string, f file, rows map[string]row) []finding {
	var found []finding
	for _, imported := range f.imports {
		target, isOurs := ours(modulePath, imported.path)
		if !isOurs {
			continue
		}
		if !rows[folder].bank && rows[target].bank {
			found = append(found, at(f, imported.line, "a test of %s imports %s; not even tests outside the bank may know it", folder, target))
		}
		if apart(folder, target) {
			found = append(found, at(f, imported.line, "a test of %s imports %s; branch and customer never import each other", folder, target))
		}
	}
	return found
}

func checkPure(modulePath, folder string, f file, own row) []finding {
	var found []finding
	for _, imported := range f.imports {
		_, isOurs := ours(modulePath, imported.path)
		for _, forbidden := range own.never {
			if below(imported.path, forbidden) {
				found = append(found, at(f, imported.line, "%s is pure and does without %s; leave that to its shell", folder, imported.path))
			}
		}
		if folder == "clock" && !isOurs && !standard(imported.path) {
			found = append(found, at(f, imported.line, "clock imports the standard library only, and not %s", imported.path))
		}
	}
	if own.noGo {
		for _, line := range f.goroutines {
			found = append(found, at(f, line, "%s is pure and starts no goroutine; leave that to its shell", folder))
		}
	}
	return found
}

// standard reports whether a path is the standard library's: those have no dot in their first element.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func checkOneFile(modulePath, folder string, files []file, own row) []finding {
	if own.oneFile == "" {
		return nil
	}
	var found []finding
	first := ""
	for _, f := range files {
		for _, imported := range f.imports {
			if f.test || imported.path != modulePath+"/"+own.oneFile {
				continue
			}
			if first != "" {
				found = append(found, at(f, imported.line, "%s imports %s in one file alone, and that is %s", folder, own.oneFile, first))
			}
			first = f.name
		}
	}
	return found
}

// checkTable holds the table itself to the rules that are above it.
func checkTable(rows map[string]row) []finding {
	var found []finding
	for _, folder := range sortedKeys(rows) {
		for _, target := range rows[folder].may {
			other, known := rows[target]
			switch {
			case target == anything:
				if !rows[folder].bank {
					found = append(found, finding(fmt.Sprintf("table: %s may import anything, so it must be marked as of the bank", folder)))
				}
			case !known:
				found = append(found, finding(fmt.Sprintf("table: %s may import %s, which has no row", folder, target)))
			case other.bank && !rows[folder].bank:
				found = append(found, finding(fmt.Sprintf("table: %s is not of the bank and may not import %s", folder, target)))
			case apart(folder, target):
				found = append(found, finding(fmt.Sprintf("table: %s and %s never import each other", folder, target)))
			}
		}
	}
	return found
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
