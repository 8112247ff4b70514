// The logits of the labels of one lane.

// The label's logit of each lane; that of class C − 1 where the label is no class.
fn label_logits_at(first: u32, labels: Ints) -> Floats {
  return bitcast<Floats>(finite_logits_at(first + class_offset(labels)));
}
