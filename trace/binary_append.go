package trace

import (
	"cmp"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-8ff1fc32/bank-trace/clock"
)

// blockMark is the record that begins a block: its size, the tag of Record.block, the field's size, and what stands in
// it. Text is UTF-8, which has no byte 0xff, so no name or note looks like a mark.
const (
	blockMark = "\x10\xf2\x01\x0d" + blockText
	blockText = "\xff" + Format
)

const (
	// blockSize is how long a block gets: what is lost where a record is damaged, and how often names are written anew.
	blockSize = 64 << 10
	// blockNames is how many names a block gets before the next begins.
	blockNames = 1 << 16
	// mostNumber is the largest number of a name. A record whose line of JSON is no longer than MaxLine has fewer than
	// 2^17 names that a block did not have before.
	mostNumber = 1 << 18
	// maxRecord is the longest binary record: a name takes at most twice the bytes that it has in JSON.
	maxRecord = 4 * MaxLine
	// surelyFits is how long a binary record may be so that its line of JSON is surely no longer than MaxLine: a byte
	// becomes at most six there, a number of a name at most 255 names' bytes of six.
	surelyFits = MaxLine / (6 * (maxName + 2))
)

// Tags of protobuf: the number of a field and the type of its value.
const (
	varintType = 0
	bytesType  = 2

	tagProcess   = 1<<3 | varintType
	tagSeq       = 2<<3 | varintType
	tagClock     = 3<<3 | varintType
	tagKind      = 4<<3 | varintType
	tagPeer      = 5<<3 | varintType
	tagCause     = 6<<3 | varintType
	tagStamp     = 7<<3 | varintType
	tagCustomer  = 8<<3 | varintType
	tagRequest   = 9<<3 | varintType
	tagStep      = 10<<3 | varintType
	tagOrigin    = 11<<3 | varintType
	tagWrite     = 12<<3 | varintType
	tagAt        = 13<<3 | varintType
	tagOp        = 14<<3 | varintType
	tagAccount   = 15<<3 | varintType
	tagAmount    = 16<<3 | varintType
	tagBalance   = 17<<3 | varintType
	tagResult    = 18<<3 | varintType
	tagAnswers   = 19<<3 | varintType
	tagSees      = 20<<3 | bytesType
	tagHas       = 21<<3 | bytesType
	tagDeps      = 22<<3 | bytesType
	tagToAccount = 23<<3 | varintType
	tagToBalance = 24<<3 | varintType
	tagToBranch  = 25<<3 | varintType
	tagBalances  = 26<<3 | bytesType
	tagWall      = 27<<3 | varintType
	tagNote      = 28<<3 | bytesType
	tagNames     = 29<<3 | bytesType
	tagHeader    = 31<<3 | bytesType
	tagEnd       = 32<<3 | bytesType
)

// binaryWriter appends records in protobuf. It is the encoder that the generated code has, for records as we write them:
// fields in rising order but for names, which stand before their first use, and nothing allocated.
type binaryWriter struct {
	numbers map[string]uint64 // of the names in this block
	last    [fieldCount]numberedName
	entries []numberedName // latest in each place of a vector
	begun   bool           // a block has begun
	size    int            // of the block
}

type numberedName struct {
	name   string
	number uint64
}

// restart has the next record begin a block: what was appended before was dropped, or went to another file.
func (b *binaryWriter) restart() { b.begun = false }

// block appends the mark of a block where one must begin.
func (b *binaryWriter) block(dst []byte) []byte {
	if b.begun && b.size < blockSize && len(b.numbers) < blockNames {
		return dst
	}
	if b.numbers == nil {
		b.numbers = make(map[string]uint64)
	}
	clear(b.numbers)
	b.last = [fieldCount]numberedName{}
	clear(b.entries)
	b.begun, b.size = true, len(blockMark)
	return append(dst, blockMark...)
}

