// Package matrix crosses every fault that the lab can stage with every witness,
// alone and together: the verdict must name the right hop or none, and never a
// wrong one with high confidence.
//
// Each fault is staged once, for real, in namespaces of its own, with
// photongate and one virtual Photon called porch. What the witnesses saw is
// kept in gateway/diagnose/testdata/matrix/FAULT/:
//
//	porch.log      the Photon's serial log
//	events.jsonl   photongate's journal
//	segment.pcap   the packets on photongate's side of the segment
//
// The fast test judges the recordings and compares with the README.md beside
// them, which is the table. After a change of the rules,
//
//	go test ./cmd/photonlab/matrix -update
//
// writes the table again; with -stage . it records everything anew first, and
// with -stage NAME one fault. With PHOTONGATE_TEST=net three of the faults are
// staged again, and must give the verdicts of their recordings.
package matrix
