// The gradient of a position is written with its loss.

fn leave_gradient(position: ptr<function, Position>, first: u32, scale: Floats, counted: Mask) {
  write_gradient(position, first, scale, counted);
}
