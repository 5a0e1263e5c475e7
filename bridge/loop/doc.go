// Package loop is one thread of control for many sockets: an epoll instance, a
// timer heap and a queue of posted functions, all served by one goroutine.
//
// It exists because a relay of thousands of nearly idle sessions should not pay
// two goroutines and two buffers for each: a session on a loop is one struct.
// Its epoll descriptor is itself watched by Go's poller, so waiting occupies no
// thread, and the goroutine wakes once for all sockets that became ready.
//
// Everything that a Loop calls, it calls on its goroutine; Add, Modify, Remove,
// After, Read and Again may be called only from there. Post is the door for everybody else.
//
// A watcher that leaves a socket ready, with more to read or to accept, must
// call Again: the loop does not look a second time by itself. Read and Modify
// do it where it is needed, and the loop does at the end of a stream.
//
// Like bridge/spark it is imported by its siblings: both are below them, not beside.
package loop
