// Package tender looks after all labs of all clouds: it puts idle ones to sleep, deletes those that have had their time,
// takes away what a reset, a race or a dead process left over, keeps the shelves of ready-made labs filled, and names
// whatever else is not as it should be.
//
// A [Tender.Pass] reads one paged list a cloud. From the list alone package lab says which stacks may be due. Only those are
// read again, right before the one write, and judged again: what a learner did in between counts. Nothing is kept but what
// saves calls (which labs were found in use, which changes failed a moment ago); Heat holds the rest, so a pass that is cut
// off, killed or run twice at once does no harm, and the next one goes on.
//
// Memory does not grow with the labs but for nine bytes of each owner, which find those with several stacks, and what a read
// of a lab in use found. Those with several stacks are gathered by further lists, a hundred owners each.
package tender
