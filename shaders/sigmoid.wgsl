// Sigmoid: every element alone, positive by its target t and negative by 1 − t.
// Joined with a curve: sigmoid_hard, sigmoid_soft or sigmoid_probabilities.

struct Position {
  slope: Floats,  // −dL/dx
  loss: Floats,
  argmax: Bits,
  valid: Mask,
  out_of_range: Mask,
  is_nan: Mask,
  infinite: Mask,
}

fn read_position(position: ptr<function, Position>, element: u32) {
  let bits = logits_at(problem.logits_offset + element);
  let given = element_targets_at(element);
  let t = given * problem.target_scale + problem.target_shift;
  let rest = (1.0 - given) * problem.target_scale + problem.target_shift;  // 1 − t, with all its digits
  let channels = problem.first_class + (lanes_from(element) / problem.class_stride) % CLASSES;
  let factor = t * factors_at(channels) + rest * negatives_at(channels);
  let curve = element_curve(bits, t, rest);
  (*position).valid = valid_at(element);
  (*position).out_of_range = curve.out_of_range;
  (*position).is_nan = curve.is_nan;
  (*position).infinite = curve.infinite;
  (*position).argmax = select(Bits(0u), Bits(1u), curve.is_positive);
  (*position).loss = factor * curve.loss;
  (*position).slope = factor * curve.slope;
}

// What element_curve tells.
struct ElementCurve {
  loss: Floats,
  slope: Floats,
  is_positive: Mask,   // the prediction
  is_nan: Mask,
  infinite: Mask,
  out_of_range: Mask,
}

fn write_gradient(position: ptr<function, Position>, element: u32, scale: Floats, counted: Mask) {
  put_gradient(problem.grad_logits_offset + element, select(Floats(0.0), -scale * (*position).slope, counted));
}
