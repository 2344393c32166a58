package server

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	bankv1 "github.com/seed-8ff1fc32/bank-trace/pb/bank/v1"
)

// vitals tells the standard health service (grpc.health.v1) how a branch is:
//
//	""                                       as bank.v1.BankService
//	bank.v1.BankService                      SERVING while writes can execute: the branch is back from its start and every
//	                                         other branch is connected
//	bank.v1.ReplicationService               SERVING while other branches may connect
//	bank.v1.ReplicationService/BRANCH        SERVING while that branch is connected
type vitals struct {
	service *health.Server
	said    map[string]bool
}

func newVitals() *vitals {
	v := &vitals{service: health.NewServer(), said: map[string]bool{}}
	v.say("", false) // the service says SERVING of its own
	v.say(bankv1.BankService_ServiceDesc.ServiceName, false)
	return v
}

func (v *vitals) register(g *grpc.Server) { healthv1.RegisterHealthServer(g, v.service) }

// beat says what has changed. Only the owner calls it.
func (v *vitals) beat(o *owner) {
	takesPeers := !o.stopped && o.failed == nil
	serves := takesPeers && !o.core.Recovering()
	replication := bankv1.ReplicationService_ServiceDesc.ServiceName
	for name, p := range o.peers {
		up := takesPeers && p.link != nil
		v.say(replication+"/"+name, up)
		serves = serves && up
	}
	v.say(replication, takesPeers)
	v.say(bankv1.BankService_ServiceDesc.ServiceName, serves)
	v.say("", serves)
}

func (v *vitals) say(service string, serving bool) {
	if said, known := v.said[service]; known && said == serving {
		return
	}
	v.said[service] = serving
	status := healthv1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = healthv1.HealthCheckResponse_SERVING
	}
	v.service.SetServingStatus(service, status)
}
