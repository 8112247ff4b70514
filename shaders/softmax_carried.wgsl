// Softmax by sweeps over groups of classes: what those of `references` and `masses` came to. Joined with softmax_again.

fn read_logits(position: ptr<function, Position>) -> Curve {
  let carried = recall(position, false);
  (*position).factor = factors_at(bitcast<Bits>((*position).labels));
  (*position).argmax = carried.argmax;
  (*position).is_put_off = carried.is_put_off != 0u;
  return curve_of(position);
}
