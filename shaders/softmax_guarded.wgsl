// Softmax of logits among which there is an infinity or a NaN: few pixels, so they are read twice, as in softmax_online.

fn read_guarded(position: ptr<function, Position>) {
  var seen = nothing_seen();
  var mass = Floats(0.0);
  for (var k = 0u; k < CLASSES; k++) {
    let peak = (*position).peak;
    let logit = see(&seen, k, logits_at((*position).logits + k * problem.class_stride));
    let e = exp(set_apart(position, k, logit) - (*position).peak);
    mass = mass * exp(peak - (*position).peak) + select(e, Floats(0.0), (*position).labels == Ints(i32(k)));
  }
  (*position).mass = max(mass, Floats(1.0));
  (*position).argmax = seen.argmax;
  (*position).is_nan = is_nan(seen);
}

fn write_guarded(position: ptr<function, Position>, first: u32, slope: Floats, others: Floats, counted: Mask) {
  for (var k = 0u; k < CLASSES; k++) {
    let offset = k * problem.class_stride;
    let logit = max(bitcast<Floats>(logits_at((*position).logits + offset)), Floats(LOWEST));
    let of_other = exp(logit - (*position).peak) * others;
    let value = select(of_other, -slope, (*position).labels == Ints(i32(k)));
    put_gradient(first + offset, select(Floats(0.0), value, counted));
  }
}
