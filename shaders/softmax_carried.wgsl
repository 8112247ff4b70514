// Softmax by sweeps over groups of classes: what those of `references` and `masses` came to. Joined with softmax_again.

fn read_logits(position: ptr<function, Position>) -> Curve {
  let i = (*position).pixel / LANES;
  recall(position);
  (*position).factor = factors_at(bitcast<Bits>((*position).labels));
  (*position).argmax = carried[i].argmax;
  (*position).is_put_off = carried[i].is_put_off != 0u;
  return curve_of(position);
}
