// Softmax with one label per pixel: everything depends on its margin. Joined with softmax_kept or softmax_online, which
// take finite logits, with softmax_guarded, which takes any, and with lib/label_selected or lib/label_indexed.
//
//     peak = max_{j≠y} x_j,   mass = Σ_{j≠y} exp(x_j − peak),   margin = (x_y − peak) − log mass
//     dL/dx_y = −slope,       dL/dx_j = slope · exp(x_j − peak) / mass

struct Position {
  kept: Kept,
  logits: u32,       // where its class 0 is
  labels: Ints,
  peak: Floats,
  mass: Floats,
  label_logit: Floats,
  loss: Floats,      // times the class's factor
  slope: Floats,
  argmax: Bits,
  is_guarded: bool,  // some logit is not finite
  valid: Mask,
  out_of_range: Mask,
  is_nan: Mask,
  infinite: Mask,
}

fn read_position(position: ptr<function, Position>, pixel: u32) {
  let labels = bitcast<Ints>(targets_at(pixel));
  (*position).labels = labels;
  (*position).valid =
    (labels >= Ints(0)) & (labels < Ints(i32(CLASSES))) & (labels != Ints(problem.ignore_index));
  (*position).logits = problem.logits_offset + first_element(pixel);
  (*position).peak = Floats(LOWEST);
  read_finite(position);
  let is_guarded = (*position).is_guarded;
  if is_guarded {
    (*position).peak = Floats(LOWEST);
    read_guarded(position);
  }
  read_label(position);

  let margin = ((*position).label_logit - (*position).peak) - log((*position).mass);
  let curve = focal_curve(margin);
  let factor = select(Floats(0.0), factors_at(bitcast<Bits>(labels)), (*position).valid);
  let infinite = (*position).label_logit <= Floats(LOWEST);
  (*position).infinite = infinite;
  (*position).loss = factor * curve.loss;
  (*position).slope = factor * select(curve.slope, Floats(1.0), infinite);
}

// `counted` are the lanes whose gradient is not 0.
fn write_gradient(position: ptr<function, Position>, pixel: u32, scale: Floats, counted: Mask) {
  let first = problem.grad_logits_offset + first_element(pixel);
  let slope = scale * (*position).slope;
  let others = select(slope / (*position).mass, Floats(0.0), (*position).peak <= Floats(LOWEST));
  let is_guarded = (*position).is_guarded;
  if is_guarded {
    write_guarded(position, first, slope, others, counted);
  } else {
    write_finite(position, first, slope, others);
    write_label(position, first, slope);
  }
}
