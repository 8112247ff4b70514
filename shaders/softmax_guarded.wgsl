// Softmax of any logits, among them infinities and NaN, in two reads: the first keeps a running peak and the mass below it
// (the online normaliser of Milakov & Gimelshein 2018, arXiv:1805.02867), the second writes the gradient.
//
//     peak = max_{j≠y} x_j,   mass = Σ_{j≠y} exp(x_j − peak),   margin = (x_y − peak) − log mass

fn add_guarded(position: ptr<function, Position>, seen: ptr<function, Seen>) {
  var peak = (*position).peak;
  var mass = (*position).mass;
  for (var c = 0u; c < CLASSES; c++) {
    let logit = see(seen, c, logits_at((*position).logits + c * problem.class_stride));
    let is_label = (*position).labels == Ints(i32(c));
    let other = select(logit, Floats(LOWEST), is_label);
    let higher = max(peak, other);
    (*position).label_logit = select((*position).label_logit, logit, is_label);
    mass = mass * exp(peak - higher) + select(exp(other - higher), Floats(0.0), is_label);
    peak = higher;
  }
  (*position).peak = peak;
  (*position).mass = mass;
}

fn guarded_curve(position: ptr<function, Position>, seen: Seen) -> Curve {
  let mass = max((*position).mass, Floats(1.0));
  let infinite = (*position).label_logit <= Floats(LOWEST);
  (*position).factor = factors_at(bitcast<Bits>((*position).labels));
  (*position).mass = mass;
  (*position).argmax = seen.argmax;
  (*position).is_nan = is_nan(seen);
  (*position).infinite = infinite;
  let curve = focal_curve(((*position).label_logit - (*position).peak) - log(mass));
  return Curve(curve.loss, select(curve.slope, Floats(1.0), infinite));
}

fn write_guarded(position: ptr<function, Position>, first: u32, slope: Floats, counted: Mask) {
  let of_label = label_gradient(slope);
  let others = select(slope / (*position).mass, Floats(0.0), (*position).peak <= Floats(LOWEST));
  for (var c = 0u; c < CLASSES; c++) {
    let offset = c * problem.class_stride;
    let logit = max(bitcast<Floats>(logits_at((*position).logits + offset)), Floats(LOWEST));
    let of_other = exp(logit - (*position).peak) * others;
    let value = select(of_other, of_label, (*position).labels == Ints(i32(c)));
    put_gradient(first + offset, select(Floats(0.0), value, counted));
  }
}
