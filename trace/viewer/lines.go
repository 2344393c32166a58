package viewer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// lineMarkEvery is the distance between the places of a file from which lines are looked for, in bytes.
const lineMarkEvery = 256 << 10

// mostLine is how many bytes of a line are shown.
const mostLine = 16 << 10

// lineMark is a place in a file.
type lineMark struct {
	off   int64
	lines int // line ends before it
}

// lineTap notes, while a file is read, where its lines are.
type lineTap struct {
	src   io.Reader
	here  lineMark
	marks []lineMark // the first is the start
}

func newLineTap(src io.Reader) *lineTap { return &lineTap{src: src, marks: []lineMark{{}}} }

func (t *lineTap) Read(b []byte) (int, error) {
	if t.here.off >= t.marks[len(t.marks)-1].off+lineMarkEvery {
		t.marks = append(t.marks, t.here)
	}
	n, err := t.src.Read(b)
	t.here.off += int64(n)
	t.here.lines += bytes.Count(b[:n], []byte{'\n'})
	return n, err
}

// errNoLine says that a file has become shorter.
var errNoLine = errors.New("the file has no such line any more")

// readLine reads a line of a file, counted from 1, as it stands there; long ones are cut.
func readLine(file string, marks []lineMark, number int) (line string, err error) {
	body, err := trace.Opener(file, false)()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	// A mark may stand within a line: the wanted one must begin after it.
	var from lineMark
	if i := sort.Search(len(marks), func(i int) bool { return marks[i].lines >= number-1 }); i > 0 {
		if s, ok := body.(io.Seeker); ok {
			from = marks[i-1]
			if _, err := s.Seek(from.off, io.SeekStart); err != nil {
				return "", err
			}
		}
	}
	r := bufio.NewReaderSize(body, 64<<10)
	for skip := number - 1 - from.lines; skip > 0; {
		_, err := r.ReadSlice('\n')
		switch {
		case err == nil:
			skip--
		case errors.Is(err, io.EOF):
			return "", fmt.Errorf("%s:%d: %w", file, number, errNoLine)
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
	return cutLine(r)
}

// cutLine reads up to the end of the line, and no more of it than is shown.
func cutLine(r *bufio.Reader) (string, error) {
	var kept []byte
	for {
		part, err := r.ReadSlice('\n')
		kept = append(kept, part[:min(len(part), mostLine-len(kept))]...)
		switch {
		case len(kept) == mostLine:
			return string(kept) + "…", nil
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil || errors.Is(err, io.EOF):
			return string(bytes.TrimRight(kept, "\r\n")), nil
		default:
			return "", err
		}
	}
}
