package e2e

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// Where Kisi takes one row of a pair only, a window is changed by a PATCH that is read back, or by a DELETE and a POST.
const (
	changedInPlace = "windowUpdate=Accepted"
	replaced       = "windowUpdate=IgnoredWith204"
)

const oneAssignment = "/role_assignments/*"

// newTaughtTenant has Ana in the boardroom, and an operator that has learned how this Kisi treats her rows.
func newTaughtTenant(ctx SpecContext, windowUpdate string, start func(*tenant)) *tenant {
	GinkgoHelper()
	t := newTenant(ctx, "duplicates=AlwaysConflict", windowUpdate)
	t.options.RequestTimeout = requestTimeout
	start(t)
	t.fixture()
	t.apply(boardroom)
	t.apply(bookingOf("b1", "-30m", "1h"))
	t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
	t.apply(bookingOf("b1", "-30m", "70m"))
	t.settledOn(t.bookedWindows())
	t.saysWhatItLearned()
	t.kisi.ResetRequests()
	return t
}

var _ = Describe("While an active window is changed", func() {
	DescribeTable("an answer that does not come loses nothing and doubles nothing", func(ctx SpecContext, windowUpdate string, fault simulator.Fault) {
		t := newTaughtTenant(ctx, windowUpdate, (*tenant).start)
		seen := t.watchChange()
		fault.Count = 1
		t.fault(fault)
		t.apply(bookingOf("b1", "-30m", "90m"))
		gap, requests := seen.finish()
		AddReportEntry("gap and requests", fmt.Sprintf("%s %v", gap, requests), ReportEntryVisibilityFailureOrVerbose)
		if windowUpdate == changedInPlace {
			Expect(gap).To(BeZero())
		}
		t.quiet()
		t.nothingDoubled()
	},
		Entry("to a change that was made", changedInPlace, simulator.Fault{Kind: simulator.FaultDropAfter, Method: "PATCH", Path: oneAssignment}),
		Entry("to a change that was not made", changedInPlace, simulator.Fault{Kind: simulator.FaultDropBefore, Method: "PATCH", Path: oneAssignment}),
		Entry("to a change that failed", changedInPlace, simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Method: "PATCH", Path: oneAssignment}),
		Entry("to a change that came too fast", changedInPlace, simulator.Fault{Kind: simulator.FaultTooManyRequests, Method: "PATCH", Path: oneAssignment}),
		Entry("to the reading back", changedInPlace, simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Method: "GET", Path: oneAssignment}),
		Entry("to a delete that was made", replaced, simulator.Fault{Kind: simulator.FaultDropAfter, Method: "DELETE", Path: oneAssignment}),
		Entry("to a delete that was not made", replaced, simulator.Fault{Kind: simulator.FaultDropBefore, Method: "DELETE", Path: oneAssignment}),
		Entry("to a delete that came too fast", replaced, simulator.Fault{Kind: simulator.FaultTooManyRequests, Method: "DELETE", Path: oneAssignment}),
		Entry("to a create that was made", replaced, simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/role_assignments"}),
		Entry("to a create that was not made", replaced, simulator.Fault{Kind: simulator.FaultDropBefore, Method: "POST", Path: "/role_assignments"}),
		Entry("to a create that failed", replaced, simulator.Fault{Kind: simulator.FaultStatus, Status: 500, Method: "POST", Path: "/role_assignments"}),
		Entry("to a create that came too fast", replaced, simulator.Fault{Kind: simulator.FaultTooManyRequests, Method: "POST", Path: "/role_assignments"}),
	)

	DescribeTable("a crash loses nothing and doubles nothing", func(ctx SpecContext, windowUpdate string, fault simulator.Fault) {
		var kill func()
		t := newTaughtTenant(ctx, windowUpdate, func(t *tenant) { kill = t.startProcess() })
		seen := t.watchChange()
		fault.Count, fault.Latency = 1, simulator.Duration(5*time.Second)
		t.fault(fault)
		t.apply(bookingOf("b1", "-30m", "90m"))
		t.asked(fault.Method, fault.Path)
		kill()
		t.start()
		gap, requests := seen.finish()
		AddReportEntry("gap and requests", fmt.Sprintf("%s %v", gap, requests), ReportEntryVisibilityFailureOrVerbose)
		if windowUpdate == changedInPlace {
			Expect(gap).To(BeZero())
		}
		t.quiet()
		t.nothingDoubled()
	},
		Entry("of a change that is made", changedInPlace, simulator.Fault{Kind: simulator.FaultLatency, Method: "PATCH", Path: oneAssignment}),
		Entry("of a change that is not made", changedInPlace, simulator.Fault{Kind: simulator.FaultDropBefore, Method: "PATCH", Path: oneAssignment}),
		Entry("before the reading back", changedInPlace, simulator.Fault{Kind: simulator.FaultLatency, Method: "GET", Path: oneAssignment}),
		Entry("of a delete that is made", replaced, simulator.Fault{Kind: simulator.FaultLatency, Method: "DELETE", Path: oneAssignment}),
		Entry("of a delete that is not made", replaced, simulator.Fault{Kind: simulator.FaultDropBefore, Method: "DELETE", Path: oneAssignment}),
		Entry("of a create that is made", replaced, simulator.Fault{Kind: simulator.FaultLatency, Method: "POST", Path: "/role_assignments"}),
		Entry("of a create that is not made", replaced, simulator.Fault{Kind: simulator.FaultDropBefore, Method: "POST", Path: "/role_assignments"}),
	)

	It("a row that somebody took away meanwhile comes back with the new one", func(ctx SpecContext) {
		t := newTaughtTenant(ctx, changedInPlace, (*tenant).start)
		row := t.rows("ana@example.com", "Boardroom")[0]
		t.kisi.act(simulator.Action{Action: simulator.ActionRevoke, AssignmentID: row.ID})
		t.apply(bookingOf("b1", "-30m", "90m"))
		t.settledOn(t.bookedWindows())
		t.nothingDoubled()
	})
})
