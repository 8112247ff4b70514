// Four labels that are bytes, of one word. For labels that begin with a word.

fn label_word_at(first: u32) -> u32 {
  return load_targets((problem.targets_offset + first) >> 2u);
}
