package server_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
)

// reasonOf returns the reason of an error's ErrorInfo, "" if it has none.
func reasonOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}

// awaitHealth reads a watch until the status is as wanted.
func awaitHealth(t *testing.T, watch healthv1.Health_WatchClient, want healthv1.HealthCheckResponse_ServingStatus) {
	t.Helper()
	for {
		m, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.Status == want {
			return
		}
	}
}

func TestHealthSaysWhetherWritesCanExecute(t *testing.T) {
	d := openDurable(t, 3, map[string]int64{"main": 0}, nil, nil)
	b := d.bank
	health := healthv1.NewHealthClient(b.conns[0])
	const serving, not = healthv1.HealthCheckResponse_SERVING, healthv1.HealthCheckResponse_NOT_SERVING
	watch, err := health.Watch(t.Context(), &healthv1.HealthCheckRequest{Service: "bank.v1.BankService"})
	if err != nil {
		t.Fatal(err)
	}
	awaitHealth(t, watch, serving)
	must(t, "deposit", 1)(b.customer("customer-1").deposit(t.Context(), 1, "main", 1))
	b.kill(2)
	awaitHealth(t, watch, not)
	list, err := health.List(t.Context(), &healthv1.HealthListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]healthv1.HealthCheckResponse_ServingStatus{}
	for name, s := range list.Statuses {
		got[name] = s.Status
	}
	want := map[string]healthv1.HealthCheckResponse_ServingStatus{
		"": not, "bank.v1.BankService": not, "bank.v1.ReplicationService": serving,
		"bank.v1.ReplicationService/branch-2": serving, "bank.v1.ReplicationService/branch-3": not,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.start(2)
	awaitHealth(t, watch, serving)
	must(t, "deposit", 2)(b.customer("customer-2").deposit(t.Context(), 3, "main", 1))

	// A branch that is back alone knows that it cannot tell what it promised.
	b.settled()
	b.kill(0)
	b.kill(1)
	b.start(0)
	_, err = b.customer("customer-3").query(t.Context(), 1, "main")
	if reason := reasonOf(err); reason != "RECOVERING" || status.Code(err).String() != "Unavailable" {
		t.Errorf("got %v", err)
	}
	b.start(1)
	must(t, "query", 2)(b.customer("customer-4").query(t.Context(), 1, "main"))
	b.close() // although somebody watches
}

func TestReflectionListsTheServices(t *testing.T) {
	b := openBank(t, 1, map[string]int64{"main": 0}, options{})
	with, err := reflectionv1.NewServerReflectionClient(b.conns[0]).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := with.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	m, err := with.Recv()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range m.GetListServicesResponse().GetService() {
		names[s.Name] = true
	}
	for _, name := range []string{"bank.v1.BankService", "bank.v1.ReplicationService", "grpc.health.v1.Health"} {
		if !names[name] {
			t.Errorf("%s is not listed: %v", name, names)
		}
	}
	with.CloseSend()
}
