// References: what exponentials are relative to, the label's logit or the largest of the others.

fn sweep(pixel: u32) {
  if problem.first_class == 0u {
    begin(pixel);
    carry_bits(STRANGE, pixel, Bits(0u));
    carry_bits(STRANGE_HALVES, pixel, Bits(0u));
  }
  var position: Position;
  read_labels(&position, pixel);
  recall(&position);
  for (var c = problem.first_class; c < problem.end_class; c++) {
    let logit = bitcast<Floats>(finite_logits_at(position.logits + c * problem.class_stride));
    pick_label(&position, c, logit);
    take_other(&position, c, logit);
  }
  carry(LABEL_LOGIT, pixel, position.label_logit);
  carry(PEAK, pixel, position.peak);
}
