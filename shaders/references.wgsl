// References: what exponentials are relative to, the label's logit or the largest of the others.

fn sweep(pixel: u32) {
  let i = pixel / LANES;
  if problem.first_class == 0u {
    begin(pixel);
    carried[i].strange = Bits(0u);
    carried[i].strange_halves = 0u;
  }
  var position: Position;
  read_labels(&position, pixel);
  recall(&position);
  for (var c = problem.first_class; c < problem.end_class; c++) {
    let logit = bitcast<Floats>(finite_logits_at(position.logits + c * problem.class_stride));
    pick_label(&position, c, logit);
    take_other(&position, c, logit);
  }
  carried[i].label_logit = position.label_logit;
  carried[i].peak = position.peak;
}
