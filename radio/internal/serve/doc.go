// Package serve is what the segment's services have in common: the life of a
// part that opens its socket, serves, reports how it is doing, and opens the
// socket again after it broke.
package serve
