package trace

import (
	"fmt"
	"strings"
)

// Encoding is how the records of a log are written: as JSON Lines or in protobuf, and how that is compressed. Readers find
// out by themselves.
type Encoding uint8

// The encodings. What each is called is the end of its files' names, too: jsonl, binpb.zst and so on.
const (
	JSONL Encoding = iota
	JSONLZstd
	JSONLGzip
	Binpb
	BinpbZstd
	BinpbGzip
)

var encodingNames = [...]string{"jsonl", "jsonl.zst", "jsonl.gz", "binpb", "binpb.zst", "binpb.gz"}

// Encodings returns all encodings.
func Encodings() []Encoding {
	return []Encoding{JSONL, JSONLZstd, JSONLGzip, Binpb, BinpbZstd, BinpbGzip}
}

// String returns the encoding's name: jsonl, jsonl.zst, jsonl.gz, binpb, binpb.zst or binpb.gz.
func (e Encoding) String() string {
	if int(e) < len(encodingNames) {
		return encodingNames[e]
	}
	return fmt.Sprintf("invalid(%d)", int(e))
}

// ParseEncoding reads the name of an encoding.
func ParseEncoding(s string) (Encoding, error) {
	for i, name := range encodingNames {
		if name == s {
			return Encoding(i), nil
		}
	}
	return 0, fmt.Errorf("encoding %q is none of %s", s, strings.Join(encodingNames[:], ", "))
}

// EncodingOf returns the encoding that the name of a file says.
func EncodingOf(file string) (Encoding, bool) {
	for i, name := range encodingNames {
		if strings.HasSuffix(file, "."+name) {
			return Encoding(i), true
		}
	}
	return 0, false
}

// Binary reports whether records are written in protobuf.
func (e Encoding) Binary() bool { return e >= Binpb }

// Compressed reports whether what is written is compressed.
func (e Encoding) Compressed() bool { return e.packing() != plain }

// Open returns the encoding without its compression, in which a log can go on after a crash.
func (e Encoding) Open() Encoding { return e.with(plain) }

// LogPath returns the name of the file that a process's log has in a trace folder.
func (e Encoding) LogPath(dir, process string) string { return logPath(dir, process, e) }

// with returns the encoding with another packing.
func (e Encoding) with(p packing) Encoding { return e - e%3 + Encoding(p) }

func (e Encoding) packing() packing { return packing(e % 3) }

// packing is a compression.
type packing uint8

const (
	plain packing = iota
	packedZstd
	packedGzip
)

func (p packing) String() string { return [...]string{"none", "zstd", "gzip"}[p] }
