package server

import (
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/seed-8ff1fc32/bank-trace/branch"
	"github.com/seed-8ff1fc32/bank-trace/branch/wire"
	"github.com/seed-8ff1fc32/bank-trace/trace"
)

// Domain is the domain of every ErrorInfo.
const Domain = "bank-trace"

// The keys of an ErrorInfo's metadata.
const (
	MetadataRemedy = "remedy" // what to do
	MetadataDetail = "detail" // the values behind the reason
	MetadataResult = "result" // "refused", "insufficient" and "conflict": it has no effect; "unknown": nobody can say
)

// retryDelay is how long a caller is asked to wait before it makes the same request again.
const retryDelay = 50 * time.Millisecond

// replyError turns a reply that is not OK into a gRPC status error with an ErrorInfo, and with the reply itself where
// the branch recorded it.
func replyError(r *branch.Reply) error {
	result := r.Result
	if r.Reason.Transient() {
		result = trace.Unknown // a stale message may be a copy of one that was taken
	}
	text := string(r.Reason)
	if r.Detail != "" {
		text = r.Detail
	}
	details := []protoadapt.MessageV1{errorInfo(r.Reason, r.Detail, MetadataResult, result.String())}
	if r.Reason.Transient() {
		details = append(details, protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryDelay)}))
	}
	if m := wire.EncodeReply(r); m != nil {
		details = append(details, protoadapt.MessageV1Of(m))
	}
	return statusError(r.Reason, text, details...)
}

// linkError is why a stream between branches was refused or ended; more are keys and values of the metadata.
func linkError(reason branch.Reason, text string, more ...string) error {
	return statusError(reason, text, errorInfo(reason, "", more...))
}

func stoppingError(name string) error {
	text := fmt.Sprintf("%s is stopping and takes no requests", name)
	return statusError(ReasonStopping, text, errorInfo(ReasonStopping, text, MetadataResult, trace.Refused.String()))
}

// failedError answers a request after the branch's own failure: it may have taken effect.
func failedError(reason branch.Reason, name string) error {
	text := fmt.Sprintf("%s stops: %s", name, Explain(reason).Meaning)
	return statusError(reason, text, errorInfo(reason, "", MetadataResult, trace.Unknown.String()))
}

func errorInfo(reason branch.Reason, detail string, more ...string) protoadapt.MessageV1 {
	info := &errdetails.ErrorInfo{
		Reason: string(reason), Domain: Domain, Metadata: map[string]string{MetadataRemedy: Explain(reason).Remedy},
	}
	if detail != "" {
		info.Metadata[MetadataDetail] = detail
	}
	for i := 0; i+1 < len(more); i += 2 {
		info.Metadata[more[i]] = more[i+1]
	}
	return protoadapt.MessageV1Of(info)
}

func statusError(reason branch.Reason, text string, details ...protoadapt.MessageV1) error {
	plain := status.New(Explain(reason).Code, text)
	full, err := plain.WithDetails(details...)
	if err != nil { // the details do not fit into a message: the code and the text say enough
		return plain.Err()
	}
	return full.Err()
}

// reasonIs reports whether an error's ErrorInfo has a reason.
func reasonIs(err error, reason branch.Reason) bool {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.Reason == string(reason) {
			return true
		}
	}
	return false
}
