package server

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

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

// The reasons that the shell has of its own, beside the core's.
const (
	ReasonStopping     branch.Reason = "BRANCH_STOPPING"
	ReasonLogFailed    branch.Reason = "LOG_FAILED"
	ReasonCluster      branch.Reason = "CLUSTER_MISMATCH"
	ReasonPeer         branch.Reason = "PEER_UNEXPECTED"
	ReasonPeerLost     branch.Reason = "PEER_LOST_STATE"
	ReasonBadFrame     branch.Reason = "FRAME_INVALID"
	ReasonBacklog      branch.Reason = "PEER_TOO_SLOW"
	ReasonLinkReplaced branch.Reason = "LINK_REPLACED"
)

// CodeOf returns the gRPC code of a reason, and what to do about it: the one table of both.
func CodeOf(r branch.Reason) (codes.Code, string) {
	switch r {
	case branch.ReasonInsufficient:
		return codes.FailedPrecondition, "ask for less, or deposit first"
	case branch.ReasonAccountUnknown:
		return codes.NotFound, "name an account that the bank was opened with"
	case branch.ReasonAmount:
		return codes.InvalidArgument, "give an amount from 1 to 2^53 minor units"
	case branch.ReasonSameAccount:
		return codes.InvalidArgument, "name two different accounts"
	case branch.ReasonBalanceLimit:
		return codes.OutOfRange, "deposit less, or at another account"
	case branch.ReasonConflict:
		return codes.AlreadyExists, "give each new operation a request number of its own"
	case branch.ReasonOverloaded:
		return codes.ResourceExhausted, "try again later; if it lasts, see which branch is away"
	case branch.ReasonSessionBehind:
		return codes.Unavailable, "try again, or at the branch that you called before"
	case branch.ReasonOutcomeUnknown:
		return codes.DeadlineExceeded, "query the account before you ask again"
	case branch.ReasonStampRefused:
		return codes.InvalidArgument, "send the clock of the request's own send event"
	case branch.ReasonStaleMessage:
		return codes.Aborted, "query the account: another message of this customer came first"
	case branch.ReasonRequestInvalid:
		return codes.InvalidArgument, "correct the field that the message names"
	case ReasonStopping:
		return codes.Unavailable, "call another branch"
	case ReasonLogFailed:
		return codes.Internal, "see to the disk of this branch's log, and query at another branch"
	case ReasonCluster:
		return codes.FailedPrecondition, "start all branches with the same names, mode and opening balances"
	case ReasonPeer:
		return codes.InvalidArgument, "see which branch each peer address belongs to"
	case ReasonPeerLost:
		return codes.FailedPrecondition, "start the whole bank anew: a branch without a store cannot join a run again"
	case ReasonBadFrame:
		return codes.InvalidArgument, "run the same version of the program on all branches"
	case ReasonBacklog:
		return codes.ResourceExhausted, "none: the branches connect again by themselves"
	case ReasonLinkReplaced:
		return codes.Aborted, "none: a newer connection of the same branch took its place"
	}
	return codes.Internal, "report this as a fault of the program"
}

// replyError turns a reply that is not OK into a gRPC status error with an ErrorInfo, and with the reply itself where
// the branch recorded it.
func replyError(r *branch.Reply) error {
	result := r.Result
	if r.Reason == branch.ReasonStaleMessage {
		result = trace.Unknown // it may be a copy of one that was taken
	}
	text := string(r.Reason)
	if r.Detail != "" {
		text = r.Detail
	}
	details := []protoadapt.MessageV1{errorInfo(r.Reason, r.Detail, MetadataResult, result.String())}
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

func logFailed(name string) error {
	text := fmt.Sprintf("%s could not write its log and stops", name)
	return statusError(ReasonLogFailed, text, errorInfo(ReasonLogFailed, "", MetadataResult, trace.Unknown.String()))
}

func errorInfo(reason branch.Reason, detail string, more ...string) protoadapt.MessageV1 {
	_, remedy := CodeOf(reason)
	info := &errdetails.ErrorInfo{Reason: string(reason), Domain: Domain, Metadata: map[string]string{MetadataRemedy: remedy}}
	if detail != "" {
		info.Metadata[MetadataDetail] = detail
	}
	for i := 0; i+1 < len(more); i += 2 {
		info.Metadata[more[i]] = more[i+1]
	}
	return protoadapt.MessageV1Of(info)
}

func statusError(reason branch.Reason, text string, details ...protoadapt.MessageV1) error {
	code, _ := CodeOf(reason)
	plain := status.New(code, text)
	full, err := plain.WithDetails(details...)
	if err != nil { // the details do not fit into a message: the code and the text say enough
		return plain.Err()
	}
	return full.Err()
}
