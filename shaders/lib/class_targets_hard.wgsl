// The target of each class where a pixel has one label: for label smoothing, and for probabilities.

fn read_targets(position: ptr<function, Position>, pixel: u32) {
  let labels = bitcast<Ints>(targets_at(pixel));
  (*position).labels = labels;
  (*position).valid =
    (labels >= Ints(0)) & (labels < Ints(i32(CLASSES))) & (labels != Ints(problem.ignore_index));
}

// Smoothed; `element` is that of class c.
fn target_of(position: ptr<function, Position>, element: u32, c: u32) -> Floats {
  let one_hot = select(Floats(0.0), Floats(1.0), (*position).labels == Ints(i32(c)));
  return one_hot * problem.target_scale + problem.target_shift;
}
