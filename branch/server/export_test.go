package server

// What tests of the package's outside may reach: the boundaries at which a branch can be made to crash.
type Boundary = boundary

const (
	BeforeCommit = beforeCommit
	AfterCommit  = afterCommit
	MidLine      = midLine
	AfterLog     = afterLog
	AfterSend    = afterSend
	InSnapshot   = inSnapshot
)

// SetCrash has a branch ask f at each boundary.
func (c *Config) SetCrash(f crashTest) { c.crash = f }

// Called returns how many requests have come in.
func (s *Server) Called() uint64 { return s.waiters.Load() }
