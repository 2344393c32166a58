package branch

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Verdict is what a branch can say of a request.
type Verdict int

// The verdicts.
const (
	NotKnownHere   Verdict = iota // nothing is known, or nothing that is decided
	Executed                      // it took effect
	RefusedForGood                // it was decided that it has no effect
	NotKept                       // the customer has made a newer request, and results are kept for the newest alone
)

// OutcomeOf tells what is known here of a request. The Outcome is there with Executed and RefusedForGood.
func (b *Branch) OutcomeOf(request trace.ID) (Outcome, Verdict) {
	past, ok := b.results[request.Process]
	switch {
	case !ok || past.N < request.N:
		return Outcome{}, NotKnownHere
	case past.N > request.N:
		return Outcome{}, NotKept
	case past.Result == trace.OK:
		return past, Executed
	}
	return past, RefusedForGood
}

// Digest is the SHA-256 of an operation: of the name of what it does, its accounts, each with its length before it, and
// its amount. It stands for the payload of a request.
func (o Operation) Digest() [sha256.Size]byte {
	var text []byte
	for _, s := range []string{o.Op.String(), o.Account, o.ToAccount} {
		text = binary.AppendUvarint(text, uint64(len(s)))
		text = append(text, s...)
	}
	return sha256.Sum256(binary.AppendVarint(text, o.Amount))
}

// payload is the beginning of the digest, for a person.
func (o Operation) payload() string {
	d := o.Digest()
	return hex.EncodeToString(d[:8])
}
