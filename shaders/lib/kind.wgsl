// What a position's target makes of it: the class of a label, 0 where it is none, or one of these.

const INVALID = -1;
const IGNORED = -2;

// In a loss map, whose losses are never negative: minus zero, where the target is valid but some other number is not.
const OUT_OF_RANGE = 0x80000000u;
