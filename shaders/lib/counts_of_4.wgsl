// How many of four pixels count, by labels that are bytes: valid ones, and invalid ones. Joined with lib/label_word or lib/label_word_any. The
// four are looked at in their word; what is found of a byte is its highest bit.

const EACH = 0x01010101u;
const LOWER = 0x7f7f7f7fu;
const HIGHEST = 0x80808080u;

fn counts_at(first: u32) -> vec2u {
  let word = label_word_at(first);
  let beyond = beyond_classes(word);
  let counted = other_than_ignored(word);
  return vec2u(count_bytes(~beyond & counted), count_bytes(beyond & counted));
}

// The bytes that are no class. No sum carries into the next byte.
fn beyond_classes(word: u32) -> u32 {
  if CLASSES > 255u {
    return 0u;
  } else if CLASSES > 128u {
    return ((word & LOWER) + (256u - min(CLASSES, 256u)) * EACH) & word & HIGHEST;
  }
  return (((word & LOWER) + (128u - min(CLASSES, 128u)) * EACH) | word) & HIGHEST;
}

fn other_than_ignored(word: u32) -> u32 {
  let difference = word ^ (u32(problem.ignore_index) * EACH);
  let others = (((difference & LOWER) + LOWER) | difference) & HIGHEST;
  return select(HIGHEST, others, u32(problem.ignore_index) < 256u);
}

fn count_bytes(found: u32) -> u32 {
  return ((found >> 7u) * EACH) >> 24u;
}
