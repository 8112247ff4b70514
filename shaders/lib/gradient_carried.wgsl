// The gradient of a position is written by the sweeps after its loss.

fn leave_gradient(position: ptr<function, Position>, first: u32, scale: Floats, counted: Mask) {
  let i = first / LANES;
  carried[i].scale = scale;
  carried[i].counted = select(Bits(0u), Bits(1u), counted);
}
