// Softmax with one label per pixel: everything depends on its margin. Joined with softmax_kept or softmax_online.
//
//     peak = max_{j≠y} x_j,   mass = Σ_{j≠y} exp(x_j − peak),   margin = (x_y − peak) − log mass
//     dL/dx_y = −slope,       dL/dx_j = slope · exp(x_j − peak) / mass

fn read_position(position: ptr<function, Position>, pixel: u32) {
  let labels = bitcast<Ints>(targets_at(pixel));
  (*position).labels = labels;
  (*position).valid =
    (labels >= Ints(0)) & (labels < Ints(i32(CLASSES))) & (labels != Ints(problem.ignore_index));
  (*position).peak = Floats(LOWEST);
  (*position).label_logit = Floats(LOWEST);
  read_logits(position, problem.logits_offset + first_element(pixel));

  let margin = ((*position).label_logit - (*position).peak) - log((*position).mass);
  let curve = focal_curve(margin);
  let factor = select(Floats(0.0), factors_at(bitcast<Bits>(labels)), (*position).valid);
  let infinite = (*position).label_logit <= Floats(LOWEST);
  (*position).infinite = infinite;
  (*position).loss = factor * curve.loss;
  (*position).slope = factor * select(curve.slope, Floats(1.0), infinite);
}

// Takes in the logit of class c; returns it, or LOWEST if it is the label's.
fn set_apart(position: ptr<function, Position>, c: u32, logit: Floats) -> Floats {
  let is_label = (*position).labels == Ints(i32(c));
  (*position).label_logit = select((*position).label_logit, logit, is_label);
  let other = select(logit, Floats(LOWEST), is_label);
  (*position).peak = max((*position).peak, other);
  return other;
}

// `counted` are the lanes whose gradient is not 0.
fn write_gradient(position: ptr<function, Position>, pixel: u32, scale: Floats, counted: Mask) {
  let first = problem.grad_logits_offset + first_element(pixel);
  let slope = scale * (*position).slope;
  let others = select(slope / (*position).mass, Floats(0.0), (*position).peak <= Floats(LOWEST));
  write_classes(position, first, slope, others, counted);
  if !ACCUMULATE && any_lane((*position).is_nan) {
    for (var k = 0u; k < CLASSES; k++) {
      let element = first + k * problem.class_stride;
      let written = bitcast<Floats>(gradient_bits_at(element));
      store_gradient(element, select(written, Floats(0.0), (*position).is_nan));
    }
  }
}

fn put_class(position: ptr<function, Position>, element: u32, c: u32, of_other: Floats, slope: Floats, counted: Mask) {
  let value = select(of_other, -slope, (*position).labels == Ints(i32(c)));
  // What a NaN logit makes of it is overwritten afterwards, where it can be.
  if ACCUMULATE {
    put_gradient(element, select(Floats(0.0), value, counted));
  } else {
    put_gradient(element, value);
  }
}
