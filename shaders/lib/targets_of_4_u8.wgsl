// The targets of four lanes from bytes. Joined with lib/label_word or lib/label_word_any.

fn targets_at(first: u32) -> Bits {
  let word = label_word_at(first);
  return vec4u(word & 0xffu, (word >> 8u) & 0xffu, (word >> 16u) & 0xffu, word >> 24u);
}
