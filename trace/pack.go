package trace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// packer compresses in frames that stand for themselves: one after the other, in one file or in several that are joined,
// they are what zstd -d and gunzip unpack. It is safe for concurrent use, so that thousands of logs can share one.
type packer struct {
	zstd *zstd.Encoder
	mu   sync.Mutex
	gzip *gzip.Writer
}

// newPacker returns nil where nothing is compressed.
func newPacker(p packing) *packer {
	switch p {
	case packedZstd:
		// Options that are constants cannot be wrong, so there is no error.
		e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
		return &packer{zstd: e}
	case packedGzip:
		return &packer{gzip: gzip.NewWriter(nil)}
	}
	return nil
}

// frame appends data as a frame.
func (p *packer) frame(dst, data []byte) ([]byte, error) {
	if p.zstd != nil {
		return p.zstd.EncodeAll(data, dst), nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := bytes.NewBuffer(dst)
	p.gzip.Reset(out)
	_, err := p.gzip.Write(data)
	err = errors.Join(err, p.gzip.Close())
	return out.Bytes(), err
}

const (
	zstdMagic = "\x28\xb5\x2f\xfd"
	gzipMagic = "\x1f\x8b\x08"
)

// packingOf tells by its first bytes how a file is compressed.
func packingOf(head []byte) packing {
	switch {
	case bytes.HasPrefix(head, []byte(zstdMagic)):
		return packedZstd
	case bytes.HasPrefix(head, []byte(gzipMagic)):
		return packedGzip
	}
	return plain
}

// errTorn says that a compressed file is shorter than it says.
var errTorn = errors.New("the compressed file breaks off")

// mostWindow is how far back a zstd frame may refer, in bytes: the most that zstd itself writes without being asked to.
const mostWindow = 128 << 20

// unpack returns what is compressed in src. Its reader fails with errTorn where src breaks off.
func unpack(src io.Reader, p packing) (io.Reader, error) {
	var r io.Reader
	var err error
	if p == packedZstd {
		r, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow))
	} else {
		r, err = gzip.NewReader(src)
	}
	u := &unpacker{src: r, packing: p}
	if err != nil {
		return nil, u.wrap(err)
	}
	return u, nil
}

type unpacker struct {
	src     io.Reader
	packing packing
}

func (u *unpacker) Read(b []byte) (int, error) {
	n, err := u.src.Read(b)
	if err != nil && err != io.EOF {
		err = u.wrap(err)
	}
	return n, err
}

func (u *unpacker) wrap(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		return errTorn
	}
	return fmt.Errorf("unpack %s: %w; copy the log anew, or unpack what can be saved of it with its own tool", u.packing, err)
}

// Unpack returns what r holds without its compression, if it has one, and the encoding of r: a stream without a record is
// JSON Lines. Its bytes are as they stand, whole records or not; where r breaks off, so does the compression: the reader
// fails then.
func Unpack(r io.Reader) (io.Reader, Encoding, error) {
	head, rest, err := peek(r, len(blockMark))
	if err != nil {
		return nil, 0, err
	}
	p := packingOf(head)
	if p != plain {
		if rest, err = unpack(rest, p); err != nil {
			return nil, 0, err
		}
		if head, rest, err = peek(rest, len(blockMark)); err != nil {
			return nil, 0, err
		}
	}
	if bytes.HasPrefix(head, []byte(blockMark)) {
		return rest, Binpb.with(p), nil
	}
	return rest, JSONL.with(p), nil
}

// peek returns the first n bytes of r, or all, and a reader of r from its beginning.
func peek(r io.Reader, n int) (head []byte, whole io.Reader, err error) {
	head = make([]byte, n)
	n, err = io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, nil, err
	}
	return head[:n], io.MultiReader(bytes.NewReader(head[:n]), r), nil
}

// Pack returns a writer that compresses as enc says. Its Close writes what it holds, and does not close w.
func Pack(w io.Writer, enc Encoding) io.WriteCloser {
	return &packWriter{w: w, packer: newPacker(enc.packing())}
}

type packWriter struct {
	w      io.Writer
	packer *packer
	buf    []byte
	packed []byte
	err    error
}

func (p *packWriter) Write(b []byte) (int, error) {
	if p.packer == nil || p.err != nil {
		if p.err != nil {
			return 0, p.err
		}
		return p.w.Write(b)
	}
	p.buf = append(p.buf, b...)
	for len(p.buf) >= frameSize && p.err == nil {
		p.write(p.buf[:frameSize])
		p.buf = p.buf[:copy(p.buf, p.buf[frameSize:])]
	}
	return len(b), p.err
}

func (p *packWriter) write(b []byte) {
	if p.packed, p.err = p.packer.frame(p.packed[:0], b); p.err == nil {
		var n int
		if n, p.err = p.w.Write(p.packed); p.err == nil && n < len(p.packed) {
			p.err = io.ErrShortWrite
		}
	}
}

func (p *packWriter) Close() error {
	if p.err == nil && len(p.buf) > 0 {
		p.write(p.buf)
		p.buf = nil
	}
	return p.err
}
