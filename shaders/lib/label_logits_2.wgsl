// The logits of the labels of two lanes.

// The label's logit of each lane; that of class C − 1 where the label is no class.
fn label_logits_at(first: u32, labels: Ints) -> Floats {
  let x = finite_logits_at(first + class_offset(labels.x)).x;
  let y = finite_logits_at(first + class_offset(labels.y)).y;
  return bitcast<Floats>(vec2u(x, y));
}
