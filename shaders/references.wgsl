// References: what exponentials are relative to, the label's logit or the largest of the others.

fn sweep(pixel: u32) {
  var position: Position;
  read_labels(&position, pixel);
  var carried = recall(&position, problem.first_class == 0u);
  for (var c = problem.first_class; c < problem.end_class; c++) {
    let logit = bitcast<Floats>(finite_logits_at(position.logits + c * problem.class_stride));
    pick_label(&position, c, logit);
    take_other(&position, c, logit);
  }
  carry(&position, &carried);
}
