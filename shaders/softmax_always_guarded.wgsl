// Softmax for any number of classes and any logits: every pixel takes the way of softmax_guarded.

struct Kept {
  nothing: u32,
}

fn read_logits(position: ptr<function, Position>) -> Curve {
  (*position).is_guarded = true;
  return read_guarded(position);
}

fn write_logits(position: ptr<function, Position>, first: u32, slope: Floats, per_mass: Floats) {}

fn write_label(position: ptr<function, Position>, first: u32, of_label: Floats) {}
