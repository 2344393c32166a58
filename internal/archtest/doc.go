// Package archtest holds the house and import rules of the project as a test: which package may import which (table_test.go),
// what the pure packages do without, what packages may be called and how long a file may be. It has no code but tests.
//
// It reads the source itself and not what the go command lists, so that files for other systems are held to the same rules
// and so that go test runs it again whenever a folder or a file changed.
package archtest
