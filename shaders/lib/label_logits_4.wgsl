// The logits of the labels of four lanes.

// The label's logit of each lane; that of class C − 1 where the label is no class.
fn label_logits_at(first: u32, labels: Ints) -> Floats {
  let x = finite_logits_at(first + class_offset(labels.x)).x;
  let y = finite_logits_at(first + class_offset(labels.y)).y;
  let z = finite_logits_at(first + class_offset(labels.z)).z;
  let w = finite_logits_at(first + class_offset(labels.w)).w;
  return bitcast<Floats>(vec4u(x, y, z, w));
}
