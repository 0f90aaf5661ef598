// Package postern is for filters of the postern gateway, written in Go.
//
// A filter is a WebAssembly component that postern asks what to do with each
// message, whether a client may connect, what becomes of what clients say, or
// how to answer a request. It is a package main that registers a function for
// each thing it wants to be asked, and whose main does nothing:
//
//	package main
//
//	import "postern"
//
//	func init() { postern.OnMessage(onMessage) }
//
//	func onMessage(message *postern.Message) (postern.Verdict, error) {
//		if _, isStatus := message.JSON("/entry/0/changes/0/value/statuses/0"); isStatus {
//			return postern.Drop("it is a status"), nil
//		}
//		return postern.Pass(), nil
//	}
//
//	func main() {}
//
// Three rules hold everywhere:
//
//  1. What comes in is a handle: nothing of a [Message], a [Client] or a
//     [Request] is copied into your memory until you ask for it. It is good
//     until the function it was given to returns; used later, it panics.
//  2. A call happens whole or not at all. Of one that returns an error, panics
//     or takes too long nothing in the [Outbox] is sent and no client is
//     touched, and postern does with the message what the operator's on_error
//     says. (What is done to [KV], [Log] and [Metrics] is done at once.)
//  3. Do not count on memory between calls: a call may meet a fresh instance, or
//     any of several. What lasts is in [KV], or in the labels of clients.
//
// What a filter may ask of postern is [Config], [Log], [Metrics], [Clock],
// [Outbox], [Clients], [KV] and [Signing].
//
// Natively, by plain go test, a [Double] stands in for postern.
package postern

// Version of the package postern:filter that this is for.
const Version = "0.1.0"
