// Package kisi is a client of Kisi's REST API, and the queue that paces it. It knows nothing of Kubernetes.
//
// Four rules shape it:
//
//   - A request is sent once. The client repeats nothing, and keeps net/http from repeating a write. After a failed write
//     OutcomeUnknown tells whether it may have been carried out; then the caller looks before doing it again.
//   - A write is done when Kisi says so: an answer that is not Kisi's 204, or speaks of something else than was asked for,
//     leaves it in doubt.
//   - A list is all there is only if that is proven: see Listing. A read that failed or fell short is never "empty".
//   - Requests are scarce: Kisi counts five a second per user, all the user's logins together. So all clients of one key
//     owner share one Queue, where each request waits for its turn and the most urgent goes first.
//
// A reconciler submits a Task and returns; the task runs when a request has its turn:
//
//	queue.Submit(kisi.Task{
//		Key:   "default/jo",
//		Class: kisi.Class{Priority: kisi.Urgent, Connection: "default/gym"},
//		Run: func(ctx context.Context) {
//			recordIntent(ctx)
//			_, err := client.CreateRoleAssignment(ctx, create) // uses the turn
//			recordResult(ctx, err)
//		},
//		Done: wake, // the key is free again
//	})
//
// What is known of Kisi's API, and how surely, is written at each call; the openapi directory holds the document that
// requests and answers are checked against in tests.
package kisi
