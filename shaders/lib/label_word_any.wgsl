// Four labels that are bytes: of one word, or of two where the first does not begin one.

fn label_word_at(first: u32) -> u32 {
  let i = problem.targets_offset + first;
  let shift = 8u * (i & 3u);
  let low = load_targets(i >> 2u) >> shift;
  let high = (load_targets((i + 3u) >> 2u) << 1u) << (31u - shift);
  return low | high;
}
