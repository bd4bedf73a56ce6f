package e2e

import (
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var _ = Describe("Members that exchange their addresses", Label("S10"), func() {
	people := []string{"ana", "ben", "eva"}

	memberOf := func(name, email string, groups ...string) string {
		refs := make([]string, len(groups))
		for i, group := range groups {
			refs[i] = "{name: " + group + "}"
		}
		return fmt.Sprintf("kind: Member\nmetadata: {name: %s}\nspec: {email: %s@example.com, fullName: %s, groupRefs: [%s]}", name, email, name, strings.Join(refs, ", "))
	}

	// settled says that each Member has the user of its address by now, with exactly its groups, and nothing of an earlier one.
	settled := func(t *tenant, users map[string]int, addresses map[string]string, groups map[string][]string) {
		GinkgoHelper()
		for name, address := range addresses {
			Eventually(func(g Gomega) {
				member := t.member(g, name)
				g.Expect(readyOf(member)).To(Equal("True Granted"), messageOf(member))
				g.Expect(member.Status.Accounts).To(HaveLen(1))
				g.Expect(string(member.Status.Accounts[0].Email)).To(Equal(address + "@example.com"))
				if member.Status.Accounts[0].Origin == v1alpha1.AccountCreated {
					g.Expect(string(member.Status.Accounts[0].FullName)).To(Equal(name))
				}
				if users[address] != 0 {
					g.Expect(member.Status.Accounts[0].UserID).To(BeEquivalentTo(users[address]))
				}
				g.Expect(member.Status.Grants).To(HaveLen(len(groups[name])))
				for _, row := range member.Status.Grants {
					g.Expect(row.State).To(Equal(v1alpha1.GrantActive))
					g.Expect(row.UserID).To(Equal(member.Status.Accounts[0].UserID))
				}
				for group, kisiGroup := range map[string]string{"members": "Members", "boardroom": "Boardroom", "uptown": "Uptown"} {
					has := t.rows(address+"@example.com", kisiGroup)
					if slices.Contains(groups[name], group) {
						g.Expect(has).To(HaveLen(1), "%s in %s", address, group)
					} else {
						g.Expect(has).To(BeEmpty(), "%s in %s", address, group)
					}
				}
			}).Should(Succeed(), name)
		}
		t.quiet()
	}

	// live has everybody let in by their own address.
	live := func(t *tenant, groups map[string][]string) map[string]int {
		GinkgoHelper()
		users := map[string]int{}
		for _, name := range people {
			t.apply(memberOf(name, name, groups[name]...))
		}
		for _, name := range people {
			users[name] = int(t.granted(name).Status.Accounts[0].UserID)
		}
		return users
	}

	same := map[string][]string{"ana": {"members"}, "ben": {"members"}, "eva": {"members"}}
	different := map[string][]string{"ana": {"members", "uptown"}, "ben": {"members"}, "eva": {"boardroom"}}
	swap := map[string]string{"ana": "ben", "ben": "ana", "eva": "eva"}
	ring := map[string]string{"ana": "ben", "ben": "eva", "eva": "ana"}
	chain := map[string]string{"ana": "ben", "ben": "eva", "eva": "new"}

	DescribeTable("each end with the user of their own address, and nobody waits for another",
		func(ctx SpecContext, addresses map[string]string, groups map[string][]string, running bool) {
			t := newTenant(ctx)
			t.start()
			t.fixture()
			users := live(t, groups)
			if !running {
				t.stop()
			}
			for _, name := range people {
				t.apply(memberOf(name, addresses[name], groups[name]...))
			}
			if !running {
				t.start()
			}
			settled(t, users, addresses, groups)
			t.nothingDoubled()
		},
		Entry("two, while the operator runs", swap, same, true),
		Entry("two, while it is down", swap, same, false),
		Entry("two with different groups, while it runs", swap, different, true),
		Entry("two with different groups, while it is down", swap, different, false),
		Entry("three in a ring, while it runs", ring, same, true),
		Entry("three in a ring, while it is down", ring, same, false),
		Entry("three in a ring with different groups, while it runs", ring, different, true),
		Entry("three in a ring with different groups, while it is down", ring, different, false),
		Entry("a chain whose last one is new, while it runs", chain, same, true),
		Entry("a chain whose last one is new, while it is down", chain, different, false),
	)

	It("ask nothing of Kisi where everybody wants the same and the operator was down, but the names", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		users := live(t, same)
		rows := t.kisi.Assignments("Members")
		t.stop()
		begin := t.kisi.Clock().Now()
		t.kisi.ResetRequests()
		for _, name := range people {
			t.apply(memberOf(name, ring[name], same[name]...))
		}
		t.start()
		settled(t, users, ring, same)
		Expect(t.kisi.Assignments("Members")).To(Equal(rows))
		Expect(t.writes()).To(HaveEach(HavePrefix("PATCH /users/")))
		for _, name := range people {
			t.neverLockedOut(name+"@example.com", "Entrance", begin)
			Expect(t.account(name, v1alpha1.AccountEnabled).Origin).To(Equal(v1alpha1.AccountCreated))
		}
	})
})
