// Softmax by sweeps over groups of classes: what those of `references` and `masses` came to. Joined with softmax_again.

fn read_logits(position: ptr<function, Position>) -> Curve {
  recall(position);
  (*position).factor = factors_at(bitcast<Bits>((*position).labels));
  (*position).argmax = carried_bits(ARGMAX, (*position).pixel);
  (*position).is_put_off = takes_guards((*position).pixel);
  return curve_of(position);
}
