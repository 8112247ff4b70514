// Softmax with one label per pixel. Joined with softmax_kept, softmax_online or, in sweeps, softmax_carried for the logits
// that lib/near or lib/finite take, with softmax_guarded for any other, and with one of the lib/label_…; or with
// softmax_always_guarded.
//
//     mass = Σ_{j≠y} exp(x_j − r)      r: lib/near x_y, else max_{j≠y} x_j
//     dL/dx_y = −slope,   dL/dx_j = slope · exp(x_j − r) / mass

struct Position {
  kept: Kept,
  pixel: u32,
  logits: u32,         // where its class 0 is
  labels: Ints,
  label_logit: Floats,
  factor: Floats,      // of the label's class
  peak: Floats,        // max_{j≠y} x_j, where that is r
  mass: Floats,
  loss: Floats,        // times the class's factor
  slope: Floats,
  argmax: Bits,
  is_put_off: bool,    // some logit is not taken
  is_guarded: bool,    // and now is taken with every guard
  valid: Mask,
  out_of_range: Mask,
  is_nan: Mask,
  infinite: Mask,
}

fn read_position(position: ptr<function, Position>, pixel: u32) {
  read_labels(position, pixel);
  let curve = read_logits(position);
  (*position).valid &= Mask(!(*position).is_put_off);
  weigh(position, curve);
}

fn is_put_off(position: ptr<function, Position>) -> bool {
  return (*position).is_put_off;
}

// As read_position, with every guard.
fn read_put_off(position: ptr<function, Position>, pixel: u32) {
  (*position).is_guarded = true;
  read_labels(position, pixel);
  weigh(position, read_guarded(position));
}

fn read_labels(position: ptr<function, Position>, pixel: u32) {
  let labels = bitcast<Ints>(targets_at(pixel));
  (*position).labels = labels;
  (*position).valid =
    (labels >= Ints(0)) & (labels < Ints(i32(CLASSES))) & (labels != Ints(problem.ignore_index));
  (*position).pixel = pixel;
  (*position).logits = problem.logits_offset + first_element(pixel);
}

fn weigh(position: ptr<function, Position>, curve: Curve) {
  let factor = select(Floats(0.0), (*position).factor, (*position).valid);
  (*position).loss = factor * curve.loss;
  (*position).slope = factor * curve.slope;
}

// The gradient of the label's class; not minus zero where nothing counts.
fn label_gradient(slope: Floats) -> Floats {
  return select(-slope, Floats(0.0), slope == Floats(0.0));
}

// `counted` are the lanes whose gradient is not 0.
fn write_gradient(position: ptr<function, Position>, pixel: u32, scale: Floats, counted: Mask) {
  let first = problem.grad_logits_offset + first_element(pixel);
  let slope = scale * (*position).slope;
  let is_guarded = (*position).is_guarded;
  if is_guarded {
    write_guarded(position, first, slope, counted);
  } else if CLASSES > 1u {
    write_logits(position, first, slope, 1.0 / (*position).mass);
    write_label(position, first, label_gradient(slope));
  } else {
    put_gradient(first, Floats(0.0));
  }
}
