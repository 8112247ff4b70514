// The gradient of a position is written by the sweeps after its loss.

fn leave_gradient(position: ptr<function, Position>, first: u32, scale: Floats, counted: Mask) {
  carry(SCALE, first, scale);
  carry_mask(COUNTED, first, counted);
}