// sized puts the size in front of the record that starts behind the byte at start.
func (b *binaryWriter) sized(dst []byte, start int) []byte {
	size := len(dst) - start - 1
	b.size += size + 1
	if size < 0x80 {
		dst[start] = byte(size)
		return dst
	}
	return insertSize(dst, start, size)
}

// insertSize writes a size that needs more than the one byte which was kept for it.
func insertSize(dst []byte, start, size int) []byte {
	var prefix [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(prefix[:], uint64(size))
	dst = append(dst, prefix[1:n]...)
	copy(dst[start+n:], dst[start+1:start+1+size])
	copy(dst[start:], prefix[:n])
	return dst
}

func (b *binaryWriter) event(dst []byte, e *Event) []byte {
	dst = b.block(dst)
	start := len(dst)
	dst = append(dst, 0)
	dst = b.name(dst, tagProcess, fProcess, e.Process)
	dst = appendField(dst, tagSeq, e.Seq)
	dst = appendField(dst, tagClock, e.Clock)
	dst = appendField(dst, tagKind, uint64(e.Kind))
	dst = b.name(dst, tagPeer, fPeer, e.Peer)
	dst = appendField(dst, tagCause, e.Cause)
	dst = appendField(dst, tagStamp, e.Stamp)
	dst = b.name(dst, tagCustomer, fRequest, e.Request.Process)
	dst = appendField(dst, tagRequest, e.Request.N)
	dst = appendField(dst, tagStep, uint64(e.Step))
	dst = b.name(dst, tagOrigin, fWrite, e.Write.Process)
	dst = appendField(dst, tagWrite, e.Write.N)
	dst = appendField(dst, tagAt, e.At)
	dst = appendField(dst, tagOp, uint64(e.Op))
	dst = b.name(dst, tagAccount, fAccount, e.Account)
	dst = appendField(dst, tagAmount, uint64(e.Amount))
	if e.Balance.Known {
		dst = appendVarint(appendVarint(dst, tagBalance), protowire.EncodeZigZag(e.Balance.Amount))
	}
	dst = appendField(dst, tagResult, uint64(e.Result))
	dst = appendField(dst, tagAnswers, e.Answers)
	if len(e.Sees)+len(e.Has)+len(e.Deps) > 0 {
		dst = b.vector(dst, tagSees, e.Sees)
		dst = b.vector(dst, tagHas, e.Has)
		dst = b.vector(dst, tagDeps, e.Deps)
	}
	if e.ToAccount != "" || e.ToBalance.Known || e.ToBranch != "" || len(e.Balances) > 0 || e.Wall != 0 || e.Note != "" {
		dst = b.rare(dst, e)
	}
	return b.sized(dst, start)
}

// rare appends the fields that few events have.
func (b *binaryWriter) rare(dst []byte, e *Event) []byte {
	dst = b.name(dst, tagToAccount, fToAccount, e.ToAccount)
	if e.ToBalance.Known {
		dst = appendVarint(appendVarint(dst, tagToBalance), protowire.EncodeZigZag(e.ToBalance.Amount))
	}
	dst = b.name(dst, tagToBranch, fToBranch, e.ToBranch)
	dst = appendBinaryAccounts(dst, tagBalances, e.Balances)
	dst = appendField(dst, tagWall, protowire.EncodeZigZag(e.Wall))
	return appendTextField(dst, tagNote, e.Note)
}

func (b *binaryWriter) header(dst []byte, h *Header) []byte {
	dst = b.block(dst)
	start := len(dst)
	dst = append(dst, 0)
	var body []byte
	body = appendTextField(body, 1<<3|bytesType, cmp.Or(h.Format, Format))
	body = appendTextField(body, 2<<3|bytesType, h.Process)
	body = appendTextField(body, 3<<3|bytesType, h.Role)
	body = appendField(body, 4<<3|varintType, h.Incarnation)
	body = appendTextField(body, 5<<3|bytesType, h.Mode)
	for _, peer := range h.Peers {
		body = protowire.AppendString(appendVarint(body, 6<<3|bytesType), validText(peer))
	}
	body = appendBinaryAccounts(body, 7<<3|bytesType, h.Opening)
	body = appendField(body, 8<<3|varintType, h.First)
	if h.Ends {
		body = appendField(body, 9<<3|varintType, 1)
	}
	return b.sized(protowire.AppendBytes(appendVarint(dst, tagHeader), body), start)
}

func (b *binaryWriter) end(dst []byte, e *End) []byte {
	dst = b.block(dst)
	start := len(dst)
	dst = append(dst, 0)
	var body []byte
	body = appendTextField(body, 1<<3|bytesType, e.Process)
	body = appendField(body, 2<<3|varintType, e.Events)
	body = appendField(body, 3<<3|varintType, e.Clock)
	return b.sized(protowire.AppendBytes(appendVarint(dst, tagEnd), body), start)
}

// name appends a field that names a process or an account, and before it the name where the block has it not yet.
func (b *binaryWriter) name(dst []byte, tag uint64, f field, name string) []byte {
	if name == "" {
		return dst
	}
	known := &b.last[f]
	if known.name != name {
		dst = b.number(dst, known, name)
	}
	return appendField(dst, tag, known.number)
}

// number makes known the name's number.
func (b *binaryWriter) number(dst []byte, known *numberedName, name string) []byte {
	n, ok := b.numbers[name]
	if !ok {
		n = uint64(len(b.numbers) + 1)
		b.numbers[name] = n
		text := validText(name)
		body := protowire.SizeVarint(n) + 2 + protowire.SizeBytes(len(text))
		dst = appendVarint(appendVarint(dst, tagNames), uint64(body))
		dst = appendField(dst, 1<<3|varintType, n)
		dst = protowire.AppendString(append(dst, 2<<3|bytesType), text)
	}
	*known = numberedName{name, n}
	return dst
}

func (b *binaryWriter) vector(dst []byte, tag uint64, v clock.Vector) []byte {
	if len(v) == 0 {
		return dst
	}
	for len(b.entries) < len(v) {
		b.entries = append(b.entries, numberedName{})
	}
	size := 0
	for i := range v {
		known := &b.entries[i]
		if known.name != v[i].Process || known.number == 0 {
			dst = b.number(dst, known, v[i].Process)
		}
		size += protowire.SizeVarint(known.number) + protowire.SizeVarint(v[i].N)
	}
	dst = appendVarint(appendVarint(dst, tag), uint64(size))
	for i := range v {
		dst = appendVarint(appendVarint(dst, b.entries[i].number), v[i].N)
	}
	return dst
}

func appendBinaryAccounts(dst []byte, tag uint64, accounts []AccountBalance) []byte {
	if !slices.IsSortedFunc(accounts, byAccount) {
		accounts = slices.SortedFunc(slices.Values(accounts), byAccount)
	}
	for _, a := range accounts {
		var body []byte
		body = appendTextField(body, 1<<3|bytesType, a.Account)
		body = appendField(body, 2<<3|varintType, protowire.EncodeZigZag(a.Amount))
		dst = protowire.AppendBytes(appendVarint(dst, tag), body)
	}
	return dst
}

// appendField appends a field that is not 0.
func appendField(dst []byte, tag, v uint64) []byte {
	if v == 0 {
		return dst
	}
	if tag < 0x80 && v < 0x80 {
		return append(dst, byte(tag), byte(v))
	}
	return appendVarint(appendVarint(dst, tag), v)
}

func appendTextField(dst []byte, tag uint64, s string) []byte {
	if s == "" {
		return dst
	}
	return protowire.AppendString(appendVarint(dst, tag), validText(s))
}

func appendVarint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// validText returns s as JSON would have it: each byte that is no UTF-8 becomes the replacement character.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
