// The targets of four lanes from bytes: of one word, or of two where the first does not begin one.

fn targets_at(first: u32) -> Bits {
  let i = problem.targets_offset + first;
  let shift = 8u * (i & 3u);
  let low = load_targets(i >> 2u) >> shift;
  let high = (load_targets((i + 3u) >> 2u) << 1u) << (31u - shift);
  let word = low | high;
  return vec4u(word & 0xffu, (word >> 8u) & 0xffu, (word >> 16u) & 0xffu, word >> 24u);
}
